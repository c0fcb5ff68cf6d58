"""Locust's users at one iteration a second, each naming itself in a header.

`BENCH_CLIENT` chooses the client as in throughput.py. `BENCH_SPREAD` is what somebody does who wants no
bursts: the users' first iterations are spread evenly over the second, by a sleep before each.
"""

import itertools
import os
import time

from locust import FastHttpUser, HttpUser, constant_pacing, task

Client = {"fast": FastHttpUser, "requests": HttpUser}[os.environ.get("BENCH_CLIENT", "fast")]
SPREAD_OVER = int(os.environ.get("BENCH_SPREAD", "0"))
indices = itertools.count()


class Paced(Client):
    wait_time = constant_pacing(1)

    def on_start(self):
        index = next(indices)
        self.headers = {"X-Cicada-User": f"Paced-{index}"}
        if SPREAD_OVER:
            # more than one pacing, or constant_pacing takes it for a long first iteration and makes up for it,
            # and all users are in step again
            time.sleep(1 + index / SPREAD_OVER)

    @task
    def get_root(self):
        self.client.get("/", headers=self.headers)
