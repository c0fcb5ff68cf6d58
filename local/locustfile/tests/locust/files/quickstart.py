import random
from locust import HttpUser, between, task


class Quick(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = between(1, 5)

    @task
    def hello(self):
        self.client.get("/hello")
        self.client.get("/world")

    @task(3)
    def items(self):
        for item_id in range(4):
            self.client.get(f"/item?id={item_id}", name="/item")

    @task(2)
    def page(self):
        page = random.randrange(1, 6)
        self.client.get("/page/{}".format(page), name="/page/[number]")
