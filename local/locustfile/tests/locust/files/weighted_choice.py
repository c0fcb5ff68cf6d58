import random
from locust import HttpUser, constant, task


class Chooser(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant(1)

    @task
    def page(self):
        page = random.choices(["/a", "/b", "/c"], weights=[0.5, 0.3, 0.2])[0]
        self.client.get(page)

    @task(2)
    def vote(self):
        self.client.post("/vote", json={"for": random.choices(["x", "y"], weights=[9, 1], k=1)[0]})
