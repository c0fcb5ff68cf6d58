#!/usr/bin/env python3
"""Measures Cicada beside its peers and prints one table: `make bench`, or `bench/run.py --quick` for a first look.

The generator runs on one core and the server on another; the peers of a row take turns, and the
figures are medians of the rounds. Writes test-output/bench.md and test-output/bench.json.
"""

import argparse
import json
import os
import platform
import sys
from pathlib import Path

from harness import machine, places, rows, table


def main():
    options = arguments()
    if len(options.cores) != 2:
        raise SystemExit("two cores are needed, one for the generator and one for the server: see --cores")
    chosen = [kind(options) for kind in rows.ROWS if not options.only or kind.name in options.only]
    if not options.no_build:
        wanted = [("cicada", options.cicada == places.CICADA), ("fold", rows.Fold), ("plan", rows.Plan)]
        needs = {type(row) for row in chosen}
        places.build([name for name, by in wanted if by is True or by in needs])
    measures = measure(options, chosen)
    text = table.markdown(measures, facts(options))
    places.OUTPUT.mkdir(exist_ok=True)
    (places.OUTPUT / "bench.md").write_text(text)
    report = {"facts": facts(options), "measures": [one.as_json() for one in measures]}
    (places.OUTPUT / "bench.json").write_text(json.dumps(report, indent=2) + "\n")
    print(text)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    names = [row.name for row in rows.ROWS]
    parser.add_argument("--quick", action="store_true", help="one short round instead of three long ones")
    parser.add_argument("--rounds", type=int, help="how many rounds (3, or 1 with --quick)")
    parser.add_argument(
        "--only",
        action="append",
        choices=names,
        metavar="ROW",
        help=f"only this row, repeatable: {', '.join(names)}",
    )
    parser.add_argument(
        "--peers", action="append", metavar="NAME", help="only peers whose name contains this, repeatable"
    )
    parser.add_argument(
        "--cicada",
        type=Path,
        default=places.CICADA,
        metavar="PATH",
        help="the binary to measure, instead of building it",
    )
    parser.add_argument(
        "--cores",
        type=lambda text: [int(core) for core in text.split(",")],
        default=sorted(os.sched_getaffinity(0))[:2],
        metavar="A,B",
        help="the generator's core and the server's",
    )
    parser.add_argument(
        "--priority",
        type=int,
        default=0,
        metavar="NICE",
        help="niceness of everything measured, where it is allowed",
    )
    parser.add_argument("--no-build", action="store_true", help="measure what is built already")
    options = parser.parse_args()
    options.cicada = options.cicada.resolve()
    options.rounds = options.rounds or (1 if options.quick else 3)
    return options


def measure(options, chosen):
    """All rounds of all rows; a measurement that fails is a note in the table, never a figure."""
    cores = machine.Machine(*options.cores, options.priority)
    for row in chosen:
        for turn in range(options.rounds):
            for peer in row.peers:
                if options.peers and not any(part.lower() in peer.lower() for part in options.peers):
                    continue
                print(
                    f"{row.name}, round {turn + 1} of {options.rounds}: {peer}", file=sys.stderr, flush=True
                )
                try:
                    row.measure(cores, peer)
                except (machine.Failed, OSError, KeyError) as error:
                    print(f"  {type(error).__name__}: {error}", file=sys.stderr, flush=True)
                    row.measures[0].note(f"{peer} could not be measured: {type(error).__name__}: {error}")
        row.finish()
    return [one for row in chosen for one in row.measures]


def facts(options):
    """What the figures depend on, in one paragraph."""
    model = next(
        (line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    generator, server = options.cores
    return (
        f"{model}, Linux {platform.release()}. Generator on core {generator}, server on core {server}, "
        f"{options.rounds} round(s), medians. Load average at the end: {os.getloadavg()[0]:.1f}."
    )


if __name__ == "__main__":
    main()
