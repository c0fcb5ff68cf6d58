import time
from locust import HttpUser, between, task


class Slow(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = between(1, 2)

    @task
    def items(self):
        for item_id in range(2):
            self.client.get(f"/item?id={item_id}", name="/item")
            time.sleep(1)  # refused: no pause within a task
