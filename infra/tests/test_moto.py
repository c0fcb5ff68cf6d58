"""The three functions on moto, a second emulator: what DynamoDB, SQS, Scheduler, CloudFormation and Secrets Manager are
to people who did not write MiniStack.

Two runs of two minutes go on at the same time. Every environment is frozen between its invocations; moto and the target
close a connection after two seconds of idleness, and each pause of the second run is longer.
"""

import contextlib
import json
import os
import shutil
import tempfile
import time
import unittest
from collections import Counter
from pathlib import Path

from emulator import ROOT
from wsgi import Gunicorn, certificate
from moto_stage import Stage

HEAD = """
headers = { X-Request = "{{ user_class }}/{{ user }}/{{ iteration }}" }
[hosts.target]
url = "%s"
insecure = true
[defaults]
timeout = "10s"
"""
# a patient user's answer takes longer than its pace
BUSY = """
[class.Shopper]
host = "target"
wait = "constant_pacing(2)"
[class.Shopper.task.look]
request = "GET /quick"
[class.Patient]
host = "target"
wait = "constant_pacing(2)"
fixed_count = 2
[class.Patient.task.wait]
request = "GET /slow"
"""
RARE = """
[class.Rare]
host = "target"
wait = "constant_pacing(6)"
[class.Rare.task.look]
request = "GET /rare"
"""
# how long moto and the target keep an idle connection
IDLE = 2


def lost_to_another(call):
    """A conditional write where two may write by design: two who fold, two who plan, and a tick that comes by the queue
    and by an invocation."""
    if call["operation"] != "PutItem" or "ConditionalCheckFailedException" not in call["answer"]:
        return False
    item = json.loads(call["asked"])["Item"]
    return item["sk"]["S"] in ("checkpoint", "planned") or item["pk"]["S"].startswith("claims#")


class Moto(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="cicada-moto-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        opened = contextlib.ExitStack()
        cls.addClassCleanup(opened.close)
        serve = lambda *how, **variables: opened.enter_context(contextlib.closing(Gunicorn(*how, **variables)))
        files = {name.upper(): str(cls.folder / name) for name in ("calls", "invocations")}
        cls.moto = serve("moto_app", cls.folder, **files)
        arrivals = ("--access-logfile", str(cls.folder / "arrivals"), "--access-logformat", "%({x-request}i)s %({REMOTE_PORT}e)s")
        target = serve("target_app", cls.folder, *arrivals, *certificate(cls.folder)).url.replace("http:", "https:")
        lambda_dir = Path(os.environ.get("LAMBDA_DIR", ROOT / "target/lambda"))
        cls.stages = {}
        for name, workload, users in (("busy", BUSY, 12), ("rare", RARE, 3)):
            stage = cls.stages[name] = opened.enter_context(Stage(name, cls.moto.url, lambda_dir, cls.folder))
            stage.ask("/workload", "PUT", HEAD % target + workload, "application/toml")
            stage.asked("/swarm", {"user_count": users, "spawn_rate": users})
        cls.until("two beats", 180, lambda: all(stage.beats.beats >= 2 for stage in cls.stages.values()))
        cls.until("two minutes", 60, lambda: all(stage.seconds() >= 125 for stage in cls.stages.values()))
        for stage in cls.stages.values():
            stage.asked("/stop", {})
        cls.until("the end", 120, lambda: all(stage.is_stopped() for stage in cls.stages.values()))
        cls.until("the last beat", 120, lambda: all(stage.beats.next is None for stage in cls.stages.values()))

    @classmethod
    def until(cls, what, seconds, holds):
        deadline = time.monotonic() + seconds
        while not holds():
            failed = [error for stage in cls.stages.values() for error in stage.failed()]
            assert time.monotonic() < deadline and not failed, f"{what}: {failed} {cls.logged()[-20:]}"
            time.sleep(1)

    @classmethod
    def logged(cls):
        return [line for stage in cls.stages.values() for function in stage.functions.values() for line in function.logged()]

    def check(self, name):
        """All that was planned was sent, once, and nothing failed; the ledger."""
        stage = self.stages[name]
        self.assertEqual(stage.failed(), [])
        ledger, statistics = stage.asked("/ledger"), stage.asked("/stats/requests")
        self.assertEqual(ledger["planned"], ledger["recorded"] + ledger["skipped"], ledger)
        nothing = ("missing", "pending", "duplicates", "unplanned", "unreadable_records")
        self.assertEqual({key: ledger[key] for key in nothing}, dict.fromkeys(nothing, 0))
        self.assertEqual(statistics["errors"], [])
        sent = sum(line["fields"].get("wake_ups", 0) for line in stage.functions["fanout"].logged())
        self.assertGreater(sent, 0, "the swarm itself had planned all of it")
        [total] = [row for row in statistics["stats"] if row["name"] == "Aggregated"]
        self.assertEqual((total["num_requests"], total["num_failures"]), (ledger["recorded"], 0))
        classes = ledger["classes"].keys()
        arrived = [line.split()[0] for line in (self.folder / "arrivals").read_text().splitlines()]
        arrived = Counter(request for request in arrived if request.partition("/")[0] in classes)
        self.assertEqual((len(arrived), arrived.total()), (ledger["recorded"], ledger["recorded"]))
        return ledger

    def test_what_was_planned_was_sent_or_skipped(self):
        ledger = self.check("busy")
        self.assertGreater(ledger["classes"]["Patient"]["skipped"], 10)
        self.assertGreater(ledger["planned"], 500)

    def test_nothing_fails_where_all_connections_were_closed_while_a_function_was_frozen(self):
        self.check("rare")
        long = [pause for tick in self.stages["rare"].functions["tick"].environments for pause in tick.frozen if pause > IDLE + 0.5]
        self.assertGreaterEqual(len(long), 10)
        ports = {line.split()[1] for line in (self.folder / "arrivals").read_text().splitlines() if line.startswith("Rare/")}
        self.assertGreaterEqual(len(ports), 10, "the target closed no connection")

    def test_no_call_is_refused_and_no_function_has_anything_to_warn_of(self):
        calls = [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]
        self.assertEqual([call for call in calls if call["status"] >= 400 and not lost_to_another(call)], [])
        called = {call["service"] for call in calls if "aws-sdk-rust" in call["agent"]}
        self.assertLessEqual({"dynamodb", "sqs", "scheduler", "secretsmanager"}, called)
        self.assertEqual([line for line in self.logged() if line.get("level") in ("WARN", "ERROR")], [])

    def test_the_last_beat_switches_itself_off(self):
        for stage in self.stages.values():
            schedule = stage.aws("scheduler").get_schedule(GroupName=stage.name, Name="heartbeat")
            self.assertEqual(schedule["State"], "DISABLED")


if __name__ == "__main__":
    unittest.main()
