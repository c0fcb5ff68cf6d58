"""Targets by name, in a network whose names change: followed at once, on few threads."""

import pathlib
import tempfile
import time
import unittest

from engine import Api, docker, remove, threads, until

NETWORK = "names"
SUBNET = "10.89.7"

WORKLOAD = """
[hosts.agent]
url = "http://agent.test:8000"
[hosts.other]
url = "http://other.test:8000"
[class.Visitor]
host = "agent"
wait = "constant_pacing(2)"
task.look.request = { path = "/health", name = "agent" }
[class.Stranger]
host = "other"
wait = "constant_pacing(2)"
task.look.request = { path = "/health", name = "other" }
"""


class Names(unittest.TestCase):
    api = Api("http://127.0.0.1:8189")

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        pathlib.Path(folder.name).chmod(0o755)
        pathlib.Path(folder.name, "visitors.toml").write_text(WORKLOAD)
        docker("network", "create", "--subnet", f"{SUBNET}.0/24", NETWORK)
        cls.addClassCleanup(docker, "network", "rm", NETWORK)
        docker(
            "run", "--detach", "--name", "names-cicada", "--network", NETWORK, "--publish", "127.0.0.1:8189:8089",
            "--memory", "512m", "--cpus", "1", "--volume", f"{folder.name}:/locust:ro", "--env", "CICADA_BIND=127.0.0.1",
            "cicada", "-f", "/locust/visitors.toml",
        )
        cls.addClassCleanup(remove, "names-cicada")
        until(lambda: cls.api.status("/health") == 200, "it answers")

    def setUp(self):
        self.target("here", "agent.test", 10)
        self.addCleanup(remove, "here", "there", "other", "elsewhere")

    def tearDown(self):
        self.api.get("/stop")
        until(lambda: self.api.state() == "stopped", "the run is over")

    def target(self, name, alias, number):
        """Starts a target that the network knows by an alias; whose address is the subnet's `number`th."""
        address = f"{SUBNET}.{number}"
        docker(
            "run", "--detach", "--name", name, "--network", NETWORK, "--network-alias", alias, "--ip", address,
            "cicada-stand-ins", "--target-app", "0.0.0.0:8000", "--ai-agent", "0.0.0.0:8001", "--latency-scale", "0",
        )
        until(lambda: Api(f"http://{address}:8000").status("/health") == 200, f"{name} answers")

    def arrived(self, number):
        counters = Api(f"http://{SUBNET}.{number}:8000").get("/stand-in/counters?users=false")
        [row] = [row for row in counters["routes"] if row["route"] == "/health" and row["server"] == "target-app"]
        return row["requests"]

    def swarm(self, users, *classes):
        chosen = "".join(f"&user_classes={name}" for name in classes)
        self.api.swarm(f"user_count={users}&spawn_rate={users}{chosen}")

    def good(self, name):
        """Requests of a row that succeeded."""
        rows = {row["name"]: row for row in self.api.get("/stats/requests")["stats"]}
        return rows[name]["num_requests"] - rows[name]["num_failures"] if name in rows else 0

    def flows(self, name, requests, what, seconds=60):
        before = self.good(name)
        until(lambda: self.good(name) >= before + requests, what, seconds)

    def test_six_hundred_users_who_begin_at_once_are_no_crowd_of_threads(self):
        before = threads("names-cicada")
        self.swarm(600, "Visitor")
        most = before
        end = time.monotonic() + 6
        while time.monotonic() < end:
            most = max(most, threads("names-cicada"))
            time.sleep(0.02)
        # each look-up on a thread of its own was 512 more
        self.assertLess(most - before, 24)
        self.assertEqual(self.api.failures(), 0)
        self.assertGreater(self.api.requests(), 600)

    def test_a_name_that_moves_is_followed(self):
        self.swarm(200, "Visitor")
        self.flows("agent", 200, "traffic flows")
        self.target("there", "agent.test", 20)
        # what is under way is answered, then it ends
        docker("stop", "here")
        failures = self.api.failures()
        self.flows("agent", 400, "traffic flows to the other address", 20)
        self.assertEqual(self.api.failures(), failures)
        self.assertGreaterEqual(self.arrived(20), 400)

    def test_names_that_are_away_for_twenty_seconds_and_come_back_at_other_addresses_are_followed(self):
        self.target("other", "other.test", 11)
        self.swarm(400, "Visitor", "Stranger")
        for name in ("agent", "other"):
            self.flows(name, 200, f"traffic flows to {name}")
        docker("kill", "here")
        # connections stay open, and nobody is at the other end
        docker("network", "disconnect", NETWORK, "other")
        away = time.monotonic()
        until(lambda: self.api.failures() > 0, "that is seen")
        while time.monotonic() < away + 20:
            self.assertLess(threads("names-cicada"), 60)
            self.assertEqual(self.api.status("/health"), 200)
            time.sleep(0.5)
        self.target("there", "agent.test", 20)
        self.target("elsewhere", "other.test", 21)
        self.flows("agent", 400, "traffic flows again where the target was killed", 20)
        # what was under way there is given up after thirty seconds
        self.flows("other", 400, "traffic flows again where it was cut off", 40)
        until(lambda: time.monotonic() > away + 45, "nothing waits for the old address any more")
        failures = self.api.failures()
        for name in ("agent", "other"):
            self.flows(name, 400, f"all of it flows to {name}")
        self.assertEqual(self.api.failures(), failures)
        for number in (20, 21):
            self.assertGreaterEqual(self.arrived(number), 800)
        self.api.get("/stop")
        until(lambda: self.api.state() == "stopped", "the run is over")
        self.assertEqual(self.api.settled()["missing"], 0)


if __name__ == "__main__":
    unittest.main()
