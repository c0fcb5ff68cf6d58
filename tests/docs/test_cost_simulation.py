"""`cicada cost` is within a tenth of an independent simulation, for twelve questions.

The figures are kept in cost_figures.json, and derived by cost_simulation.py: the first test holds the one against the
other, the second holds `cicada cost` against both. `CICADA_WRITE_GENERATED=1` writes the file anew.
"""

import json
import os
import shlex
import subprocess
import unittest
from pathlib import Path

from cost_simulation import bill
from test_commands import BINARIES

KEPT = Path(__file__).with_name("cost_figures.json")
TOLERANCE = 0.1
QUESTIONS = [
    "--users 6 --memory 128",
    "--users 50 --hours 8/day --memory 128",
    "--users 50 --hours 40/week --watch-hours 5/week --architecture arm64 --memory 256",
    "--users 50 --region eu-central-1 --memory 128",
    "--users 200 --spawn-rate 0.1 --hours 100/month --memory 128",
    "--users 1000 --memory 256 --retention-days 3 --alarms 0",
    "--users 300 --response-time 20 --memory 128",
    "--class-counts TargetAppUser=1000 --memory 256",
    "--class-counts TargetAppUser=1000 --ticks-per-message 2 --memory 128",
    "--class-counts TargetAppUser=20 --spawn-rate 0.005 --hours 8/day --memory 128",
    "--class-counts ModelAUser=40 ModelBUser=40 --response-time ModelAUser=45 --memory 512 --region ap-northeast-1",
    "--class-counts PassiveLoadUser=60 ChatModelAUser=30 --response-time 2 --hours 20/week --memory 128",
]


def estimated(question):
    """The same figures by `cicada cost`."""
    command = [BINARIES / "cicada", "cost", *shlex.split(question), "--json"]
    cost = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    def quantity(unit, item=""):
        lines = (line for line in cost["lines"] if line["unit"] == unit and line["item"].startswith(item))
        return sum(line["quantity"] for line in lines)

    return {
        "usd": cost["usd"],
        "iterations": cost["iterations"],
        "requests": cost["requests"],
        "tick GB-seconds": quantity("GB-seconds", "tick"),
        "write units": quantity("write units"),
        "read units": quantity("read units"),
        "concurrency": cost["concurrency"],
    }


class Simulation(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.kept = {
            question: {name: float(f"{value:.4g}") for name, value in bill(question).items()} for question in QUESTIONS
        }
        if os.environ.get("CICADA_WRITE_GENERATED") == "1":
            KEPT.write_text(json.dumps(cls.kept, indent=2) + "\n")

    def test_the_kept_figures_are_those_of_the_simulation(self):
        self.assertEqual(json.loads(KEPT.read_text()), self.kept)
        self.assertEqual(len(QUESTIONS), 12)

    def test_the_command_is_within_a_tenth_of_them(self):
        for question, kept in self.kept.items():
            for name, value in estimated(question).items():
                with self.subTest(question=question, figure=name):
                    # of few environments one more or less is more than a tenth
                    room = max(TOLERANCE * kept[name], 2 if name == "concurrency" else 0)
                    self.assertLessEqual(abs(value - kept[name]), room, f"{value}, simulated {kept[name]}")


if __name__ == "__main__":
    unittest.main()
