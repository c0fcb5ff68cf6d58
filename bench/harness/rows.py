"""The measurements, one class per row of the table.

A row says what its lines are, which peers it visits in a round, and how it measures one of them. Whoever
calls runs the rounds, so that all peers of a row take turns.
"""

import contextlib
import json
import time

from . import cicada, machine, peers, places, start
from .machine import Failed
from .peers import BARE, CICADA, FAST, GOOSE, LOADED, REQUESTS
from .table import Measure, at_most


class Throughput:
    """50 users without a wait, counted by nginx itself over the same window for everybody."""

    name = "throughput"
    peers = (CICADA, BARE, LOADED, GOOSE, FAST, REQUESTS)
    USERS = 50

    def __init__(self, options):
        self.options = options
        self.window, self.settle = (5, 3) if options.quick else (20, 4)
        self.rate = Measure("requests a second, 50 users, no wait", "1/s")
        self.of_bare = Measure(
            "of a bare reqwest loop with the same features", "%", "at least 80",
            lambda medians: medians[CICADA] >= 80, 1,
        )  # fmt: skip
        self.of_goose = Measure("of Goose", "%", "at least 100", lambda medians: medians[CICADA] >= 100, 1)
        self.unaccounted = Measure(
            "requests the server counted and the statistics lack",
            "",
            "0",
            lambda medians: medians[CICADA] == 0,
        )
        self.measures = [self.rate, self.of_bare, self.of_goose, self.unaccounted]

    def measure(self, cores, peer):
        with cores.nginx() as server:
            with self.generator(cores, peer, server) as (process, swarm):
                machine.wait_until(lambda: server.requests() > 1000, 30, process)
                time.sleep(self.settle)
                rate = window(server, process, self.window)
                if swarm:
                    recorded = swarm.stop()
                    self.unaccounted.add(CICADA, server.requests() - recorded)
                    if swarm.failures():
                        self.rate.note(f"{swarm.failures()} of {recorded} requests failed")
            self.rate.add(peer, rate)

    @contextlib.contextmanager
    def generator(self, cores, peer, server):
        seconds = self.window + self.settle + 60
        if peer == CICADA:
            arguments = ("throughput.toml", self.USERS, self.USERS, seconds, server.url)
            with cicada.running(cores, self.options.cicada, *arguments) as swarm:
                yield swarm.process, swarm
            return
        command, environment = peers.throughput(peer, server.url, self.USERS, seconds)
        with cores.generator(command, log="peer", environment=environment) as process:
            yield process, None

    def finish(self):
        """The ratios, of medians: a round is one throw of the dice, the median is the figure."""
        medians = self.rate.medians()
        for measure, peer in ((self.of_bare, BARE), (self.of_goose, GOOSE)):
            if peer in medians:
                for one in (CICADA, FAST, REQUESTS):
                    if one in medians:
                        measure.add(one, 100 * medians[one] / medians[peer])


