"""The page docs/aws.md: each of its commands as it is written there, against the emulator.

So is the one of docs/tls.md that deploys, before the stage is taken away.

Two things are other than for a reader: where traffic goes, and what `URL` is, which the reader copies.
"""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import target
from emulator import ROOT, TOOLS, Emulator

def page(name):
    return (ROOT / "docs" / name).read_text()


def commands():
    """All blocks of the page, and what is run here of others."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page("aws.md"), re.M | re.S)
    others = re.findall(r"^<!-- run by infra/tests/test_aws.py -->\n```sh\n(.*?)^```", page("tls.md"), re.M | re.S)
    assert "make destroy" in blocks[-1] and others
    return [*blocks[:-1], *others, blocks[-1]]


class AwsPage(unittest.TestCase):
    def test_every_command_does_what_is_said(self):
        # what roles may do is another test's matter: the emulator has names of its own for some of it
        aws = Emulator(auth=False)
        self.addCleanup(aws.stop)
        url, stop = target.serve()
        self.addCleanup(stop)
        with tempfile.TemporaryDirectory() as folder:
            [workload] = re.findall(r"^<!-- file: shop.toml -->\n```toml\n(.*?)^```", page("workloads.md"), re.M | re.S)
            Path(folder, "shop.toml").write_text(workload)
            for name in ("cicada.pem", "cicada.key"):
                Path(folder, name).write_text(f"-----BEGIN {name}-----\n-----END {name}-----\n")
            path = f"{ROOT}/target/debug:{TOOLS}:{os.environ['PATH']}"
            said = self.run_blocks(commands()[:-1], url, Path(folder), aws.environment(PATH=path))
            self.check_stage(aws, url)
            said += self.run_blocks(commands()[-1:], url, Path(folder), aws.environment(PATH=path))
        for what in (
            '"message":"Swarming started"',
            '"message":"Test stopped"',
            '"message":"Schedule saved"',
            '"user_classes":["Shopper"]',
            "60 users for ",
            "nothing is left of stage demo",
        ):
            self.assertIn(what.replace(" ", ""), said.replace(" ", ""))
        self.assertNotIn('"success":false', said.replace(" ", ""))
        self.assertEqual(aws.left(), {})

    def run_blocks(self, blocks, url, folder, environment):
        """Runs them in one shell; what they said."""
        script = self.script(blocks, url, folder)
        done = subprocess.run(["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, said)
        return said

    def check_stage(self, aws, url):
        """The last deployment of the page left what the first one said, and added what it said itself."""
        client = aws.client("lambda")
        tick, aggregator = (client.get_function_configuration(FunctionName=f"cicada-demo-{name}") for name in ("tick", "aggregator"))
        for config in (tick, aggregator):
            variables = config["Environment"]["Variables"]
            expected = {"TARGET_APP_URL": url, "AI_AGENT_URL": url, "CICADA_MAX_USERS": "200"}
            self.assertEqual({name: variables.get(name) for name in expected}, expected)
            self.assertIn("BEGIN cicada.key", variables["TARGET_TLS_KEY"])
        self.assertEqual(tick["MemorySize"], 256)
        self.assertEqual(aggregator["Environment"]["Variables"]["LOCUST_BASIC_AUTH"], "demo:choose-a-long-one")
        left = aws.left()
        self.assertLessEqual({"cicada-demo/heartbeat", "cicada-demo/template-start", "cicada-demo/template-stop"}, set(left["schedules"]))
        schedule = aws.client("scheduler").get_schedule(GroupName="cicada-demo", Name="template-start")
        # the emulator's CloudFormation makes every schedule in UTC: the zone is read in the stack
        [stack] = aws.client("cloudformation").describe_stacks(StackName="cicada-demo-functions")["Stacks"]
        self.assertIn({"ParameterKey": "TimeZone", "ParameterValue": "Europe/Berlin"}, stack["Parameters"])
        self.assertIn('\\"user_count\\":60,', schedule["Target"]["Input"])
        alarms = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
        [topic] = left["topics"]
        self.assertEqual([alarm["AlarmActions"] for alarm in alarms], [[topic]] * 3)

    def script(self, blocks, url, folder):
        """Blocks, one after the other, for one shell."""
        script = "set -eu\n"
        for block in blocks:
            block = re.sub(r"https://(shop|agent)\.example\.com", url, block)
            block = re.sub(r"\b(shop\.toml|cicada\.pem|cicada\.key)", rf"{folder}/\1", block)
            block = re.sub(r"^URL=.*$", f"URL=$(sed -n 's/^url *//p' {folder}/deployed)", block, flags=re.M)
            script += f"{{\n{block}}} >{folder}/said 2>&1 || {{ cat {folder}/said; exit 1; }}\ncat {folder}/said\n"
            script += f"if grep -q '^url ' {folder}/said; then cp {folder}/said {folder}/deployed; fi\n"
        return script


if __name__ == "__main__":
    unittest.main()
