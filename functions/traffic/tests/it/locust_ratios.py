"""Prints what Locust says about class and task ratios, for locust_ratios.json beside this file.

    .tools/venv/bin/python functions/traffic/tests/it/locust_ratios.py > .../locust_ratios.json

The classes are those of workloads/default.toml; user counts, weights and fixed counts are random.
"""

import json
import random
import tomllib
from pathlib import Path

import locust
from locust import User
from locust.user.inspectuser import _calc_distribution, get_ratio

DEFAULT = Path(__file__).parents[2] / "workloads" / "default.toml"


def task(name):
    def run(self):
        pass

    run.__name__ = name
    return run


def user_class(name, body):
    tasks = {task(name): each.get("weight", 1) for name, each in body["task"].items()}
    return type(name, (User,), {"tasks": tasks})


def ratios(rng):
    classes = [user_class(name, body) for name, body in sorted(tomllib.loads(DEFAULT.read_text())["class"].items())]
    names = [each.__name__ for each in classes]
    for most in [0, 1, 2, 10, 10, 100, 100, 1000, 1000]:
        counts = {name: rng.randint(0, most) for name in names}
        yield {
            "counts": counts,
            "per_class": get_ratio(classes, counts, False),
            "total": get_ratio(classes, counts, True),
        }


def distributions(rng):
    for _ in range(150):
        classes = [
            type(f"C{index}", (User,), {
                "weight": rng.choice([1, 1, 1, 2, 3, 7, 50, 9999]),
                "fixed_count": rng.choice([0, 0, 0, 0, 1, 2, 5, 40]),
            })
            for index in range(rng.randint(1, 6))
        ]
        users = rng.choice([0, 1, 2, 3, 5, 10, 11, 25, 50, 100, 101, 999])
        yield {
            "classes": [[each.weight, each.fixed_count] for each in classes],
            "users": users,
            "counts": list(_calc_distribution(classes, users).values()),
        }


def main():
    rng = random.Random(1)
    golden = {
        "locust": locust.__version__,
        "ratios": list(ratios(rng)),
        "distributions": list(distributions(rng)),
    }
    print(json.dumps(golden, separators=(",", ":")))


main()
