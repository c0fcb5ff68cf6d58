"""Asks Locust's own dispatcher how many users of each class it starts.

Reads a JSON array of cases {"users": N, "classes": [[name, weight, fixed_count], ...]} from standard
input and writes the array of its answers, {name: count}.
"""

import json
import sys

from locust import User
from locust.dispatch import UsersDispatcher
from locust.runners import WorkerNode


def counts(case):
    classes = [
        type(name, (User,), {"weight": weight, "fixed_count": fixed})
        for name, weight, fixed in case["classes"]
    ]
    dispatcher = UsersDispatcher([WorkerNode("worker")], classes)
    # one dispatch iteration, without waits
    dispatcher.new_dispatch(case["users"], spawn_rate=max(1, case["users"]))
    last = {}
    for last in dispatcher:
        pass
    return last["worker"]


json.dump([counts(case) for case in json.load(sys.stdin)], sys.stdout)
