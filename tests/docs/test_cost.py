"""The figures in docs/cost.md are what `cicada cost` says.

`CICADA_WRITE_GENERATED=1` puts them into the page as they are. A block after the comment `output of: COMMAND` is what the
command prints; in a table after `figures of: COMMAND` each row names the options that its figures are of.
"""

import json
import os
import re
import shlex
import subprocess
import unittest

from test_commands import BINARIES
from test_links import ROOT

PAGE = ROOT / "docs/cost.md"
FIGURES = {
    "a month": lambda cost: f"{cost['usd']:,.2f}",
    "per million iterations": lambda cost: f"{cost['usd_per_million_iterations']:,.3f}",
    "canaries": lambda cost: f"{canaries(cost):,.0f}",
}


def canaries(cost):
    [found] = [other["usd"] for other in cost["alternatives"] if "canary" in other["name"]]
    return found


def said(*command):
    path = BINARIES / command[0]
    done = subprocess.run([path, *command[1:]], capture_output=True, text=True, check=True)
    return done.stdout


def outputs(page):
    """The page with what the commands print."""

    def block(found):
        return f"{found[1]}```text\n{said(*shlex.split(found[2])).strip()}\n```\n"

    return re.sub(r"^(<!-- output of: (.*) -->\n)```text\n.*?^```\n", block, page, flags=re.M | re.S)


def tables(page):
    """The page with the figures of all rows; a cell without a heading of ours stays as it is."""

    def table(found):
        head, rule, *rows = found[3].splitlines()
        names = [name.strip() for name in head.split("|")]
        return found[1] + "\n".join([head, rule, *(row(found[2], names, line) for line in rows)]) + "\n"

    def row(command, names, line):
        cells = line.split(" | ")
        [options] = re.findall(r"`(.*?)`", cells[0])
        cost = json.loads(said(*shlex.split(command), *shlex.split(options), "--json"))
        for number, name in enumerate(names[2:-1], 1):
            if name in FIGURES:
                end = " |" if number == len(cells) - 1 else ""
                cells[number] = FIGURES[name](cost) + end
        return " | ".join(cells)

    return re.sub(r"^(<!-- figures of: (.*) -->\n)((?:\|.*\n)+)", table, page, flags=re.M)


class Cost(unittest.TestCase):
    maxDiff = None

    def test_the_page_has_the_figures_as_they_are(self):
        page = PAGE.read_text()
        self.assertEqual((page.count("<!-- output of: "), page.count("<!-- figures of: ")), (1, 2))
        now = tables(outputs(page))
        if os.environ.get("CICADA_WRITE_GENERATED") == "1":
            PAGE.write_text(now)
        else:
            self.assertEqual(page, now, "CICADA_WRITE_GENERATED=1 writes them")


if __name__ == "__main__":
    unittest.main()
