import random
from locust import HttpUser, constant_pacing, task

QUERY = """
query Product($id: ID!) {
  product(id: $id) { name price }
}
"""


class GraphUser(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant_pacing(2)

    def ask(self, query, variables, name):
        return self.client.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"Accept": "application/json"},
            name=name,
        )

    @task
    def product(self):
        self.ask(QUERY, {"id": str(random.randint(1, 50))}, "product")

    @task
    def viewer(self):
        self.ask("{ viewer { id } }", None, "viewer")
