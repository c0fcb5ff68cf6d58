from locust import HttpUser, constant, task


class Strict(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant(1)

    @task
    def quick(self):
        with self.client.get("/quick", catch_response=True) as response:
            if response.elapsed.total_seconds() > 0.5:  # refused: no `elapsed`
                response.failure("too slow")

    @task
    def metrics(self):
        metrics = self.client.get("/metrics").json()
        assert metrics["total"] > 0  # refused: cannot say `assert
