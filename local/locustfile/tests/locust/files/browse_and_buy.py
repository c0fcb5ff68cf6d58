import random
from locust import HttpUser, constant, task

PRODUCTS = [
    {"id": 1, "name": "chair", "price": 25},
    {"id": 2, "name": "table", "price": 120},
]


class Shopper(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant(1)

    @task
    def browse_and_buy(self):
        product = random.choice(PRODUCTS)
        self.client.get("/products")
        self.client.get(f"/products/{product['id']}", name="/products/[id]")
        if random.random() < 0.25:
            with self.client.post(
                "/orders", json={"product": product["name"], "price": product["price"]}, catch_response=True
            ) as response:
                if response.status_code != 201:
                    response.failure(f"order was answered {response.status_code}")
