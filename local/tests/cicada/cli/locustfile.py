"""The workload of the tests of the command line, as Locust has it: see WORKLOAD in cli.rs."""

import os

from locust import HttpUser, constant_pacing, task


class Shop(HttpUser):
    abstract = True
    host = os.environ["SHOP_URL"]
    wait_time = constant_pacing(0.5)


class Many(Shop):
    fixed_count = 2

    @task(3)
    def first(self):
        self.client.get("/first", name="GET /first")

    @task
    def second(self):
        self.client.get("/second", name="GET /second")

    @task(2)
    def third(self):
        self.client.get("/third", name="GET /third")


class Broken(Shop):
    @task
    def look(self):
        self.client.get("/broken", name="GET /broken")


class Other(Shop):
    weight = 3

    @task
    def look(self):
        self.client.get("/other", name="GET /other")


class Paced(Shop):
    @task
    def look(self):
        self.client.get("/paced", name="GET /paced")


class Slow(Shop):
    @task
    def look(self):
        self.client.get("/slow", name="GET /slow")
