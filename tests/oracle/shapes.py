"""Plays one of Locust's load shapes and its dispatcher in virtual time, and counts the users.

Standard input has one JSON array of cases, each {"stages": [{"duration", "users", "spawn_rate"}, ...],
"classes": [[name, weight], ...]}. The shape's `tick` is the one that Locust's documentation teaches for a
list of stages, and is asked once a second, as by its local runner. One JSON array is printed: of each case
the number of users just before every quarter of a second, until the shape ends.
"""

import heapq
import itertools
import json
import sys

import locust.dispatch
import locust.shape
from locust import LoadTestShape, User
from locust.dispatch import UsersDispatcher
from locust.runners import WorkerNode

QUARTER = 0.25


class Clock:
    now = 0.0

    def perf_counter(self):
        return self.now


class NoSleep:
    """The dispatcher's pauses are played here, in virtual time."""

    @staticmethod
    def sleep(seconds=0):
        pass


clock = Clock()
locust.shape.time = clock
locust.dispatch.time = clock
locust.dispatch.gevent = NoSleep


def shape_of(stages):
    class Stages(LoadTestShape):
        def tick(self):
            for stage in stages:
                if self.get_run_time() < stage["duration"]:
                    return stage["users"], stage["spawn_rate"]
            return None

    return Stages()


def play(case):
    clock.now = 0.0
    classes = [type(name, (User,), {"weight": weight}) for name, weight in case["classes"]]
    shape = shape_of(case["stages"])
    dispatcher = UsersDispatcher([WorkerNode("local")], classes)
    # what is due at the same moment comes in this order: a count, a look at the shape, more users
    order = itertools.count()
    due = []

    def later(seconds, priority, what):
        heapq.heappush(due, (clock.now + seconds, priority, next(order), what))

    last, dispatch, users, counts = None, 0, 0, []
    later(0, 1, "tick")
    later(QUARTER, 0, "count")
    while True:
        clock.now, _, _, what = heapq.heappop(due)
        if what == "count":
            counts.append(users)
            later(QUARTER, 0, "count")
        elif what == "tick":
            now = shape.tick()
            if now is None:
                return counts
            if now != last:
                # the local runner ends the dispatch before
                last, dispatch = now, dispatch + 1
                dispatcher.new_dispatch(*now)
                later(0, 2, dispatch)
            later(1, 1, "tick")
        elif what == dispatch:
            dispatched = next(dispatcher, None)
            if dispatched is not None:
                users = sum(dispatched["local"].values())
                later(dispatcher._wait_between_dispatch, 2, dispatch)


json.dump([play(case) for case in json.load(sys.stdin)], sys.stdout)
