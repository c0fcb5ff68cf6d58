"""The stanza of docs/containers.md in a demo's own compose file, and the commands that are given there."""

import time
import unittest

from engine import Api, crash, docker, inspect, is_healthy, until
from project import ENDS_WITHIN, Project, stanza

# the services that the demo has, under their names in its network
DEMO = """
services:
  target-app:
    image: cicada-stand-ins
    networks: { default: { aliases: [ai-agent] } }
"""

# no file of the demo's: its classes are its own
LOCUSTFILE = """
from locust import HttpUser, between, task

class Visitor(HttpUser):
    host = "http://target-app:8000"
    wait_time = between(1, 2)

    @task
    def look(self):
        self.client.get("/health")
"""

WORKLOAD = """
[hosts.shop]
url = "http://target-app:8000"
[class.Visitor]
host = "shop"
wait = "constant_pacing(1)"
task.look.request = { path = "/health" }
"""


class Stanza(Project):
    project = "aim"
    files = {"demo.compose.yaml": DEMO, "compose.yaml": stanza(), "locust-tests/visitors.toml": WORKLOAD, "locust-tests/locustfile.py": LOCUSTFILE}
    variables = {"LOCUST_BASIC_AUTH": "demo:secret"}
    locust = "aim-locust"
    api = Api("http://127.0.0.1:8089", "demo:secret")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.compose("up", "--detach", "--wait")

    def setUp(self):
        if inspect(self.locust)["State"]["Status"] != "running":
            docker("start", self.locust)
        until(lambda: self.api.status("/health") == 200, "it answers")

    def test_without_a_password_it_is_not_even_made(self):
        refused = self.compose("config", check=False, LOCUST_BASIC_AUTH="")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("set it to user:password", refused.stderr)

    def test_it_is_limited_and_closed(self):
        host = inspect(self.locust)["HostConfig"]
        self.assertEqual((host["Memory"], host["NanoCpus"]), (512 << 20, 10**9))
        self.assertEqual((host["ReadonlyRootfs"], host["CapDrop"]), (True, ["ALL"]))
        self.assertEqual(host["RestartPolicy"]["Name"], "unless-stopped")
        self.assertEqual(host["LogConfig"], {"Type": "json-file", "Config": {"max-file": "3", "max-size": "10m"}})

    def test_its_page_asks_for_the_password_and_others_call_it_by_its_name(self):
        self.assertEqual(Api("http://127.0.0.1:8089").status("/"), 401)
        self.assertEqual(self.api.status("/"), 200)
        for name in ("locust", "aim-locust"):
            url = f"http://{name}:8089/health"
            docker("run", "--rm", "--network", "aim_default", "cicada", "health", url)

    def test_commands_in_it_answer(self):
        run = lambda *command: docker("exec", self.locust, *command).stdout
        self.assertIn("ModelAUser", run("locust", "--list"))
        for file in ("locustfile.py", "visitors.toml"):
            self.assertIn("http://target-app:8000", run("locust", "-f", f"/locust/{file}", "--check"))
        variables = run("cicada", "env")
        self.assertIn("TARGET_APP_URL=http://target-app:8000\n", variables)
        self.assertIn("LOCUST_BASIC_AUTH=", variables)
        self.assertNotIn("secret", variables)
        for command in (("cicada", "env"), ("printenv",)):
            self.assertEqual(run(*command, "AI_AGENT_URL"), "http://ai-agent:8001\n")
        self.assertIn("8089", docker("logs", self.locust).stderr + docker("logs", self.locust).stdout)

    def test_it_stops_in_time_with_everything_recorded_and_the_run_goes_on_when_it_is_started(self):
        self.api.swarm("user_count=30&spawn_rate=30")
        self.api.grows(30, "traffic flows")
        seen = self.api.requests()
        began = time.monotonic()
        docker("stop", self.locust)
        self.assertLess(time.monotonic() - began, ENDS_WITHIN)
        self.ended_well(self.locust)
        docker("start", self.locust)
        until(lambda: self.api.status("/health") == 200, "it answers again")
        self.assertGreaterEqual(self.api.requests(), seen)
        self.api.grows(30, "the run goes on")
        self.assertEqual(self.api.state(), "running")
        self.api.get("/stop")
        until(lambda: self.api.state() == "stopped", "the run is over")
        self.api.settled()
        docker("restart", self.locust)
        until(lambda: self.api.status("/health") == 200, "it answers again")
        self.assertEqual(self.api.state(), "stopped", "a stop by a person stays one")

    def test_after_a_crash_it_starts_again_and_the_run_goes_on(self):
        self.api.swarm("user_count=30&spawn_rate=30")
        self.api.grows(30, "traffic flows")
        seen = self.api.requests()
        crash(self.locust)
        until(lambda: inspect(self.locust)["RestartCount"] == 1, "the engine starts it again")
        until(lambda: is_healthy(self.locust), "it is healthy again")
        # what the last two seconds brought may be lost
        self.assertGreaterEqual(self.api.requests(), seen - 60)
        self.api.grows(30, "traffic flows again")
        self.api.get("/stop")
        until(lambda: self.api.state() == "stopped", "the run is over")
        self.assertGreater(self.api.settled()["missing"], 0)
        self.assertEqual(self.api.failures(), 0)


if __name__ == "__main__":
    unittest.main()
