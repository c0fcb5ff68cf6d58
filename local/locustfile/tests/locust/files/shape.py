from locust import HttpUser, LoadTestShape, constant, task


class Simple(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant(1)

    @task
    def index(self):
        self.client.get("/")


class StagesShape(LoadTestShape):
    stages = [
        {"duration": 20, "users": 10, "spawn_rate": 10},
        {"duration": 50, "users": 50, "spawn_rate": 5},
        {"duration": 60, "users": 5, "spawn_rate": 45},
    ]

    def tick(self):
        run_time = self.get_run_time()
        for stage in self.stages:
            if run_time < stage["duration"]:
                return (stage["users"], stage["spawn_rate"])
        return None
