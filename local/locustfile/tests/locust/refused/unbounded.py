import math
from locust import HttpUser, LoadTestShape, constant, task


class One(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant(1)

    @task
    def go(self):
        while True:  # refused: cannot say `while
            self.client.get("/")


class Wave(LoadTestShape):  # refused: does not end within six hours
    def tick(self):
        return (10, 1)
