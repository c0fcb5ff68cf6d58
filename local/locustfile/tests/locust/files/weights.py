from locust import HttpUser, constant_pacing, constant_throughput, task


def index(user):
    user.client.get("/")


def about(user):
    user.client.get("/about")


class Visitor(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant_pacing(5)
    weight = 2
    tasks = {index: 3, about: 1}


class Reader(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant_throughput(0.5)
    fixed_count = 1
    tasks = [index, index, about]
