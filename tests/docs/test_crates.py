"""The arrows between crates: each depends only on the crates that this table allows."""

import json
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# A crate, and the crates of this repository that it may depend on. An arrow that is not here needs a reason
# before it gets a line: `functions/` knows of the aggregator only its statistics.
ARROWS = {
    "traffic": [],
    "telemetry": ["traffic"],
    "testing": ["traffic"],
    "aws": ["traffic"],
    "tick": ["aws", "telemetry", "traffic"],
    "statistics": ["traffic"],
    "control": ["statistics", "traffic"],
    "fanout": ["aws", "statistics", "traffic"],
    "export": ["statistics", "traffic"],
    "cost": ["control", "traffic"],
    "mcp": [],
    "web": ["control", "cost", "export", "mcp", "statistics", "traffic"],
    "aggregator-cloud": ["aws", "control", "statistics", "traffic", "web"],
    "locustfile": ["traffic"],
    "stand-ins": ["traffic"],
    "local": ["aws", "control", "cost", "export", "locustfile", "mcp", "stand-ins", "statistics", "telemetry", "traffic", "web"],
    "e2e": [],
}


class TestCrates(unittest.TestCase):
    def setUp(self):
        command = ["cargo", "metadata", "--format-version", "1", "--no-deps", "--locked", "--offline"]
        metadata = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        packages = json.loads(metadata.stdout)["packages"]
        self.dependencies = {
            package["name"]: {
                dependency["name"]
                for dependency in package["dependencies"]
                # what only tests use is no arrow
                if dependency["kind"] != "dev" and dependency.get("path")
            }
            for package in packages
        }

    def test_every_crate_has_its_line(self):
        self.assertEqual(sorted(self.dependencies), sorted(ARROWS))

    def test_no_crate_depends_on_one_that_its_line_does_not_name(self):
        for crate, dependencies in self.dependencies.items():
            with self.subTest(crate=crate):
                self.assertEqual(sorted(dependencies - set(ARROWS[crate])), [])

    def test_no_arrow_is_allowed_that_nobody_uses(self):
        for crate, allowed in ARROWS.items():
            with self.subTest(crate=crate):
                self.assertEqual(sorted(set(allowed) - self.dependencies.get(crate, set())), [])


if __name__ == "__main__":
    unittest.main()
