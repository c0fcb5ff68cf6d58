from locust import HttpUser, TaskSet, between, task


class Pages(TaskSet):
    wait_time = between(2, 4)

    @task(3)
    def home(self):
        self.client.get("/home")

    @task
    def help(self):
        self.user.client.get("/help")


class Browser(HttpUser):
    host = "http://127.0.0.1:1"
    tasks = [Pages]
