from locust import HttpUser, constant, task

PATHS = ["/one", "/two"]


def visit(client, path, times=1):
    for _ in range(times):
        client.get(path)


class Looper(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant(1)

    @task
    def all_paths(self):
        for index, path in enumerate(PATHS):
            visit(self.client, path, times=index + 1)
