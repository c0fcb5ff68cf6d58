#!/usr/bin/env python3
"""Measures the function tick under the share of a processor that Lambda gives for a memory size.

    bench/quota.py                        every memory, every number of users
    bench/quota.py --quick                two cells, which show that it works; fails if they do not
    bench/quota.py --binary PATH          a binary that is there already
    bench/quota.py --examples DIRECTORY   where the examples are built already

A target by TLS answers 100 ms after a request has come. One message of ten ticks has all users send a request in a
second, evenly over it, or in its first tenth; the process has one message after the other, as an environment of Lambda
has, and its share of the processor from its first message on (while it starts, Lambda lends all of it). Response times
less the target's own 100 ms are the function's own share of them. The first message makes the connections and is left
out. Medians of several rounds; prints a table and leaves it in test-output/quota.md. Needs to be root: a control group
keeps the process to its share.
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
from lambdas.cgroups import VCPU_MB, Quota, groups  # noqa: E402
from lambdas.process import Process  # noqa: E402
from lambdas.servers import QuickStore, RuntimeApi  # noqa: E402

OUTPUT = builds.ROOT / "test-output" / "quota"
MEMORIES = (128, 256, 512, 1_024, VCPU_MB)
# users, and seconds that their requests are spread over
LOADS = ((100, 1.0), (300, 1.0), (1_000, 1.0), (200, 0.1), (800, 0.1))
QUICK = ((128, (100, 1.0)), (VCPU_MB, (100, 1.0)))
TICKS = 10
TARGET_MS = 100
# a message is there so long before its second, as in a deployment
EARLY = 0.4
# of a core: five times the figure in docs/scale.md, whatever the machine
MOST_CPU_MS = 2.0


def main():
    options = arguments()
    if not groups():
        print("left out: no control group can be made here, which takes root and a cgroup file system that can be written")
        return
    OUTPUT.mkdir(parents=True, exist_ok=True)
    binary = options.binary or builds.ALL[0].make(OUTPUT)
    run, target = (
        options.examples / name if options.examples else builds.example(name, package, profile)
        for name, package, profile in (("quota", "tick", "dev"), ("tls_target", "traffic", "release"))
    )
    cells = QUICK if options.quick else [(memory, load) for memory in MEMORIES for load in LOADS]
    measured = {}
    command = [target, OUTPUT / "ca.pem", str(TARGET_MS)]
    target = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        host = target.stdout.readline().strip()
        # the target's own time must be as it is said to be
        subprocess.run(["chrt", "-f", "-p", "50", str(target.pid)], check=False)
        with emulator.Emulator(OUTPUT) as store:
            for number in range(options.rounds):
                for memory, load in cells:
                    print(f"measuring: {memory} MB, {load[0]} users in {load[1]} s, round {number + 1}", file=sys.stderr, flush=True)
                    figures = cell(binary, run, host, store, memory, load, options.messages)
                    measured.setdefault((memory, load), []).append(figures)
    finally:
        target.kill()
        target.wait()
    text = table(measured, options.rounds)
    (OUTPUT.parent / "quota.md").write_text(text)
    print(text)
    if options.quick:
        sys.exit("\n".join(wrong(measured)) or 0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two cells, one round: that it works, not how fast")
    parser.add_argument("--rounds", type=int, help="rounds that the medians are of (2)")
    parser.add_argument("--messages", type=int, help="messages of a cell, the first included (4)")
    parser.add_argument("--binary", type=Path, help="measure this binary, build none")
    parser.add_argument("--examples", type=Path, help="the examples quota and tls_target are there, build none")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 2)
    options.messages = options.messages or (3 if options.quick else 4)
    return options


def cell(binary, example, host, emulated, memory, load, messages):
    """Figures of one memory and load: milliseconds but for memory in MB and shares."""
    users, seconds = load
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

    staged = ask("stage", host, str(users), str(TICKS), str(messages), str(seconds))
    variables = {"SSL_CERT_FILE": str(OUTPUT / "ca.pem")}
    with QuickStore(emulated.url) as store, RuntimeApi() as runtime, Quota(memory) as quota:
        with Process(binary, runtime, name, store.url, OUTPUT / "tick.log", variables) as process:
            process.ready()
            quota.take(process.pid)
            for number, event in enumerate(staged["events"]):
                time.sleep(max(0, event["second"] - EARLY - time.time()))
                if number == 1:
                    began, computed = time.monotonic(), process.processor_ms()
                runtime.give(json.dumps(event["event"]), seconds=60)
            computed = process.processor_ms() - computed
            took = time.monotonic() - began
            memory_mb = process.memory_mb("VmHWM")
    first = staged["events"][0]["second"]
    sent = [request for request in ask("read", staged["run"]) if request[0] > first]
    failed = sum(request[3] for request in sent)
    if failed or not sent:
        raise RuntimeError(f"{failed} of {len(sent)} requests failed: see {OUTPUT / 'tick.log'}")
    own = sorted(request[1] / 1e3 - TARGET_MS for request in sent)
    # of a message's first requests; later ones of an iteration have none
    late = sorted(request[2] / 1e3 for request in sent if request[2] is not None)
    return {
        "p50": at(own, 0.5),
        "p95": at(own, 0.95),
        "late": at(late, 0.95),
        "cpu": computed / len(sent),
        "used": computed / 1e3 / took / min(memory / VCPU_MB, 1),
        "sent": len(sent) / (users * (messages - 1)),
        "memory": memory_mb,
    }


def at(values, fraction):
    return values[min(int(len(values) * fraction), len(values) - 1)]


def wrong(measured):
    """What must hold however busy the machine is."""
    for (memory, (users, _)), rounds in measured.items():
        for figures in rounds:
            where = f"{memory} MB, {users} users"
            if figures["used"] > 1.1:
                yield f"{where}: the process had {figures['used']:.0%} of its share of the processor"
            if figures["cpu"] > MOST_CPU_MS:
                yield f"{where}: a request took {figures['cpu']:.2f} ms of the processor, more than {MOST_CPU_MS}"
            if figures["p50"] < 0:
                yield f"{where}: a response came {-figures['p50']:.1f} ms sooner than the target answers"


def table(measured, rounds):
    lines = [
        "| memory | requests | within (s) | own share p50 (ms) | p95 (ms) | lateness p95 (ms) | CPU a request (ms) | of its CPU | sent | memory used (MB) |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for (memory, (users, seconds)), figures in measured.items():
        median = {name: statistics.median(one[name] for one in figures) for name in figures[0]}
        lines.append(
            f"| {memory:,} MB | {users:,} | {seconds} | {median['p50']:.1f} | {median['p95']:.1f} | {median['late']:.1f} "
            f"| {median['cpu']:.2f} | {median['used']:.0%} | {median['sent']:.0%} | {median['memory']:.0f} |"
        )
    note = f"\nMessages of {TICKS} ticks; medians of {rounds} rounds; load average {os.getloadavg()[0]:.1f}."
    return "\n".join([*lines, note]) + "\n"


if __name__ == "__main__":
    main()
