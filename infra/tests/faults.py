#!/usr/bin/env python3
"""The table of faults in docs/faults.md, from what the end-to-end tests left in test-output/e2e/faults.

    infra/tests/faults.py --write    puts the figures of the latest `make e2e` into the page
    infra/tests/faults.py --check    says whether the page has the faults and outcomes of the latest

Figures differ from run to run, as the traffic's do; which faults there are, and what comes of each, does not.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOUND = ROOT / "test-output/e2e/faults"
PAGE = ROOT / "docs/faults.md"
BEGIN, END = "<!-- from the tests: begin -->\n", "<!-- from the tests: end -->\n"
HEAD = (
    "| fault | outcome | planned | recorded | skipped | missing | duplicates | in the statistics | at the target | in the 20 s after |\n"
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
)


def main():
    if sys.argv[1:] not in (["--write"], ["--check"]):
        sys.exit(__doc__)
    lines = [path.read_text() for path in sorted(FOUND.glob("*.md"), key=lambda path: int(path.stem))]
    if not lines:
        sys.exit(f"{FOUND.relative_to(ROOT)} is empty: run `make e2e` first")
    before, _, rest = PAGE.read_text().partition(BEGIN)
    table, _, after = rest.partition(END)
    if sys.argv[1] == "--write":
        PAGE.write_text(before + BEGIN + HEAD + "".join(lines) + END + after)
    elif named(table.removeprefix(HEAD).splitlines()) != named(lines):
        sys.exit(f"{PAGE.relative_to(ROOT)} has other faults or outcomes than the tests: infra/tests/faults.py --write")


def named(rows):
    """Faults and outcomes of rows, without figures."""
    return [row.split(" | ")[:2] for row in rows]


if __name__ == "__main__":
    main()
