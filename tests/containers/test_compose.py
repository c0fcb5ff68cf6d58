"""local/compose.yaml on a real engine: up, what it passes on, in which order it ends, and down."""

import time
import unittest

from engine import ROOT, Api, docker, inspect, is_healthy, until
from project import ENDS_WITHIN, Project

# a folder with the file alone: what it builds is there already
COMPOSE = (ROOT / "local/compose.yaml").read_text()


class Demo(Project):
    files = {"local/compose.yaml": COMPOSE, "local/.env": "LOCUST_USERS=7\nOTEL_SERVICE_NAME=cicada-here\nLOCUST_WEB_PORT=1\n"}
    arguments = ("--profile", "demo")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.compose("up", "--detach", "--wait", "--no-build")

    def test_up_and_down(self):
        cicada, targets = self.container("cicada"), self.container("targets")
        with self.subTest("pages are published"):
            for port in (8089, 8000, 8001):
                self.assertEqual(Api(f"http://127.0.0.1:{port}").status("/"), 200, port)
            for container in (cicada, targets):
                for published in inspect(container)["HostConfig"]["PortBindings"].values():
                    self.assertEqual([port["HostIp"] for port in published], ["127.0.0.1"])
        with self.subTest("variables of local/.env are passed on, but for the port inside"):
            variables = docker("exec", cicada, "cicada", "env").stdout
            for line in ("LOCUST_USERS=7", "OTEL_SERVICE_NAME=cicada-here", "LOCUST_WEB_PORT=8089"):
                self.assertIn(f"{line}\n", variables)
        with self.subTest("in its network it is locust"):
            docker("run", "--rm", "--network", "cicada", "cicada", "health", "http://locust:8089/health")
        with self.subTest("stand-ins started first"):
            started = [inspect(container)["State"]["StartedAt"] for container in (targets, cicada)]
            self.assertEqual(started, sorted(started))
        api = Api("http://127.0.0.1:8089")
        api.swarm("user_count=30&spawn_rate=30")
        api.grows(30, "traffic flows")
        with self.subTest("stand-ins end last, all in time, and nothing fails meanwhile"):
            began = time.monotonic()
            self.compose("stop")
            self.assertLess(time.monotonic() - began, 2 * ENDS_WITHIN)
            for container in (cicada, targets):
                self.ended_well(container)
            ended = [inspect(container)["State"]["FinishedAt"] for container in (cicada, targets)]
            self.assertEqual(ended, sorted(ended))
            self.compose("up", "--detach", "--wait", "--no-build")
            self.assertGreaterEqual(api.requests(), 30)
            self.assertEqual(api.failures(), 0)
        with self.subTest("down leaves nothing but the runs"):
            self.compose("down")
            self.assertEqual(docker("ps", "--all", "--quiet").stdout, "")
            self.assertIn("cicada_data", docker("volume", "ls", "--quiet").stdout.split())


class Door(Project):
    files = {"local/compose.yaml": COMPOSE}
    variables = {"CICADA_BIND": "0.0.0.0"}

    def test_published_for_all_it_does_not_start_without_a_password(self):
        self.compose("up", "--detach", "--no-build")
        container = self.container("cicada")
        until(lambda: inspect(container)["State"]["ExitCode"] == 2, "it refuses")
        self.assertIn("LOCUST_BASIC_AUTH", docker("logs", container).stderr)
        self.compose("up", "--detach", "--no-build", "--wait", LOCUST_BASIC_AUTH="me:secret")
        self.assertTrue(is_healthy(self.container("cicada")))


if __name__ == "__main__":
    unittest.main()
