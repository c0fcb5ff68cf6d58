import random
from locust import HttpUser, constant, tag, task

HEADERS = {"X-Client": "locust", "Accept": "application/json"}


class Searcher(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant(0)

    def on_start(self):
        self.client.headers.update({"X-Session": "fixed"})

    @tag("search")
    @task
    def search(self):
        word = random.choice(["tea", "green tea", "a/b&c"])
        self.client.get("/search", params={"q": word, "page": 2}, headers=HEADERS, name="/search")

    @task
    def constant_query(self):
        self.client.get("/search", params={"q": "x y", "sort": ["up", "down"]})

    @task
    def private(self):
        self.client.get("/private", auth=("somebody", "s3cret"))

    @task
    def login_form(self):
        self.client.post("/login", data={"user": "me", "text": "a b"}, timeout=5, allow_redirects=False)

    @task
    def raw(self):
        self.client.post("/raw", data="plain text", headers={"Content-Type": "text/plain"})
