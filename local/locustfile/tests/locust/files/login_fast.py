from locust import FastHttpUser, between, task


class Quick(FastHttpUser):
    host = "http://127.0.0.1:1"
    wait_time = between(0.5, 1)

    def on_start(self):
        response = self.client.post("/json/login", json={"key": "k"})
        self.auth = {"Authorization": "Token " + response.json()["token"]}

    @task
    def items(self):
        self.client.get("/items", headers=self.auth)

    @task
    def item(self):
        self.client.put("/items", json={"name": "cup"}, headers=self.auth)
