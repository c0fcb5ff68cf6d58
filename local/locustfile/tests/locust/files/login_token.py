from locust import HttpUser, between, task


class Member(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = between(0, 2)
    token = None

    def on_start(self):
        response = self.client.post("/json/login", json={"username": "ann", "password": "letmein"})
        if response.status_code == 200:
            self.token = response.json()["token"]
        else:
            print("nobody is logged in")

    def on_stop(self):
        self.client.post("/logout", headers={"Authorization": f"Bearer {self.token}"})

    @task(2)
    def orders(self):
        self.client.get("/orders", headers={"Authorization": f"Bearer {self.token}"})

    @task
    def order(self):
        if not self.token:
            return
        self.client.post("/orders", json={"item": 3, "by": self.token})
