"""The cost of a month of traffic on AWS, simulated call by call, without any of Cicada's code.

It follows docs/aws.md and docs/cost.md: a wake-up for each tick, ten of them in a message, an invocation for each message,
a claim and records for each tick, a fan-out and twenty reads once a minute. Response times are log-normal. Draws are
Python's own, so that figures agree with `cicada cost` only if both count the same things.
"""

import argparse
import math
import random
import shlex
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRICES = tomllib.loads((ROOT / "aggregator/cost/src/prices-2026-11.toml").read_text())

MONTH = 730.0
# seconds that are played after the ramp: an hour where few users would make a poor average
LONG, SHORT, MANY = 3_600, 600, 400
SIGMA = 0.6

# the built-in workload: wait, timeout of an iteration, and tasks by weight, each with its requests' names, average
# response times in seconds, and probabilities
FAST = 0.05


def agent(model, chat, repair):
    status, fix = f"Agent Status (Model {model})", f"Repair Workflow (Model {model})"
    return {
        f"Model{model}User": (("pacing", 30), 180, [(1, [(status, FAST, 1), (fix, repair, 0.2)])]),
        f"ChatModel{model}User": (("pacing", 45), 60, [(1, [(f"Chat (Model {model})", chat, 1)])]),
    }


def prompts(kind):
    return [(f"{kind} Prompt (Model A)", 1.1, 1), (f"{kind} Prompt (Model B)", 1.9, 1)]


CLASSES = {
    **agent("A", 1.1, 7.2),
    **agent("B", 1.9, 10.8),
    "PassiveLoadUser": (("pacing", 18), 240, [(4, prompts("Tool")), (5, prompts("Simple")), (1, prompts("Error"))]),
    "TargetAppUser": (
        ("between", 1, 3),
        60,
        [
            (3, [("GET /health", FAST, 1)]),
            (2, [("GET /orders", FAST, 1)]),
            (2, [("GET /products", FAST, 1)]),
            (1, [("POST /orders", FAST, 1)]),
            (1, [("GET /products/:id", FAST, 1)]),
        ],
    ),
}


def options(question):
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int)
    parser.add_argument("--class-counts", nargs="+", default=[])
    parser.add_argument("--spawn-rate", type=float)
    parser.add_argument("--hours", default="24/day")
    parser.add_argument("--watch-hours", default="1/day")
    parser.add_argument("--response-time", action="append", default=[])
    parser.add_argument("--memory", type=int, required=True)
    parser.add_argument("--architecture", default="x86_64")
    parser.add_argument("--ticks-per-message", type=int, default=10)
    parser.add_argument("--retention-days", type=float, default=30)
    parser.add_argument("--alarms", type=int, default=3)
    parser.add_argument("--region")
    return parser.parse_args(shlex.split(question))


def hours_and_runs(text):
    """Hours in a month, and the runs that they are: a run a day, on five days of a week, none where traffic never ends."""
    count, per = text.split("/")
    in_per = {"day": 24.0, "week": 168.0, "month": MONTH}[per]
    count = float(count)
    runs = {"day": MONTH / 24, "week": MONTH / 24 * 5 / 7, "month": count / 8}[per]
    return count * MONTH / in_per, 0 if count >= in_per else runs


# docs/scale.md: what 128 MB can send in a second
USERS_PER_MESSAGE = 300


