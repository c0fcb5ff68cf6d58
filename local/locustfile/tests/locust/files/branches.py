import random
from locust import HttpUser, task


class Branching(HttpUser):
    host = "http://127.0.0.1:1"

    def wait_time(self):
        return random.uniform(1, 2)

    @task
    def browse(self):
        self.client.get("/start")
        if random.randint(1, 10) <= 3:
            self.client.get("/detail")
        elif random.random() > 0.5:
            self.client.post("/basket", json={"count": random.choice([1, 2, 5])})

    @task
    def kinds(self):
        kind = random.choice(["a", "b", "b", "c"])
        if kind == "c":
            self.client.delete("/kind/c")
        else:
            self.client.get("/kind/" + kind)
