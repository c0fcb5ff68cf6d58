import csv  # refused: the module `csv`
from locust import HttpUser, constant, task

with open("users.csv") as file:  # refused: with open
    USERS = list(csv.reader(file))


class Rows(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant(1)

    @task
    def one(self):
        self.client.post("/login", json={"user": USERS[0]})
