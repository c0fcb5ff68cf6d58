from locust import HttpUser, SequentialTaskSet, constant, task


class Steps(SequentialTaskSet):
    @task
    def first(self):
        self.client.get("/first")

    @task
    def second(self):
        self.client.post("/second", json={"step": 2})

    @task
    def third(self):
        self.client.get("/third")


class Walker(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant(0)
    tasks = [Steps]
