from locust import HttpUser, constant, tag, task


class Tagged(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant(1)

    @tag("smoke", "read")
    @task(2)
    def read(self):
        self.client.get("/read")

    @task
    @tag("write")
    def write(self):
        self.client.post("/write", json={"text": "x"})

    @task
    def other(self):
        self.client.get("/other")
