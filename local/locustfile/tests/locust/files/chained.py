from locust import HttpUser, constant, task


class Chained(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant(1)

    @task
    def use_token(self):
        response = self.client.get("/json")
        token = response.json()["token"]
        self.client.get("/mine", headers={"Authorization": f"Bearer {token}"})

    @task
    def ask_first(self):
        response = self.client.get("/status/500")
        if response.ok:
            self.client.get("/never")
