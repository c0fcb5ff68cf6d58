from common import Shared
from locust import task


class One(Shared):
    @task
    def one(self):
        self.client.get("/one")
