#!/usr/bin/env python3
"""Measures the function tick under the share of a processor that Lambda gives for a memory size.

    bench/quota.py                        every memory, every number of users
    bench/quota.py --quick                two cells, which show that it works
    bench/quota.py --binary PATH          a binary that is there already

A target by TLS answers 100 ms after a request has come, to a tenth of a millisecond. One message has all users
send a request in a second, evenly over it; the process has one message after the other, as an environment of Lambda
has, and its share of the processor from its first message on (while it starts, Lambda lends all of it). What the
function recorded, less the target's own time, is its own share of a response time. The first message makes the
connections and is left out. Medians of several rounds; prints a table and leaves it in test-output/quota.md.
Needs to be root: a control group keeps the process to its share.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from lambdas import builds, emulator  # noqa: E402
from lambdas.cgroups import Quota  # noqa: E402
from lambdas.process import Process  # noqa: E402
from lambdas.servers import QuickStore, RuntimeApi  # noqa: E402

OUTPUT = builds.ROOT / "test-output" / "quota"
MEMORIES = (128, 256, 512, 1_024, 1_769)
USERS = (100, 300, 1_000)
TARGET_MS = 100
# a message is there so long before its second, as in a deployment
EARLY = 0.4


def main():
    options = arguments()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    binary = options.binary or builds.ALL[0].make(OUTPUT)
    example = options.example or builds.example("quota")
    cells = [(128, 100), (1_769, 300)] if options.quick else [(m, u) for m in MEMORIES for u in USERS]
    measured = {}
    authority = OUTPUT / "ca.pem"
    target = subprocess.Popen([example, "target", authority, str(TARGET_MS)], stdout=subprocess.PIPE, text=True)
    try:
        host = target.stdout.readline().strip()
        # the target's own time must be as it is said to be
        subprocess.run(["chrt", "-f", "-p", "50", str(target.pid)], check=False)
        with emulator.Emulator(OUTPUT) as store:
            for round_ in range(options.rounds):
                for memory, users in cells:
                    print(f"measuring: {memory} MB, {users} users, round {round_ + 1}", file=sys.stderr, flush=True)
                    figures = cell(binary, example, host, store, memory, users, options.messages)
                    measured.setdefault((memory, users), []).append(figures)
    finally:
        target.kill()
        target.wait()
    text = table(measured, options.rounds)
    (OUTPUT.parent / "quota.md").write_text(text)
    print(text)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two cells, one round: that it works, not how fast")
    parser.add_argument("--rounds", type=int, help="rounds that the medians are of (3)")
    parser.add_argument("--messages", type=int, default=6, help="messages of a cell, the first included (6)")
    parser.add_argument("--binary", type=Path, help="measure this binary, build none")
    parser.add_argument("--example", type=Path, help="use this build of the example quota, build none")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    return options


def cell(binary, example, host, emulated, memory, users, messages):
    """Own share of a response time at p50 and p95, lateness at p95, all in ms, and memory in MB."""
    name = f"quota-{memory}-{users}-{time.monotonic_ns()}"
    environment = {
        **os.environ,
        **emulator.CREDENTIALS,
        "AWS_ENDPOINT_URL": emulated.url,
        "CICADA_TABLE": emulated.table(name),
    }

    def ask(*what):
        done = subprocess.run([example, *what], env=environment, check=True, capture_output=True)
        return json.loads(done.stdout)

    staged = ask("stage", host, str(users), str(messages))
    more = {"SSL_CERT_FILE": str(OUTPUT / "ca.pem")}
    with QuickStore(emulated.url) as store, RuntimeApi() as runtime, Quota(memory) as quota:
        with Process(binary, runtime, name, store.url, OUTPUT / "tick.log", more) as process:
            process.ready()
            quota.take(process.pid)
            for event in staged["events"]:
                time.sleep(max(0, event["second"] - EARLY - time.time()))
                runtime.give(json.dumps(event["event"]), seconds=60)
            memory_mb = process.memory_mb("VmHWM")
    first = staged["events"][0]["second"]
    sent = [request for request in ask("read", staged["run"]) if request[0] > first]
    failed = sum(request[3] for request in sent)
    if failed or not sent:
        raise RuntimeError(f"{failed} of {len(sent)} requests failed: see {OUTPUT / 'tick.log'}")
    own = sorted(request[1] / 1e3 - TARGET_MS for request in sent)
    late = sorted(request[2] / 1e3 for request in sent)
    share = len(sent) / (users * (messages - 1))
    return {"p50": at(own, 0.5), "p95": at(own, 0.95), "late": at(late, 0.95), "memory": memory_mb, "share": share}


def at(values, fraction):
    return values[min(int(len(values) * fraction), len(values) - 1)]


def table(measured, rounds):
    lines = [
        "| memory | requests a second | own share at p50 (ms) | at p95 (ms) | lateness at p95 (ms) | sent | memory used (MB) |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for (memory, users), figures in measured.items():
        median = {name: statistics.median(one[name] for one in figures) for name in figures[0]}
        lines.append(
            f"| {memory:,} MB | {users:,} | {median['p50']:.1f} | {median['p95']:.1f} | {median['late']:.1f} "
            f"| {median['share']:.0%} | {median['memory']:.0f} |"
        )
    note = f"\nMedians of {rounds} rounds; load average {os.getloadavg()[0]:.1f}."
    return "\n".join([*lines, note]) + "\n"


if __name__ == "__main__":
    main()