class Pacing:
    """1,000 users at one iteration a second: how far the server sees each user's intervals from a second."""

    name = "pacing"
    peers = (CICADA, FAST, "spread " + FAST, REQUESTS, "spread " + REQUESTS)
    USERS = 1000
    PACING_MS = 1000

    def __init__(self, options):
        self.options = options
        self.settle, self.window = (4, 8) if options.quick else (6, 30)
        self.median = Measure(
            "error of 1,000 users' one-second intervals, median", "ms", "at most 0.5", at_most(0.5), 2
        )
        self.p99 = Measure("the same, 99th percentile", "ms", "at most 2", at_most(2), 2)
        self.spread_median = Measure("with users spread over the second by hand, median", "ms", digits=2)
        self.spread_p99 = Measure("the same, 99th percentile", "ms", digits=2)
        self.measures = [self.median, self.p99, self.spread_median, self.spread_p99]

    def measure(self, cores, peer):
        spread = peer.startswith("spread ")
        client = peer.removeprefix("spread ")
        with cores.arrivals() as server, self.generator(cores, client, server, spread) as process:
            machine.wait_until(
                lambda: server.report(self.PACING_MS)["users"] >= self.USERS, 30, process, every=0.5
            )
            time.sleep(self.settle)
            server.reset()
            time.sleep(self.window)
            report = server.report(self.PACING_MS)
            machine.alive(process)
        if report["users"] != self.USERS:
            raise Failed(f"{report['users']} users instead of {self.USERS}")
        least = self.USERS * (self.window - 2)
        if report["intervals"] < least:
            (self.spread_median if spread else self.median).note(
                f"{client} kept up {report['intervals']:,} intervals where at least {least:,} were due"
            )
        median, p99 = (self.spread_median, self.spread_p99) if spread else (self.median, self.p99)
        median.add(client, report["median_ms"])
        p99.add(client, report["p99_ms"])

    @contextlib.contextmanager
    def generator(self, cores, peer, server, spread):
        seconds = self.settle + self.window + 60
        if peer == CICADA:
            arguments = ("pacing.toml", self.USERS, self.USERS, seconds, server.url)
            with cicada.running(cores, self.options.cicada, *arguments) as swarm:
                yield swarm.process
            return
        command, environment = peers.pacing(peer, server.url, self.USERS, seconds, spread)
        with cores.generator(command, log="peer", environment=environment) as process:
            yield process

    def finish(self):
        """A user of Cicada's needs no spreading: its ramp is even."""


class Crowd:
    """50,000 users of the default mix against a server that answers at once: how late Cicada sends."""

    name = "crowd"
    peers = (CICADA,)

    def __init__(self, options):
        self.options = options
        self.users, self.window = (50_000, 15) if options.quick else (50_000, 60)
        self.p99 = Measure(
            "lateness of 50,000 users of the default mix, 99th percentile",
            "ms",
            "under 20",
            lambda m: m[CICADA] < 20,
            2,
        )
        self.missing = Measure("iterations missing from that run", "", "0", lambda m: m[CICADA] == 0)
        self.measures = [self.p99, self.missing]

    def measure(self, cores, peer):
        rate = 5000
        seconds = self.users / rate + self.window + 60
        # a server for each service: one alone has fewer places for connections than the generator
        with cores.nginx() as shop, cores.nginx() as agent:
            hosts = {"TARGET_APP_URL": shop.url, "AI_AGENT_URL": agent.url}
            with cicada.running(
                cores, self.options.cicada, None, self.users, rate, seconds, environment=hosts
            ) as swarm:
                swarm.wait_for_users(self.users, 60)
                time.sleep(self.window)
                outcomes = swarm.stop()
                ledger = swarm.ledger()
                self.p99.add(peer, ledger["lateness_ms"]["p99"])
                self.missing.add(peer, ledger["missing"])
                self.p99.note(
                    f"{outcomes:,} requests in the run, ramp included; {ledger['skipped']:,} iterations skipped"
                )
                if swarm.failures():
                    self.p99.note(f"{swarm.failures():,} requests failed")

    def finish(self):
        pass


class Memory:
    """What Cicada holds after so many outcomes, all of them recorded and aggregated."""

    name = "memory"
    peers = (CICADA,)

    def __init__(self, options):
        self.options = options
        self.outcomes = 1_000_000 if options.quick else 10_000_000
        self.resident = Measure(
            f"memory after {self.outcomes:,} outcomes, resident",
            "MB",
            "under 100",
            lambda m: m[CICADA] < 100,
            1,
        )
        self.peak = Measure("the same, at most", "MB", digits=1)
        self.measures = [self.resident, self.peak]

    def measure(self, cores, peer):
        with cores.nginx() as server:
            arguments = ("throughput.toml", 50, 50, 3600, server.url)
            with cicada.running(cores, self.options.cicada, *arguments) as swarm:
                machine.wait_until(lambda: swarm.outcomes() >= self.outcomes, 900, swarm.process, every=1)
                swarm.stop()
                resident, peak = swarm.memory_mb()
        self.resident.add(peer, resident)
        self.peak.add(peer, peak)

    def finish(self):
        pass


