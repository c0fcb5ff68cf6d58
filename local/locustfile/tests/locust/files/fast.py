import random
from locust import FastHttpUser, between, task


class Fast(FastHttpUser):
    host = "http://127.0.0.1:1"
    wait_time = between(1, 3)
    network_timeout = 20.0

    @task(3)
    def item(self):
        self.client.get("/item?id=%i" % random.randint(1, 100), name="/item")

    @task
    def add(self):
        self.client.post("/cart", json={"count": 2})
