"""Locust as fast as it goes: users that get `/` without a wait, on either of its HTTP clients.

`BENCH_CLIENT` chooses the client: `fast` (FastHttpUser) or `requests` (HttpUser).
"""

import os

from locust import FastHttpUser, HttpUser, constant, task

Client = {"fast": FastHttpUser, "requests": HttpUser}[os.environ.get("BENCH_CLIENT", "fast")]


class Throughput(Client):
    wait_time = constant(0)

    @task
    def get_root(self):
        self.client.get("/")
