"""The templates by themselves: they are valid, and give each function what it uses and no more."""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path

import yaml

from emulator import ROOT, TOOLS

sys.path.insert(0, str(ROOT / "infra"))
from cloud import memory
from cloud.options import BY_NAME, KEPT

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

    def test_the_stanza_for_endpoints_is_a_template_with_what_the_tick_calls(self):
        page = (ROOT / "docs/aws.md").read_text()
        [stanza] = re.findall(r"^<!-- file: endpoints.yaml -->\n```yaml\n(.*?)^```", page, re.M | re.S)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "endpoints.yaml")
            file.write_text(stanza)
            result = subprocess.run([TOOLS / "cfn-lint", "--", file], capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stdout), (0, ""))
        endpoints = {name: r["Properties"] for name, r in yaml.load(stanza, _Loader)["Resources"].items()}
        kinds = {e["ServiceName"]["Sub"].rsplit(".", 1)[1]: e["VpcEndpointType"] for e in endpoints.values()}
        self.assertEqual(kinds, {"dynamodb": "Gateway", "sqs": "Interface"})

    def test_no_template_takes_a_secret(self):
        for name in ("base.yaml", "functions.yaml"):
            for parameter in template(name)["Parameters"]:
                if parameter != "PasswordSecret":
                    self.assertNotRegex(parameter.lower(), "auth|password|secret")
        # which is where it lies
        self.assertIn("arn:", template("base.yaml")["Parameters"]["PasswordSecret"]["AllowedPattern"])

    def test_what_a_role_may_do_names_actions_and_resources(self):
        for role in ("FanOutRole", "TickRole", "AggregatorRole", "SchedulerRole"):
            for statement in statements(role):
                self.assertNotIn("*", str(statement["Action"]), role)
                if statement["Resource"] == "*":
                    self.assertEqual(statement["Action"], "scheduler:ListSchedules")

    def test_only_the_tick_may_be_in_a_vpc_and_what_it_runs_may_make_no_interface(self):
        resources = template("base.yaml")["Resources"]
        in_vpc = {name: r for name, r in resources.items() if "ec2:" in str(r)}
        self.assertEqual(list(in_vpc), ["TickInVpc"])
        policy = in_vpc["TickInVpc"]
        self.assertEqual((policy["Condition"], policy["Properties"]["Roles"]), ("HasVpc", [{"Ref": "TickRole"}]))
        allowed, denied = policy["Properties"]["PolicyDocument"]["Statement"]
        self.assertEqual((allowed["Effect"], denied["Effect"]), ("Allow", "Deny"))
        self.assertEqual(allowed["Action"], denied["Action"])
        self.assertIn("-tick", str(denied["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"]))

    def test_every_option_that_is_kept_has_its_parameter_and_every_role_its_boundary(self):
        parameters = template("base.yaml")["Parameters"].keys() - {"Stage"}
        self.assertEqual(parameters, {option.parameter for option in KEPT if option.name != "tags"})
        defaults = {p.get("Default") for name, p in template("base.yaml")["Parameters"].items() if name != "Stage"}
        self.assertEqual(defaults, {""})
        # CloudFormation refuses a change that changes nothing but parameters, so each is in a resource
        resources = str(template("base.yaml")["Resources"]) + str(template("base.yaml")["Conditions"])
        for parameter in parameters:
            self.assertRegex(resources, rf"{{'Ref': '{parameter}'}}|\${{{parameter}}}")
        roles = [r for r in template("base.yaml")["Resources"].values() if r["Type"] == "AWS::IAM::Role"]
        for role in roles:
            self.assertIn("HasBoundary", str(role["Properties"]["PermissionsBoundary"]))

    def test_memory_that_is_enough_is_what_was_measured(self):
        measured = tomllib.loads((ROOT / "aggregator/cost/src/tick-memory-2026-11.toml").read_text())
        sizes = [(size["memory_mb"], size["own_share_p95_ms"]) for size in measured["sizes"]]

        def own_share(number, load):
            points = list(zip(measured["requests"], sizes[number][1]))
            for (low, first), (high, last) in zip(points, points[1:]):
                if load <= high:
                    return first + max(load - low, 0) / (high - low) * (last - first)
            # as much of its CPU is used as of the smaller one's by fewer
            return own_share(number - 1, load * sizes[number - 1][0] / sizes[number][0]) if number else last * load / high

        for ticks in range(10, 101):
            # users of a message: functions/traffic/src/requests_at_once.rs
            users = max(800 // min(max(80 // ticks, 1), 4), 300)
            load = users + (ticks - measured["ticks"]) * measured["requests_of_a_tick"]
            enough = next(memory for number, (memory, _) in enumerate(sizes) if own_share(number, load) < 2)
            self.assertEqual(memory.enough(ticks), enough, ticks)

    def test_memory_is_by_default_what_the_manifests_say(self):
        def manifest(path):
            return tomllib.loads((ROOT / path).read_text())["package"]["metadata"]["lambda"]

        tick = manifest("functions/tick/Cargo.toml")["deploy"]["memory"]
        aggregator = manifest("aggregator/cloud/Cargo.toml")["bin"]["aggregator"]["deploy"]["memory"]
        self.assertEqual(BY_NAME["memory"].default, str(tick))
        self.assertEqual(BY_NAME["aggregator-memory"].default, str(aggregator))
        self.assertEqual(memory.enough(int(BY_NAME["ticks-per-message"].default)), tick)

    def test_a_container_for_the_aggregator_is_told_each_permission_that_the_function_has(self):
        page = (ROOT / "docs/containers.md").read_text().split("## The aggregator in a container")[1]
        told = set(re.findall(r"`([a-z]+:[A-Z]\w+)`", page))
        mapping = template("functions.yaml")["Resources"]["MaySwitchTheMapping"]["Properties"]
        self.assertIn({"Ref": "AggregatorRoleName"}, mapping["Roles"])
        [switch] = mapping["PolicyDocument"]["Statement"]
        password = template("base.yaml")["Resources"]["AggregatorReadsThePassword"]["Properties"]["PolicyDocument"]["Statement"]
        has = actions("AggregatorRole") | set(switch["Action"]) | {statement["Action"] for statement in password}
        self.assertEqual(told, {action for action in has if not action.startswith("logs:")})

    def test_all_alarms_together_cost_at_most_30_cents(self):
        resources = template("functions.yaml")["Resources"].values()
        alarms = [r for r in resources if r["Type"] == "AWS::CloudWatch::Alarm"]
        # a metric that an alarm looks at is US$ 0.10 a month, in standard resolution
        metrics = sum(len(a["Properties"].get("Metrics", [None])) for a in alarms)
        self.assertLessEqual(metrics * 0.10, 0.301)
        self.assertTrue(all(a["Properties"]["Period"] >= 60 and a["Condition"] == "HasAlarms" for a in alarms))
        self.assertNotIn("AWS::CloudWatch::CompositeAlarm", [r["Type"] for r in resources])

    def test_a_tick_can_send_no_message_and_switch_nothing(self):
        forbidden = re.compile("sqs:Send|scheduler:|iam:|lambda:")
        self.assertEqual([action for action in actions("TickRole") if forbidden.match(action)], [])

    def test_every_action_that_the_code_names_is_given_to_a_role_and_every_other_has_a_reason(self):
        sources = (path.read_text() for path in (ROOT / "functions/aws/src").rglob("*.rs"))
        called = {a for s in sources for a in re.findall('"((?:dynamodb|lambda|scheduler|secretsmanager|sqs):[A-Z][A-Za-z]+)"', s)}
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
        # given where there is a secret
        reads = template("base.yaml")["Resources"]["AggregatorReadsThePassword"]["Properties"]["PolicyDocument"]
        called.remove(reads["Statement"][0]["Action"])
        given = actions("FanOutRole") | actions("TickRole") | actions("AggregatorRole")
        switches = template("functions.yaml")["Resources"]["MaySwitchTheMapping"]["Properties"]
        self.assertEqual([role["Ref"] for role in switches["Roles"]], ["FanOutRoleName", "AggregatorRoleName"])
        [statement] = switches["PolicyDocument"]["Statement"]
        self.assertTrue(statement["Resource"]["Sub"].endswith(":event-source-mapping:${WakeUpsToTick}"))
        given |= set(statement["Action"])
        self.assertEqual(given - by_others, called)

    def test_metrics_are_made_of_a_line_that_the_fan_out_logs(self):
        source = (ROOT / "functions/fanout/src/minute.rs").read_text()
        resources = template("functions.yaml")["Resources"].values()
        filters = [r["Properties"] for r in resources if r["Type"] == "AWS::Logs::MetricFilter"]
        filters = [metric for metric in filters if "fields.message" in metric["FilterPattern"]]
        self.assertEqual(len(filters), 4)
        for metric in filters:
            [message] = re.findall('fields.message = "([^"]+)"', metric["FilterPattern"])
            self.assertIn(f'"{message}"', source)
            fields = re.findall(r"\$\.fields\.(\w+) >", metric["FilterPattern"])
            value = metric["MetricTransformations"][0]["MetricValue"]
            fields += [value.removeprefix("$.fields.")] if value.startswith("$") else []
            for field in fields:
                self.assertRegex(source, rf"\b{field}( = figures\.{field})?,")

    def test_a_wake_up_is_hidden_for_longer_than_a_tick_can_run_and_outlives_all_its_tries(self):
        queue = template("base.yaml")["Resources"]["WakeUps"]["Properties"]
        manifest = tomllib.loads((ROOT / "functions/tick/Cargo.toml").read_text())
        timeout = manifest["package"]["metadata"]["lambda"]["deploy"]["timeout"]
        hidden, tries = queue["VisibilityTimeout"], queue["RedrivePolicy"]["maxReceiveCount"]
        self.assertGreater(hidden, timeout)
        self.assertGreater(queue["MessageRetentionPeriod"], 300 + tries * hidden)

    def test_the_cloudwatch_dashboard_looks_at_what_a_stage_has(self):
        base, upper = template("base.yaml")["Resources"], template("functions.yaml")["Resources"]
        named = lambda kind, key: {
            r["Properties"][key]["Sub"].replace("${Stage}", "demo") for r in base.values() if r["Type"] == kind
        }
        made = {
            t["MetricName"]
            for r in upper.values() if r["Type"] == "AWS::Logs::MetricFilter"
            for t in r["Properties"]["MetricTransformations"]
        }
        groups = named("AWS::Logs::LogGroup", "LogGroupName")
        # of https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html, and the other services' pages
        there = {
            "Cicada/demo": (made, None, {None}),
            "AWS/Lambda": (
                {"Invocations", "Errors", "Throttles", "ConcurrentExecutions", "Duration"},
                "FunctionName", {group.removeprefix("/aws/lambda/") for group in groups},
            ),
            "AWS/SQS": (
                {
                    "NumberOfMessagesSent", "NumberOfMessagesDeleted", "ApproximateNumberOfMessagesVisible",
                    "ApproximateAgeOfOldestMessage",
                },
                "QueueName", named("AWS::SQS::Queue", "QueueName"),
            ),
            "AWS/DynamoDB": (
                {"ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"},
                "TableName", named("AWS::DynamoDB::Table", "TableName"),
            ),
        }
        widgets = json.loads((ROOT / "docs/monitoring/cloudwatch.json").read_text())["widgets"]
        shown = set()
        for line in (line for widget in widgets for line in widget["properties"].get("metrics", [])):
            namespace, name, *dimension = [part for part in line if isinstance(part, str)]
            names, key, values = there[namespace]
            self.assertIn(name, names)
            self.assertEqual(dimension[:1], [key] if key else [])
            self.assertIn(dimension[1] if key else None, values)
            shown.add(name)
        self.assertLessEqual(made, shown)
        [log] = [widget["properties"]["query"] for widget in widgets if widget["type"] == "log"]
        self.assertEqual(set(re.findall("SOURCE '([^']+)'", log)), groups)


if __name__ == "__main__":
    unittest.main()
