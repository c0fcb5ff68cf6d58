import random
from locust import HttpUser, between, task


class Numbered(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = between(1, 2)

    def on_start(self):  # refused: `self.number` is drawn once for each user
        self.number = random.randint(1, 9)

    @task
    def mine(self):
        self.client.get(f"/mine/{self.number}", name="/mine")


class Registers(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = between(1, 2)

    def on_start(self):
        response = self.client.post("/login", json={"user": "a"})
        if response.status_code == 404:
            self.client.post("/register", json={"user": "a"})  # refused: sent after a request of on_start has failed

    @task
    def mine(self):
        self.client.get("/mine")