class Traffic:
    """Users of classes, who are started one after the other, and their iterations."""

    def __init__(self, asked):
        self.random = random.Random(7)
        self.times = dict(text.rsplit("=", 1) for text in asked.response_time if "=" in text)
        self.overall = next((text for text in asked.response_time if "=" not in text), None)
        counts = dict(text.split("=") for text in asked.class_counts)
        if asked.users:
            names = sorted(CLASSES)
            counts = {name: (asked.users + len(names) - 1 - index) // len(names) for index, name in enumerate(names)}
        members = [(name, user, int(count)) for name, count in counts.items() for user in range(int(count))]
        # the classes take turns, and without a spawn rate all are there after a minute
        members.sort(key=lambda member: (member[1] + 0.5) / member[2])
        rate = asked.spawn_rate or max(len(members) / 60, 1)
        self.users = [(name, user, index / rate) for index, (name, user, _) in enumerate(members)]
        self.settled = 60 * math.ceil(len(members) / rate / 60)

    def due(self, until):
        """Instants of iterations by second, class and block of a hundred users."""
        seconds = defaultdict(lambda: defaultdict(list))
        for name, user, start in self.users:
            (kind, *bounds), at, number = CLASSES[name][0], start, 0
            while at < until:
                seconds[int(at)][name, user // 100].append((at, user))
                number += 1
                if kind == "pacing":
                    at = start + number * bounds[0]
                else:
                    low, high = bounds
                    at = start + number * (low + high) / 2 + self.random.uniform(-1, 1) * (high - low) / 4
        return seconds

    def responses(self, name):
        """The names and response times of one iteration's requests."""
        tasks = CLASSES[name][2]
        [(_, requests)] = self.random.choices(tasks, [weight for weight, _ in tasks])
        for request, mean, probability in requests:
            if self.random.random() < probability:
                mean = float(self.times.get(request, self.times.get(name, self.overall or mean)))
                yield request, mean * self.random.lognormvariate(-SIGMA * SIGMA / 2, SIGMA)


class Simulation:
    """The functions, while traffic goes on."""

    def __init__(self, asked):
        self.asked, self.traffic = asked, Traffic(asked)
        self.counts = Counter()
        self.busy, self.next_due = {}, {}
        self.environments = []
        self.names = set()
        self.bytes = 0

    def play(self, begins, until):
        seconds = self.traffic.due(until + 60)
        later = defaultdict(list)
        for second in sorted(seconds):
            for (name, _), items in seconds[second].items():
                for at, user in items:
                    later[name, user].append(at)
        for second in range(until):
            counted = Counter(self.counts)
            ticks = sorted(seconds.get(second, {}).items())
            for message in self.packed(ticks):
                self.message(second, message, later)
            if (second + 1) % 60 == 0 or second + 1 == until:
                # a minute is sent in batches of ten
                self.counts["sqs"] += math.ceil(self.counts.pop("unsent", 0) / 10)
            if second < begins:
                highest = self.counts["at once"]
                self.counts = counted + Counter(unsent=self.counts["unsent"] - counted["unsent"])
                self.counts["at once"] = highest
        self.minutes((until - begins) / 60)

    def packed(self, ticks):
        """Ticks in messages: as many as are asked for, and no more than have 300 users."""
        message, users = [], 0
        for tick in ticks:
            more = len({user for _, user in tick[1]})
            if message and (len(message) == self.asked.ticks_per_message or users + more > USERS_PER_MESSAGE):
                yield message
                message, users = [], 0
            message.append(tick)
            users += more
        if message:
            yield message

    def message(self, second, ticks, later):
        begins, ends, looks = second - 0.4, float(second), []
        for (name, _), items in ticks:
            ends = max(ends, self.tick(second, name, sorted(items), later, looks))
        # no environment of those that are free, or the one that was free last
        free = [one for one in self.environments if one["free"] <= begins]
        if free:
            environment = max(free, key=lambda one: one["free"])
        else:
            environment = {"read": begins}
            self.environments.append(environment)
            self.counts["reads"] += 3
        environment["free"] = ends + 0.005
        for look in [begins, *sorted(looks)]:
            if look - environment["read"] >= 0.9:
                environment["read"] = look
                self.counts["reads"] += 1
        at_once = sum(one["free"] > begins for one in self.environments)
        if second < self.traffic.settled + 60 + SHORT:
            # the highest of an hour is higher than that of ten minutes
            self.counts["at once"] = max(self.counts["at once"], at_once)
        self.counts["invocations"] += 1
        self.counts["ms"] += math.ceil((environment["free"] - begins) * 1000)
        self.counts["messages"] += 1
        self.counts["unsent"] += 1
        self.counts["sqs"] += 2

    def tick(self, second, name, items, later, looks):
        (kind, *bounds), timeout, _ = CLASSES[name]
        shortest = bounds[0]
        lead = min(1.0, max(shortest / 2, 0.15))
        may_meet = timeout + 1 >= shortest
        done, read_at = [], None
        self.counts["ticks"] += 1
        self.counts["writes"] += 1  # the claim
        self.counts["claim bytes"] += 200
        for at, user in items:
            if may_meet and (read_at is None or read_at < at - (lead - 0.075)):
                read_at = at - 0.02
                self.counts["reads"] += 1
            if self.busy.get((name, user), 0) > at:
                self.counts["skipped"] += 1
                done.append((at, None))
                continue
            now = at
            for number, (request, seconds) in enumerate(self.traffic.responses(name)):
                if number:
                    looks.append(now)
                now += min(seconds, timeout)
                done.append((now, request))
                self.names.add(request)
                self.counts["requests"] += 1
            self.busy[name, user] = now
            self.counts["iterations"] += 1
            following = next((due for due in later[name, user] if due >= second + 1), None) if now > at + 0.5 else None
            if may_meet and following is not None and now > following - lead:
                self.counts["writes"] += 2  # the marker, and taking it back
        return self.records(name, sorted(done, key=lambda one: one[0]), items[-1][0])

    def records(self, name, done, last_start):
        pending, since = [], None
        for at, request in done:
            if since is not None and max(since + 1.5, last_start) <= at:
                self.write(name, pending)
                pending, since = [], None
            since = at if since is None else since
            pending.append((at, request))
        self.write(name, pending)
        return max(last_start, done[-1][0]) + 0.01

    def write(self, name, pending):
        """A record for each bucket of ten seconds; eighty outcomes are a kilobyte."""
        buckets = defaultdict(list)
        for at, request in pending:
            buckets[int(at / 10)].append(request)
        for requests in buckets.values():
            names = {request for request in requests if request}
            size = 155 + 2 * len(name) + 20 + sum(len(one) + 8 for one in names) + 9 * len(requests)
            self.counts["writes"] += math.ceil(size / 1024)
            self.counts["record bytes"] += size + 100

    def minutes(self, minutes):
        """The fan-out: a heartbeat, a note of how far it planned, a checkpoint, and reading records."""
        counts = self.counts
        rows = 300 * len(self.names)
        counts["heartbeats"] += minutes
        counts["writes"] += minutes * (1 + math.ceil((8300 + rows) / 1024))
        self.rate = counts["record bytes"] / (minutes * 60)
        counts["reads"] += minutes * (4 + self.buckets(13, 75) + self.buckets(7, 15))
        sends = counts["messages"] / 10 / minutes
        counts["other ms"] += minutes * (500 + 10 * (sends + 12))
        counts["other invocations"] += minutes
        counts["log bytes"] = 450 * counts["invocations"] + 1050 * minutes

    def buckets(self, buckets, window):
        """Read units for some buckets, of which those that lie in the window have news."""
        news = min(buckets, math.ceil(window / 10))
        return buckets - news + news * max(1, math.ceil(self.rate * window / news / 4096))


def prices(region):
    merged = {key: value for key, value in PRICES.items() if key != "regions"}
    for service, of_region in PRICES["regions"].get(region, {}).items():
        if isinstance(of_region, dict):
            merged[service] = {**merged[service], **of_region}
    return merged


def bill(question):
    """US$ a month, with the figures that it is made of."""
    asked = options(question)
    hours, runs = hours_and_runs(asked.hours)
    watched = min(hours_and_runs(asked.watch_hours)[0], hours)
    steady = Simulation(asked)
    begins = steady.traffic.settled + 60
    window = SHORT if len(steady.traffic.users) >= MANY else LONG
    steady.play(begins, begins + window)
    parts, ramp_hours = [], 0
    if asked.spawn_rate and runs:
        seconds = math.ceil(min(len(steady.traffic.users) / asked.spawn_rate, hours / runs * 3600))
        ramp = Simulation(asked)
        ramp.play(0, seconds)
        ramp_hours = runs * seconds / 3600
        parts.append((ramp.counts, ramp_hours * 3600 / seconds))
    parts.append((steady.counts, (hours - ramp_hours) * 3600 / window))
    total = Counter()
    for counts, times in parts:
        for name, count in counts.items():
            total[name] += count * times
    polls = watched * 1800
    total["reads"] += polls * (1 + steady.buckets(7, 17))
    total["other invocations"] += polls
    total["other ms"] += polls * 60
    total["log bytes"] += polls * 450
    total["sqs"] += hours * 3600 / 20 * 5  # five pollers while a run is on

    price = prices(asked.region)
    gb_second = price["lambda"]["gb_second_arm" if asked.architecture == "arm64" else "gb_second_x86"]
    gb_seconds = total["ms"] / 1000 * asked.memory / 1024 + total["other ms"] / 1000 * 0.25
    gib, days = 1 << 30, MONTH / 24
    stored = (total["record bytes"] * asked.retention_days + total["claim bytes"] * 2) / gib / days
    dynamodb, logs = price["dynamodb"], price["cloudwatch"]
    usd = (
        (total["invocations"] + total["other invocations"]) / 1e6 * price["lambda"]["million_requests"]
        + gb_seconds * gb_second
        + total["writes"] / 1e6 * dynamodb["million_write_units"]
        + total["reads"] / 1e6 * dynamodb["million_read_units"]
        + stored * dynamodb["gb_month"]
        + total["sqs"] / 1e6 * price["sqs"]["million_requests"]
        + total["heartbeats"] / 1e6 * price["scheduler"]["million_invocations"]
        + total["log bytes"] / gib * (logs["logs_gb"] + logs["logs_gb_month"] * 14 / days)
        + asked.alarms * logs["alarm_month"]
        + (2 * hours / MONTH * logs["metric_month"] if asked.alarms and hours else 0)
    )
    return {
        "usd": usd,
        "iterations": total["iterations"],
        "requests": total["requests"],
        "tick GB-seconds": total["ms"] / 1000 * asked.memory / 1024,
        "write units": total["writes"],
        "read units": total["reads"],
        "concurrency": max(counts["at once"] for counts, _ in parts),
    }


if __name__ == "__main__":
    import json
    import sys

    print(json.dumps(bill(" ".join(sys.argv[1:])), indent=2))
