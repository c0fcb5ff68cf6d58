"""The traffic of local/tests/servers as Locust has it: two models, two requests an iteration, in one session."""

import os

from locust import HttpUser, between, task


class Model(HttpUser):
    abstract = True
    wait_time = between(float(os.environ["WAIT_LOW"]), float(os.environ["WAIT_HIGH"]))
    model = None

    @task
    def check_and_repair(self):
        self.client.get("/status", name="Agent Status")
        with self.client.post(f"/repair?model={self.model}", name="Repair", catch_response=True) as response:
            if response.status_code == 200 and response.json()["success"] is not True:
                response.failure("not repaired")


class ModelAUser(Model):
    model = "a"


class ModelBUser(Model):
    model = "b"
