from locust import HttpUser, TaskSet, constant, task


class Account(TaskSet):
    def on_start(self):
        with self.client.post(
            "/json/login", data={"user": "bob", "pin": "1234"}, name="log in", catch_response=True
        ) as response:
            if response.ok and "token" in response.json():
                self.client.headers.update({"Authorization": "Bearer " + response.json()["token"]})
            else:
                response.failure("no token")

    def on_stop(self):
        self.client.delete("/json/login", name="log out")

    @task
    def balance(self):
        self.client.get("/balance")

    @task(3)
    def pay(self):
        self.client.post("/payments", json={"amount": 5}, headers={"X-Client": "set"})


class Customer(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant(1)
    tasks = [Account]