class Start:
    """From the start of the process to its first answer, and to its first request at the target."""

    name = "start"
    peers = (CICADA, FAST)

    def __init__(self, options):
        self.options = options
        self.serves = Measure("from its start to its first answer", "ms", "at most 50", at_most(50), 1)
        self.sends = Measure("from its start to its first request at the target", "ms", digits=1)
        self.measures = [self.serves, self.sends]

    def measure(self, cores, peer):
        times = 3 if self.options.quick else 5
        for _ in range(times):
            with start.Target() as target:
                if peer == CICADA:
                    port, database = machine.free_port(), places.SCRATCH / "cicada-start.db"
                    cicada.remove(database)
                    command = peers.cicada(
                        self.options.cicada, "throughput.toml", port, 1, 1, 20, database, target.url
                    )
                    environment = {}
                else:
                    port, database = None, None
                    command, environment = peers.locust("throughput.py", peer, target.url, 1, 1, 20)
                served, sent = start.time_to_first(cores, command, environment, port, target)
                if database:
                    cicada.remove(database)
            if served is not None:
                self.serves.add(peer, served)
            self.sends.add(peer, sent)

    def finish(self):
        pass


class Fold:
    """One million outcomes through the statistics: the aggregator's, and Locust's RequestStats."""

    name = "fold"
    peers = (CICADA, FAST)
    OUTCOMES = 1_000_000

    def __init__(self, options):
        self.options = options
        self.time = Measure("folding one million outcomes (Locust: its RequestStats)", "ms", digits=1)
        self.ratio = Measure("the same, as a part of Locust's time", "%", "at most 2", at_most(2), 2)
        self.measures = [self.time, self.ratio]

    def measure(self, cores, peer):
        program = [places.FOLD] if peer == CICADA else [places.PYTHON, places.BENCH / "harness" / "fold.py"]
        found = printed(cores, [*program, self.OUTCOMES])
        if found["outcomes"] != self.OUTCOMES:
            raise Failed(f"folded {found['outcomes']} outcomes instead of {self.OUTCOMES}")
        self.time.add(peer, found["seconds"] * 1000)

    def finish(self):
        medians = self.time.medians()
        if CICADA in medians and FAST in medians:
            self.ratio.add(CICADA, 100 * medians[CICADA] / medians[FAST])


class Plan:
    """What is due in one slot: after a month as after a minute."""

    name = "plan"
    peers = (CICADA,)

    def __init__(self, options):
        self.options = options
        self.minute = Measure("what is due in a slot, after a minute", "ns", digits=0)
        self.month = Measure("the same, after a month", "ns", digits=0)
        self.ratio = Measure("after a month, of after a minute", "%", "at most 125", at_most(125), 0)
        self.measures = [self.minute, self.month, self.ratio]

    def measure(self, cores, peer):
        found = printed(cores, [places.PLAN])
        self.minute.add(peer, found["after_minute_ns"])
        self.month.add(peer, found["after_month_ns"])

    def finish(self):
        if self.minute.rounds:
            self.ratio.add(CICADA, 100 * self.month.medians()[CICADA] / self.minute.medians()[CICADA])


ROWS = (Throughput, Pacing, Crowd, Fold, Memory, Start, Plan)


def window(server, process, seconds):
    """Requests a second as the server counts them."""
    before, begun = server.requests(), time.perf_counter()
    time.sleep(seconds)
    after, ended = server.requests(), time.perf_counter()
    machine.alive(process)
    return (after - before) / (ended - begun)


def printed(cores, command):
    """Runs a program that measures by itself to its end, and reads the JSON it prints last."""
    if not command[0].exists():
        raise Failed(f"{command[0].name} is not built")
    with cores.generator(command, log="program") as process:
        code = process.wait(600)
        with open(process.log, errors="replace") as log:
            text = log.read().strip()
    if code:
        raise Failed(f"{command[0].name} ended with code {code}: {text[-600:]}")
    return json.loads(text.split("\n")[-1])
