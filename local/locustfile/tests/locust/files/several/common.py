from locust import HttpUser, constant


class Shared(HttpUser):
    abstract = True
    host = "http://127.0.0.1:1"
    wait_time = constant(3)
