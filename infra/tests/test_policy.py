"""docs/aws-permissions.json against AWS's own lists, which cfn-lint brings along: what CloudFormation calls in the name
of who deploys, for each type of resource in both templates, and the resources that each action knows.

What the CLI and cargo lambda call themselves, the emulator holds against the policy: see test_permissions.py.
"""

import json
import re
import unittest
from fnmatch import fnmatchcase
from importlib import resources
from itertools import product

import cfnlint.data.AdditionalSpecs
import cfnlint.data.schemas.providers
import cfnlint.data.schemas.resources
from cfnlint.decode.cfn_yaml import load

from emulator import REGION, ROOT

POLICY = json.loads((ROOT / "docs/aws-permissions.json").read_text())["Statement"]
# each handler that may be called; `list` is for imports
HANDLERS = ("create", "read", "update", "delete")
# what a type makes, by the names that the templates give
MADE = {
    "AWS::ApiGatewayV2::Api": ("apigateway", "/apis", "/apis/a1b2c3"),
    "AWS::ApiGatewayV2::Integration": ("apigateway", "/apis/a1b2c3/integrations", "/apis/a1b2c3/integrations/d4"),
    "AWS::ApiGatewayV2::Route": ("apigateway", "/apis/a1b2c3/routes", "/apis/a1b2c3/routes/d4"),
    "AWS::ApiGatewayV2::Stage": ("apigateway", "/apis/a1b2c3/stages", "/apis/a1b2c3/stages/$default"),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "alarm:cicada-demo-trouble"),
    "AWS::DynamoDB::Table": ("dynamodb", "table/cicada-demo"),
    "AWS::IAM::Policy": ("iam", "role/cicada-demo-base-TickRole-A1B2C3"),
    "AWS::IAM::Role": ("iam", "role/cicada-demo-base-TickRole-A1B2C3"),
    "AWS::Lambda::EventInvokeConfig": ("lambda", "function:cicada-demo-fanout"),
    "AWS::Lambda::EventSourceMapping": ("lambda", "event-source-mapping:8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
    "AWS::Lambda::Permission": ("lambda", "function:cicada-demo-aggregator"),
    "AWS::Lambda::Url": ("lambda", "function:cicada-demo-aggregator"),
    "AWS::Logs::LogGroup": ("logs", "log-group:/aws/lambda/cicada-demo-tick"),
    "AWS::Logs::MetricFilter": ("logs", "log-group:/aws/lambda/cicada-demo-fanout"),
    "AWS::SNS::Topic": ("sns", "cicada-demo-alarms"),
    "AWS::SQS::Queue": ("sqs", "cicada-demo-wake-ups"),
    "AWS::SSM::Parameter": ("ssm", "parameter/cicada/demo/settings"),
    "AWS::Scheduler::Schedule": ("scheduler", "schedule/cicada-demo/heartbeat"),
    "AWS::Scheduler::ScheduleGroup": ("scheduler", "schedule-group/cicada-demo", "schedule/cicada-demo/evenings-start"),
}
# what a handler needs only for a property that no template has, or that is not an action
NOT_NEEDED = {
    "an API's body from S3, a table's import from it, a log group's delivery to it": (
        "s3:*", "dynamodb:ImportTable", "dynamodb:DescribeImport", "logs:CreateLogDelivery", "firehose:TagDeliveryStream",
    ),
    "a key of the account's own": ("kms:*", "logs:AssociateKmsKey", "logs:DisassociateKmsKey"),
    "an import's or a delivery's log": ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
    "replicas of a table": (
        "dynamodb:*Replica", "dynamodb:*Item", "dynamodb:Scan", "dynamodb:Query", "iam:CreateServiceLinkedRole",
    ),
    "a table's stream to Kinesis": ("kinesis:*", "dynamodb:*KinesisStreamingDestination"),
    "a table's insights": ("dynamodb:UpdateContributorInsights",),
    "a policy on a table": ("dynamodb:PutResourcePolicy", "dynamodb:DeleteResourcePolicy"),
    "policies of users and groups": ("iam:*UserPolicy", "iam:*GroupPolicy"),
    "managed policies of a role": ("iam:AttachRolePolicy", "iam:DetachRolePolicy"),
    "policies of a log group": (
        "logs:PutDataProtectionPolicy", "logs:DeleteDataProtectionPolicy", "logs:PutResourcePolicy",
        "logs:DeleteResourcePolicy", "logs:PutIndexPolicy", "logs:DeleteIndexPolicy",
    ),
    "a log group's tokens, and its protection against being deleted": (
        "logs:PutBearerTokenAuthentication", "logs:PutLogGroupDeletionProtection",
    ),
    "a policy on a topic's data": ("sns:PutDataProtectionPolicy",),
    "tags of a stage: API Gateway has no such actions, but POST, PUT and DELETE": (
        "apigateway:TagResource", "apigateway:UntagResource",
    ),
}

