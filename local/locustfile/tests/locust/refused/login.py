from locust import HttpUser, between, task


class Member(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = between(1, 2)

    def on_start(self):
        self.client.post("/login", json={"user": "a"})  # refused: sent once by each user

    @task
    def mine(self):
        self.client.get("/mine")
