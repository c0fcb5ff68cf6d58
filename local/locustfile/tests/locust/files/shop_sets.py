from locust import HttpUser, TaskSet, constant, task


def index(l):
    l.client.get("/")


def stats(l):
    l.client.get("/stats/requests")


class ShopTasks(TaskSet):
    tasks = {index: 2, stats: 1}

    @task
    def page_404(self):
        self.client.get("/status/404")


class ShopUser(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant(2)
    tasks = [ShopTasks]


class Admin(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant(5)
    weight = 3
    fixed_count = 1

    @task
    def admin(self):
        with self.client.put("/status/500", json=[1, 2.5, True], catch_response=True) as response:
            if response.ok:
                response.success()
            else:
                response.failure("admin is down")
