import random
from locust import HttpUser, between, task


class CrudUser(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = between(0.5, 2.5)
    weight = 3

    @task(4)
    def list_notes(self):
        self.client.get("/notes")

    @task(2)
    def create(self):
        self.client.post("/notes", json={"title": "note", "tags": ["a", "b"], "pinned": False, "extra": None})

    @task
    def replace(self):
        note = random.randint(1, 9)
        self.client.put(f"/notes/{note}", json={"title": f"number {note}", "size": note}, name="/notes/[id]")

    @task
    def patch(self):
        self.client.patch("/notes/7", json={"done": True}, name="/notes/[id]")

    @task
    def remove(self):
        with self.client.delete("/notes/404", name="/notes/[id]", catch_response=True) as response:
            if response.status_code == 404:
                response.success()