# what a handler needs of another service
OTHERS = {"iam": MADE["AWS::IAM::Role"][1:], "logs": MADE["AWS::Logs::LogGroup"][1:]}
# AWS asks for these on all resources of a kind, whichever are named in the call
NOT_NARROWED = ("cloudwatch:DescribeAlarms",)
# by infra/deploy and infra/destroy, by the CLI's `cloudformation deploy`, and by cargo lambda
CALLED = (
    "cloudformation:ContinueUpdateRollback", "cloudformation:CreateChangeSet", "cloudformation:DeleteStack",
    "cloudformation:DescribeChangeSet", "cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks",
    "cloudformation:ExecuteChangeSet", "cloudformation:GetTemplateSummary", "cloudformation:TagResource",
    "cloudformation:UntagResource", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs",
    "lambda:CreateFunction", "lambda:DeleteFunction", "lambda:DeleteFunctionConcurrency", "lambda:GetAccountSettings",
    "lambda:GetFunction", "lambda:GetFunctionConcurrency", "lambda:GetFunctionConfiguration",
    "lambda:ListEventSourceMappings", "lambda:PublishVersion", "lambda:PutFunctionConcurrency",
    "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration",
)


def listed(value):
    return value if isinstance(value, list) else [value]


def data(package, name):
    return json.loads(resources.files(package).joinpath(name).read_text())


def types():
    """Of both templates."""
    templates = (load(str(ROOT / f"infra/{name}.yaml")) for name in ("base", "functions"))
    return sorted({resource["Type"] for template in templates for resource in template["Resources"].values()})


def handlers():
    """Each action of a handler, with the type of resource that it is for."""
    schemas = data(cfnlint.data.schemas.providers, f"{REGION}.json")
    for kind in types():
        known = data(cfnlint.data.schemas.resources, f"{schemas[kind]}.json")["handlers"]
        for handler in HANDLERS:
            for action in known.get(handler, {}).get("permissions", ()):
                yield kind, action


def arn(service, name):
    region = "" if service == "iam" else REGION
    account = "" if service == "apigateway" else "123456789012"
    return f"arn:aws:{service}:{region}:{account}:{name}"


class Reference:
    """The actions of each service, and which resources each knows."""

    def __init__(self):
        self.services = data(cfnlint.data.AdditionalSpecs, "Policies.json")

    def knows(self, action):
        service, _, name = action.partition(":")
        return name.lower() in self.services.get(service, {"Actions": ()})["Actions"]

    def forms(self, action):
        """Forms of ARNs; none where the action knows no resource, and `*` must be said."""
        service, _, name = action.partition(":")
        kinds = self.services[service]["Actions"][name.lower()].get("Resources", ())
        forms = (form for kind in kinds for form in self.services[service]["Resources"][kind.lower()]["ARNFormats"])
        return [re.sub(r"\$\{\w+\}", "[^:]*", form) for form in forms]


def granted(action, arns):
    """Whether a statement allows the action on each of the resources."""
    of_action = [statement for statement in POLICY if action in listed(statement["Action"])]
    return all(
        any(fnmatchcase(name, pattern) for statement in of_action for pattern in listed(statement["Resource"])) for name in arns
    )


def reason(action):
    return next((why for why, patterns in NOT_NEEDED.items() if any(fnmatchcase(action, p) for p in patterns)), None)


class Policy(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.reference = Reference()

    def test_who_deploys_may_do_what_cloudformation_does_for_each_resource(self):
        self.assertEqual(set(types()), set(MADE))
        missing = {f"{kind}: {action}" for kind, action in handlers() if not self.suffices(kind, action) and not reason(action)}
        self.assertEqual(missing, set())

    def suffices(self, kind, action):
        """Whether the policy grants the action on what the type makes, or on what another service hands to it."""
        of, *names = MADE[kind]
        service = action.partition(":")[0]
        if not self.reference.knows(action):
            return False
        forms = self.reference.forms(action)
        if service != of:
            names = OTHERS.get(service, ())
        made = [name for name in (arn(service, name) for name in names) if any(re.fullmatch(form, name) for form in forms)]
        return granted(action, made if forms else ["*"]) and bool(made or not forms)

    def test_an_exception_is_one_that_a_handler_needs_and_the_policy_lacks(self):
        actions = {action for _, action in handlers()}
        stated = {action for statement in POLICY for action in listed(statement["Action"])}
        for pattern in (pattern for patterns in NOT_NEEDED.values() for pattern in patterns):
            of_pattern = {action for action in actions if fnmatchcase(action, pattern)}
            self.assertTrue(of_pattern - stated, pattern)

    def test_each_statement_names_resources_that_its_actions_know(self):
        for statement in POLICY:
            patterns = set(listed(statement["Resource"]))
            known = set()
            for action in listed(statement["Action"]):
                forms = self.reference.forms(action)
                if patterns == {"*"}:
                    self.assertTrue(not forms or action in NOT_NARROWED or "Condition" in statement, action)
                    continue
                fitting = {p for p in patterns if any(re.fullmatch(form, p.replace("*", "x")) for form in forms)}
                self.assertTrue(fitting, f"{statement['Sid']}: {action}")
                known |= fitting
            self.assertIn(known, (patterns, set()), statement["Sid"])

    def test_there_is_no_action_that_nobody_calls(self):
        called = {action for _, action in handlers()} | set(CALLED)
        self.assertEqual({action for statement in POLICY for action in listed(statement["Action"])} - called, set())


if __name__ == "__main__":
    unittest.main()
