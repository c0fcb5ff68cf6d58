"""Targets by name, in a network whose names change: followed at once, on few threads."""

import pathlib
import tempfile
import time
import unittest

from engine import Api, docker, is_healthy, remove, threads, until

NETWORK = "names"
HERE, THERE, ELSEWHERE = ("10.89.7.10", "10.89.7.20", "10.89.7.30")

WORKLOAD = """
[hosts.agent]
url = "http://agent.test:8000"
[class.Visitor]
host = "agent"
wait = "constant_pacing(2)"
task.look.request = { path = "/health" }
"""


class Names(unittest.TestCase):
    api = Api("http://127.0.0.1:8189")

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        pathlib.Path(folder.name).chmod(0o755)
        pathlib.Path(folder.name, "visitors.toml").write_text(WORKLOAD)
        docker("network", "create", "--subnet", "10.89.7.0/24", NETWORK)
        cls.addClassCleanup(docker, "network", "rm", NETWORK)
        docker(
            "run", "--detach", "--name", "names-cicada", "--network", NETWORK, "--publish", "127.0.0.1:8189:8089",
            "--memory", "512m", "--cpus", "1", "--volume", f"{folder.name}:/locust:ro", "--env", "CICADA_BIND=127.0.0.1",
            "cicada", "-f", "/locust/visitors.toml",
        )
        cls.addClassCleanup(remove, "names-cicada")
        until(lambda: is_healthy("names-cicada"), "it is healthy")

    def setUp(self):
        self.target("here", HERE)
        self.addCleanup(remove, "here", "there", "elsewhere")

    def tearDown(self):
        self.api.get("/stop")
        until(lambda: self.api.state() == "stopped", "the run is over")

    def target(self, name, address):
        docker(
            "run", "--detach", "--name", name, "--network", NETWORK, "--network-alias", "agent.test", "--ip", address,
            "cicada-stand-ins", "--target-app", "0.0.0.0:8000", "--ai-agent", "0.0.0.0:8001", "--latency-scale", "0",
        )
        until(lambda: is_healthy(name), f"{name} is healthy")

    def test_two_thousand_users_who_begin_at_once_are_no_crowd_of_threads(self):
        before = threads("names-cicada")
        self.api.swarm("user_count=2000&spawn_rate=2000")
        most = before
        end = time.monotonic() + 6
        while time.monotonic() < end:
            most = max(most, threads("names-cicada"))
            time.sleep(0.02)
        # each look-up of its own on a thread of its own was 512 more
        self.assertLess(most - before, 24)
        self.assertEqual(self.api.failures(), 0)
        self.assertGreater(self.api.requests(), 2000)

    def test_a_name_that_moves_is_followed(self):
        self.api.swarm("user_count=200&spawn_rate=200")
        self.api.grows(200, "traffic flows")
        self.target("there", THERE)
        # what is under way is answered, then it ends
        docker("stop", "here")
        time.sleep(2)
        failures = self.api.failures()
        self.api.grows(400, "traffic flows to the other address", 20)
        self.assertEqual(self.api.failures(), failures)

    def test_a_name_that_is_away_for_twenty_seconds_and_comes_back_at_another_address_is_followed(self):
        for how in ("killed", "cut off"):
            with self.subTest(how):
                remove("here", "elsewhere")
                self.target("here", HERE)
                self.api.swarm("user_count=200&spawn_rate=200")
                self.api.grows(200, "traffic flows")
                if how == "killed":
                    docker("kill", "here")
                else:
                    docker("network", "disconnect", NETWORK, "here")
                away = time.monotonic()
                until(lambda: self.api.failures() > 0, "that is seen")
                while time.monotonic() < away + 20:
                    self.assertLess(threads("names-cicada"), 60)
                    self.assertEqual(self.api.state(), "running")
                    time.sleep(0.5)
                self.target("elsewhere", ELSEWHERE)
                back = time.monotonic()
                self.api.grows(400, "traffic flows again")
                # connections that were cut off are given up after thirty seconds
                time.sleep(max(0, back + 14 - time.monotonic()) if how == "cut off" else 1)
                failures, before = self.api.failures(), self.api.requests()
                self.api.grows(400, "all of it")
                self.assertEqual(self.api.failures(), failures)
                self.api.get("/stop")
                until(lambda: self.api.state() == "stopped", "the run is over")
                self.assertEqual(self.api.settled()["missing"], 0)


if __name__ == "__main__":
    unittest.main()
