"""Sends what a test has seen Cicada send, by Locust's HttpUser: `heads.py URL`.

Reads a JSON array from standard input. An item is either {"class", "request", "values"}: one of the demo's six
classes, which of its requests, and what it drew; or {"method", "path", "headers", "json_text" or "data"}: anything else.
"""

import json
import sys

from locust import HttpUser
from locust.env import Environment


class TargetAppUser(HttpUser):
    def get(self, path):
        self.client.get(path)

    def create_order(self, product, amount):
        self.client.post("/orders", json={"product": product, "amount": amount})

    def get_specific_product(self, path):
        self.client.get(path, name="GET /products/:id")


class Model(HttpUser):
    abstract = True
    model = None

    def status(self):
        self.client.get("/status", name="Agent Status", timeout=60)

    def repair(self):
        with self.client.post(
            f"/repair?model={self.model}", name="Repair Workflow", timeout=120, catch_response=True
        ) as response:
            if not response.json()["success"]:
                response.failure("repair failed")


class ModelAUser(Model):
    model = "a"


class ModelBUser(Model):
    model = "b"


class Chats(HttpUser):
    abstract = True

    def chat(self, message, model):
        self.client.post("/chat", json={"message": message, "model": model}, name="Chat", timeout=60)


class ChatModelAUser(Chats):
    pass


class ChatModelBUser(Chats):
    pass


class PassiveLoadUser(Chats):
    pass


class Matrix(HttpUser):
    def send(self, method, path, headers, **body):
        if "json_text" in body:
            body["json"] = json.loads(body.pop("json_text"))
        self.client.request(method, path, headers=headers, **body)


def main():
    environment = Environment()
    HttpUser.host = sys.argv[1]
    users = {}
    for item in json.load(sys.stdin):
        name = item.pop("class", "Matrix")
        if name not in users:
            users[name] = globals()[name](environment)
        if name == "Matrix":
            users[name].send(**item)
        else:
            getattr(users[name], item["request"])(*item["values"])


main()
