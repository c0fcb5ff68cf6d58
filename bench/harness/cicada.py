"""Cicada under measurement: one process on the generator's core, asked over its own API how it went."""

import contextlib
import itertools
import time

from . import machine, peers, places

numbers = itertools.count()


@contextlib.contextmanager
def running(cores, binary, workload, users, rate, seconds, host=None, environment=None):
    """Starts a swarm and yields the Swarm once it answers; a database of its own, removed afterwards."""
    if not binary.exists():
        raise machine.Failed(f"{binary} is not built")
    if workload and not (places.BENCH / "workloads" / workload).exists():
        raise machine.Failed(f"bench/workloads/{workload} is missing")
    port = machine.free_port()
    database = places.SCRATCH / f"cicada-{next(numbers)}.db"
    remove(database)
    command = peers.cicada(binary, workload, port, users, rate, seconds, database, host)
    try:
        with cores.generator(command, log="cicada", environment=environment) as process:
            swarm = Swarm(port, process)
            machine.wait_until(lambda: swarm.answers("/health"), 10, process, every=0.01)
            yield swarm
    finally:
        remove(database)


def remove(database):
    for ending in ("", "-wal", "-shm"):
        database.with_name(database.name + ending).unlink(missing_ok=True)


class Swarm(machine.Server):
    """The API of the Cicada that is running."""

    def __init__(self, port, process):
        super().__init__(port)
        self.process = process

    def stats(self):
        return self.json("/stats/requests")

    def ledger(self):
        return self.json("/ledger")

    def outcomes(self):
        """How many requests its statistics know."""
        return self.stats()["stats"][-1]["num_requests"]

    def failures(self):
        return self.stats()["stats"][-1]["num_failures"]

    def wait_for_users(self, users, seconds):
        machine.wait_until(lambda: self.stats()["user_count"] >= users, seconds, self.process)

    def stop(self):
        """Stops the swarm and waits until its statistics have come to rest."""
        self.post("/stop")
        machine.wait_until(lambda: self.stats()["state"] == "stopped", 30, self.process)
        before, now = -1, self.outcomes()
        while before != now:
            time.sleep(2.5)
            before, now = now, self.outcomes()
        return now

    def memory_mb(self):
        """(resident now, resident at most) of the process, in millions of bytes."""
        with open(f"/proc/{self.process.pid}/status") as status:
            lines = dict(line.split(":", 1) for line in status)
        return tuple(int(lines[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM"))
