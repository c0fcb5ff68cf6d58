import json
import random
import string
import uuid
from locust import HttpUser, constant, task


class Maker(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant(1)

    @task
    def create(self):
        name = "".join(random.choices(string.ascii_lowercase, k=6))
        self.client.post("/users", json={"name": name, "age": random.randint(18, 80)})

    @task
    def event(self):
        body = json.dumps({"id": random.randint(1, 3), "kind": "click"})
        self.client.post(f"/events/{uuid.uuid4()}", data=body, headers={"Content-Type": "application/json"}, name="/events")
