#!/usr/bin/env python3
"""Measures how fast the function tick starts, how small it is, and how little memory it needs.

    bench/lambda.py                       every build
    bench/lambda.py --only shipped        only what is deployed
    bench/lambda.py --binary PATH         a binary that is there already

A stand-in plays Lambda's Runtime API and notes when the process first asks for work; by then it has read
the newest run from the store and connected to the run's target. The store is MiniStack behind a memory of
its answers, so that what is measured is the function. Then one event has a hundred users send a request
each, and the kernel says what memory that took. Prints one table; leaves it in test-output/lambda.md.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from lambdas import builds, emulator  # noqa: E402
from lambdas.process import Process  # noqa: E402
from lambdas.servers import QuickStore, RuntimeApi, Target  # noqa: E402

OUTPUT = builds.ROOT / "test-output" / "lambda"
USERS = 100
# what the goals are, in the units of the columns
GOALS = {"start_ms": 10, "zip_mb": 4.2, "peak_mb": 32}


@dataclass
class Figures:
    """What was measured of one build."""

    start_ms: float
    fastest_ms: float
    slowest_ms: float
    processor_ms: float
    binary_mb: float
    zip_mb: float
    idle_mb: float
    peak_mb: float


def main():
    options = arguments()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    chosen = [builds.Build("given", "the given binary", None)] if options.binary else options.only or builds.ALL
    stage = builds.stage()
    measured = []
    with emulator.Emulator(OUTPUT) as store:
        for build in chosen:
            binary = options.binary or build.make(OUTPUT)
            print(f"measuring: {build.title}", file=sys.stderr, flush=True)
            measured.append((build, measure(binary, build.name, store, stage, options.starts)))
    text = table(measured, options.starts)
    (OUTPUT.parent / "lambda.md").write_text(text)
    print(text)
    missed = [] if measured[0][0].name not in ("shipped", "given") else misses(measured[0][1])
    sys.exit("\n".join(missed) or 0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=15, help="how many starts the median is of (15)")
    parser.add_argument("--only", action="append", metavar="BUILD", help=f"repeatable: {', '.join(b.name for b in builds.ALL)}")
    parser.add_argument("--binary", type=Path, help="measure this binary, build nothing but the stage")
    options = parser.parse_args()
    if options.only:
        named = {build.name: build for build in builds.ALL}
        if unknown := [name for name in options.only if name not in named]:
            parser.error(f"there is no build {unknown[0]}")
        options.only = [named[name] for name in options.only]
    return options


def measure(binary, name, emulated, stage, starts):
    """All figures of a binary."""
    table_name = emulated.table(f"bench-{name}")
    with QuickStore(emulated.url) as store, Target(takes=0.1) as target:
        event = staged(stage, table_name, emulated.url, target.url)
        # the run goes on: what differs between starts is the process alone
        start(binary, table_name, store, name)
        connected = target.connections
        times = [start(binary, table_name, store, name) for _ in range(starts)]
        if target.connections != connected + starts or target.requests:
            raise RuntimeError(f"not one connection without a request for each start: {vars(target)}")
        store.remembers = False
        event = staged(stage, table_name, emulated.url, target.url)
        idle, peak = execute(binary, table_name, store, name, event, target)
    started, processor = zip(*times)
    return Figures(
        start_ms=statistics.median(started),
        fastest_ms=min(started),
        slowest_ms=max(started),
        processor_ms=statistics.median(processor),
        binary_mb=Path(binary).stat().st_size / 1e6,
        zip_mb=zipped(binary, OUTPUT / f"{name}.zip") / 1e6,
        idle_mb=idle,
        peak_mb=peak,
    )


def staged(stage, table_name, endpoint, target):
    """Writes a run to the table; returns the event that has its users send a request each."""
    environment = {**os.environ, **emulator.CREDENTIALS, "AWS_ENDPOINT_URL": endpoint, "CICADA_TABLE": table_name}
    done = subprocess.run([stage, target], env=environment, check=True, capture_output=True, text=True)
    return done.stdout


def start(binary, table_name, store, name):
    """One start; milliseconds to the first request for work, and on the processor."""
    with RuntimeApi() as runtime, Process(binary, runtime, table_name, store.url, OUTPUT / f"{name}.log") as process:
        return process.ready()


def execute(binary, table_name, store, name, event, target):
    """One invocation; the memory that the process holds before it, and the most it held, in MB."""
    with RuntimeApi() as runtime, Process(binary, runtime, table_name, store.url, OUTPUT / f"{name}.log") as process:
        process.ready()
        idle = process.memory_mb("VmRSS")
        answer = runtime.give(event, seconds=60)
        if answer != {"batchItemFailures": []} or target.requests != USERS:
            raise RuntimeError(f"{target.requests} requests of {USERS} were sent: {json.dumps(answer)}")
        return idle, process.memory_mb("VmHWM")


def zipped(binary, place):
    """The size of what is uploaded: cargo lambda compresses alike."""
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(binary, "bootstrap")
    return place.stat().st_size


def misses(figures):
    """The goals that were not reached, one line each."""
    reached = vars(figures)
    return [f"{name} is {reached[name]:.1f}, more than {goal}" for name, goal in GOALS.items() if reached[name] > goal]


def table(measured, starts):
    lines = [
        "| build | start (ms) | processor (ms) | zip (MB) | binary (MB) | memory at start (MB) | at 100 iterations (MB) |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for build, it in measured:
        lines.append(
            f"| {build.title} | {it.start_ms:.1f} ({it.fastest_ms:.1f}-{it.slowest_ms:.1f}) | {it.processor_ms:.1f} "
            f"| {it.zip_mb:.2f} | {it.binary_mb:.2f} | {it.idle_mb:.1f} | {it.peak_mb:.1f} |"
        )
    goals = f"| goal | {GOALS['start_ms']} | | {GOALS['zip_mb']} | | | {GOALS['peak_mb']} |"
    note = f"\nMedians of {starts} starts, with the fastest and the slowest; load average {os.getloadavg()[0]:.1f}."
    return "\n".join([*lines, goals, note]) + "\n"


if __name__ == "__main__":
    main()
