"""The templates by themselves: they are valid, and give each function what it uses and no more."""

import re
import subprocess
import tomllib
import unittest

import yaml

from emulator import ROOT, TOOLS

INFRA = ROOT / "infra"


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's tags as {tag: value}."""


def _tag(loader, suffix, node):
    kinds = {
        yaml.ScalarNode: loader.construct_scalar,
        yaml.SequenceNode: loader.construct_sequence,
        yaml.MappingNode: loader.construct_mapping,
    }
    read = kinds[type(node)]
    return {suffix: read(node) if isinstance(node, yaml.ScalarNode) else read(node, deep=True)}


_Loader.add_multi_constructor("!", _tag)


def template(name):
    return yaml.load((INFRA / name).read_text(), _Loader)


def statements(role):
    policies = template("base.yaml")["Resources"][role]["Properties"]["Policies"]
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def actions(role):
    listed = (s["Action"] if isinstance(s["Action"], list) else [s["Action"]] for s in statements(role))
    return {action for some in listed for action in some}


class Templates(unittest.TestCase):
    def test_cfn_lint_finds_nothing(self):
        files = [INFRA / "base.yaml", INFRA / "functions.yaml"]
        lint = [TOOLS / "cfn-lint", "--include-checks", "I", "--", *files]
        result = subprocess.run(lint, capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stdout), (0, ""))

    def test_no_template_takes_a_secret(self):
        for name in ("base.yaml", "functions.yaml"):
            for parameter in template(name)["Parameters"]:
                self.assertNotRegex(parameter.lower(), "auth|password|secret")

    def test_what_a_role_may_do_names_actions_and_resources(self):
        for role in ("FanOutRole", "TickRole", "AggregatorRole", "SchedulerRole"):
            for statement in statements(role):
                self.assertNotIn("*", str(statement["Action"]), role)
                if statement["Resource"] == "*":
                    self.assertEqual(statement["Action"], "scheduler:ListSchedules")

    def test_a_tick_can_send_no_message_and_switch_nothing(self):
        forbidden = re.compile("sqs:Send|scheduler:|iam:|lambda:")
        self.assertEqual([action for action in actions("TickRole") if forbidden.match(action)], [])

    def test_every_action_that_the_code_names_is_given_to_a_role_and_every_other_has_a_reason(self):
        sources = (path.read_text() for path in (ROOT / "functions/aws/src").rglob("*.rs"))
        called = {a for s in sources for a in re.findall('"((?:dynamodb|scheduler|sqs):[A-Z][A-Za-z]+)"', s)}
        by_others = {
            "logs:CreateLogStream",  # Lambda, with what a function prints
            "logs:PutLogEvents",
            "sqs:ReceiveMessage",  # the event source mapping
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "iam:PassRole",  # goes with changing a schedule
        }
        # a container that shares no stack makes its table itself; no role of a stack may
        called.remove("dynamodb:CreateTable")
        given = actions("FanOutRole") | actions("TickRole") | actions("AggregatorRole")
        self.assertEqual(given - by_others, called)

    def test_metrics_are_made_of_a_line_that_the_fan_out_logs(self):
        source = (ROOT / "functions/fanout/src/minute.rs").read_text()
        resources = template("functions.yaml")["Resources"].values()
        filters = [r["Properties"] for r in resources if r["Type"] == "AWS::Logs::MetricFilter"]
        self.assertEqual(len(filters), 2)
        for metric in filters:
            [message] = re.findall('fields.message = "([^"]+)"', metric["FilterPattern"])
            self.assertIn(f'"{message}"', source)
            fields = re.findall(r"\$\.fields\.(\w+) >", metric["FilterPattern"])
            fields.append(metric["MetricTransformations"][0]["MetricValue"].removeprefix("$.fields."))
            for field in fields:
                self.assertIn(f"{field} = figures.{field},", source)

    def test_a_wake_up_is_hidden_for_longer_than_a_tick_can_run_and_outlives_all_its_tries(self):
        queue = template("base.yaml")["Resources"]["WakeUps"]["Properties"]
        manifest = tomllib.loads((ROOT / "functions/tick/Cargo.toml").read_text())
        timeout = manifest["package"]["metadata"]["lambda"]["deploy"]["timeout"]
        hidden, tries = queue["VisibilityTimeout"], queue["RedrivePolicy"]["maxReceiveCount"]
        self.assertGreater(hidden, timeout)
        self.assertGreater(queue["MessageRetentionPeriod"], 120 + tries * hidden)


if __name__ == "__main__":
    unittest.main()
