from locust import HttpUser, constant, task
from locust.exception import StopUser


class Newcomer(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant(2)

    def on_start(self):
        made = self.client.post("/json/register", json={"name": "new"})
        self.log_in(made.json()["state"])
        self.client.headers["X-Session"] = "open"
        self.client.get("/welcome")

    def log_in(self, code):
        headers = {"X-Client": "file"}
        headers["Accept"] = "application/json"
        response = self.client.post("/json/login", json={"code": code}, headers=headers)
        if response.status_code != 200:
            raise StopUser()
        self.client.headers["Authorization"] = f"Bearer {response.json()['token']}"

    @task
    def look(self):
        self.client.get("/look")
