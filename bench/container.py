#!/usr/bin/env python3
"""Measures many users in a container of 512 MB and one CPU, on a Docker engine of its own.

    bench/container.py                      40,000 users of the six classes for three minutes
    bench/container.py --users 10000 --seconds 60
    bench/container.py -- --stop-timeout 9  what comes after -- goes to cicada

The stand-ins are in a container of their own, without limits, and are called by name; their latencies are life-like.
The containers come before whatever else runs on the machine. Prints a table and leaves it in
test-output/container.md; ends with 1 if an iteration was missing.
Needs what `make containers` needs, and the programs cicada and stand-in-targets: they are those of
`CICADA_BUILT=dist` below the target folder unless that variable says otherwise.
"""

import argparse
import os
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/containers"))
os.environ.setdefault("CICADA_BUILT", "dist")
import engine  # noqa: E402
import run  # noqa: E402

NETWORK = "crowd"
API = engine.Api("http://127.0.0.1:8089")


def main():
    run.in_namespaces(__file__, measure)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=40_000)
    parser.add_argument("--spawn-rate", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=180, help="after all users are there (180)")
    parser.add_argument("cicada", nargs="*", help="options of cicada")
    return parser.parse_args()


def measure(folder):
    options = arguments()
    engine.start(folder, ("cicada", "stand-ins"))
    before_others(folder.name)
    try:
        engine.docker("network", "create", NETWORK)
        engine.docker(
            "run", "--detach", "--name", "targets", "--network", NETWORK,
            "--network-alias", "target-app", "--network-alias", "ai-agent", "cicada-stand-ins",
        )
        engine.docker(
            "run", "--detach", "--name", "crowd", "--network", NETWORK, "--publish", "127.0.0.1:8089:8089",
            "--memory", "512m", "--memory-swap", "512m", "--cpus", "1", "--read-only", "--tmpfs", "/tmp",
            "--volume", "/data", "--env", "CICADA_BIND=127.0.0.1", "cicada", "--db", "/data/cicada.db",
            "--max-users", options.users, *options.cicada,
        )
        engine.until(lambda: API.status("/health") == 200, "it answers")
        figures = Figures(engine.inspect("crowd")["State"]["Pid"])
        API.swarm(f"user_count={options.users}&spawn_rate={options.spawn_rate}")
        engine.until(
            lambda: figures.sample() or API.get("/stats/requests")["user_count"] == options.users, "all users are there",
            options.users / options.spawn_rate + 60,
        )
        figures.begin()
        while figures.seconds() < options.seconds:
            figures.sample()
            time.sleep(1)
        figures.end()
        API.get("/stop")
        engine.until(lambda: API.state() == "stopped", "the run is over", 120)
        ledger = API.settled()
        text = figures.table(options.users, ledger)
        (ROOT / "test-output").mkdir(exist_ok=True)
        (ROOT / "test-output/container.md").write_text(text)
        print(text)
        return bool(ledger["missing"])
    finally:
        print(engine.docker("logs", "crowd", check=False).stderr[-4000:], file=sys.stderr)
        engine.stop()


def before_others(parent):
    """What its limits allow the containers they get, however busy the machine is: their parent group weighs most."""
    for top in ("cpu", ""):
        for name, most in (("cpu.shares", "262144"), ("cpu.weight", "10000")):
            file = pathlib.Path("/sys/fs/cgroup", top, parent, name)
            if file.exists():
                file.write_text(most)


class Figures:
    """What the container takes, by the kernel, and what it does, by its own statistics."""

    def __init__(self, pid):
        self.process = pathlib.Path(f"/proc/{pid}")
        self.threads, self.resident = 0, 0

    def status(self, name):
        [line] = [line for line in (self.process / "status").read_text().splitlines() if line.startswith(f"{name}:")]
        return int(line.split()[1])

    def group(self, controller, *names):
        """A file of the process's control group, of either version."""
        for line in (self.process / "cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            for name in names:
                file = pathlib.Path("/sys/fs/cgroup", controllers and controller, path.lstrip("/"), name)
                if controller in controllers.split(",") + [""] and file.is_file():
                    return int(file.read_text().split()[0])
        return 0

    def cpu(self):
        fields = (self.process / "stat").read_text().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    def sample(self):
        self.threads = max(self.threads, self.status("Threads"))
        self.resident = max(self.resident, self.status("VmRSS"))

    def begin(self):
        self.began, self.cpu_then, self.requests_then = time.monotonic(), self.cpu(), API.requests()

    def seconds(self):
        return time.monotonic() - self.began

    def end(self):
        seconds = self.seconds()
        self.of_cpu = (self.cpu() - self.cpu_then) / seconds
        self.rate = (API.requests() - self.requests_then) / seconds
        self.load = os.getloadavg()[0]
        self.group_mb = self.group("memory", "memory.max_usage_in_bytes", "memory.peak") / 1e6

    def table(self, users, ledger):
        total = API.total()
        rows = {
            "users": f"{users:,}",
            "requests a second": f"{self.rate:,.0f}",
            "of its CPU": f"{self.of_cpu:.0%}",
            "resident at most": f"{self.resident * 1024 / 1e6:,.0f} MB",
            "of the control group at most, with the kernel's share": f"{self.group_mb:,.0f} MB",
            "threads at most": self.threads,
            "iterations planned": f"{ledger['planned']:,}",
            "recorded": f"{ledger['recorded']:,}",
            "skipped": f"{ledger['skipped']:,}",
            "missing": f"{ledger['missing']:,}",
            "lateness": ledger.get("lateness_ms"),
            "requests, failures": f"{total['num_requests']:,}, {total['num_failures']:,}",
            "load average": f"{self.load:.1f}",
        }
        errors = [f"{error['occurrences']:,} x {error['method']} {error['name']}: {error['error']}" for error in API.get("/stats/requests")["errors"]]
        return "\n".join(["| | |", "| --- | ---: |", *(f"| {name} | {value} |" for name, value in rows.items()), *errors]) + "\n"


if __name__ == "__main__":
    main()
