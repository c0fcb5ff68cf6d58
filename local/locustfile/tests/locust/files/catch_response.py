from locust import HttpUser, constant, task


class Careful(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant(1)

    @task
    def text(self):
        with self.client.get("/text", catch_response=True) as response:
            if "welcome" not in response.text:
                response.failure("no welcome")

    @task
    def status(self):
        with self.client.get("/status/201", catch_response=True) as response:
            if response.status_code != 200:
                response.failure(f"unexpected {response.status_code}")
            else:
                response.success()

    @task
    def document(self):
        with self.client.get("/json", catch_response=True) as response:
            if response.status_code >= 500:
                response.failure("down")
            elif response.json().get("state") != "ready":
                response.failure(f"state is {response.json()['state']}")

    @task
    def missing(self):
        with self.client.get("/status/404", catch_response=True) as response:
            if response.status_code == 404:
                response.success()

    @task
    def unsaid(self):
        with self.client.get("/status/503", catch_response=True) as response:
            pass
