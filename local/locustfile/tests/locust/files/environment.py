import os
from locust import HttpUser, constant, task

PREFIX = os.environ.get("API_PREFIX", "/v2")


class Configured(HttpUser):
    host = os.getenv("SHOP_TEST_URL", "http://127.0.0.1:1")
    wait_time = constant(2)

    @task
    def items(self):
        self.client.get(f"{PREFIX}/items")
