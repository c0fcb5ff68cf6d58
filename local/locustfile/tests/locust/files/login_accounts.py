import random
from locust import HttpUser, constant_pacing, task

ACCOUNTS = [{"name": "ann", "pin": "1111"}, {"name": "b b", "pin": "2222"}, {"name": "cem", "pin": "3333"}]


class Teller(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant_pacing(3)

    def on_start(self):
        self.account = random.choice(ACCOUNTS)
        self.client.post("/json/login", json=self.account)
        about = self.client.get("/json/about").json()
        self.state = about["state"]

    @task
    def pay(self):
        payment = {"from": self.account["name"], "state": self.state, "amount": random.randint(1, 50)}
        self.client.post("/payments", json=payment)

    @task
    def payments(self):
        self.client.get("/payments", params={"by": self.account["name"]}, name="/payments?by=")
