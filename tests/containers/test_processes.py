"""The stage of several processes on a DynamoDB table: three that send traffic, of which one after the other breaks."""

import time
import unittest

from engine import ROOT, Api, crash, docker, inspect, is_healthy, until
from project import ENDS_WITHIN, Project

# one request an iteration, so that ledger, statistics and targets count the same; a slot is settled soon after its end
WORKLOAD = """
[hosts.target-app]
url = "http://target-app:8000"
env = "TARGET_APP_URL"
[defaults]
timeout = "2s"
[class.Looker]
wait = "constant_pacing(2)"
task.look.request = "GET /products"
[class.Buyer]
wait = "between(1, 3)"
task.look.request = "GET /health"
"""

# forty requests a second
USERS = 80


class Processes(Project):
    project = "stage"
    # several ticks a second, to be shared
    files = {"local/compose.yaml": (ROOT / "local/compose.yaml").read_text(), "local/.env": "CICADA_BLOCK_SIZE=10\n"}
    arguments = ("--profile", "demo", "--profile", "dynamodb")
    variables = {"LOCUST_BASIC_AUTH": "demo:secret", "CICADA_NETWORK": "stage-targets"}
    api = Api("http://127.0.0.1:8090", "demo:secret")
    target = Api("http://127.0.0.1:8000")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        services = ("targets", "dynamodb", "aggregator", "traffic")
        cls.compose("up", "--detach", "--wait", "--no-build", "--scale", "traffic=3", *services)
        cls.traffic = cls.containers("traffic")
        assert cls.api.get("/workload", WORKLOAD, "PUT")["success"]

    def flows(self, what):
        """That the traffic is back at its rate: four seconds' requests in at most eight."""
        before = self.good()
        until(lambda: self.good() >= before + 4 * USERS // 2, what, 20)

    def good(self):
        total = self.api.total()
        return total["num_requests"] - total["num_failures"]

    def test_processes_break_one_after_the_other_and_the_traffic_goes_on(self):
        killed, crashed, cut_off = self.traffic
        self.target.text("/stand-in/reset", " ")
        self.api.swarm(f"user_count={USERS}&spawn_rate={USERS}")
        self.flows("all three send")
        docker("kill", killed)
        self.flows("one is killed, which counts as a stop, and two have all of it")
        docker("start", killed)
        crash(crashed)
        until(lambda: inspect(crashed)["RestartCount"] == 1, "the engine starts one that crashed")
        self.flows("one crashed")
        for network in ("stage_stage", "stage-targets"):
            docker("network", "disconnect", network, cut_off)
            time.sleep(5)
            self.flows(f"one is cut off from {network}")
            docker("network", "connect", network, cut_off)
            self.flows(f"it is in {network} again")
        for container in self.traffic:
            until(lambda: is_healthy(container), "each is healthy again by itself")
        failures = self.api.failures()
        self.flows("all three send again")
        self.assertEqual(self.api.failures(), failures)
        for container in self.traffic:
            self.assertIn("following a run", self.said(container))
        self.api.get("/stop")
        until(lambda: self.api.state() == "stopped", "the run is over", 120)
        self.adds_up()
        for container in [*self.traffic, self.container("aggregator")]:
            began = time.monotonic()
            docker("stop", container)
            self.assertLess(time.monotonic() - began, ENDS_WITHIN)
            self.ended_well(container)

    def adds_up(self):
        """That ledger, statistics and targets agree, and little is lost: that of two processes that were killed."""
        ledger, total = self.api.settled(), self.api.total()
        requests, failures = total["num_requests"], total["num_failures"]
        arrived = self.target.get("/stand-in/counters?users=false")["total"]["requests"]
        self.assertEqual(requests, ledger["recorded"])
        # those that failed never arrived, but for some; of those that are missing some did
        self.assertLessEqual(requests - failures, arrived)
        self.assertLessEqual(arrived, requests + ledger["missing"])
        # two processes' last two seconds, and what one claimed that had lost the table
        self.assertLess(ledger["missing"], 10 * USERS // 2)

    def said(self, container):
        logs = docker("logs", container)
        return logs.stdout + logs.stderr


if __name__ == "__main__":
    unittest.main()
