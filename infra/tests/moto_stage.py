"""A stage of Cicada on moto, an AWS that shares no code with MiniStack: its stacks, and functions that a stand-in runs."""

import base64
import contextlib
import io
import json
import sys
import time
import urllib.parse
import uuid
import zipfile

import boto3
from cfnlint.decode.cfn_yaml import load

from emulator import PASSWORD, REGION, ROOT
from stand_in import Beats, EventSource, Function, Invocations

sys.path.append(str(ROOT / "infra"))
from cloud import functions  # noqa: E402

ACCOUNT = "123456789012"
MAX_CONCURRENCY = 4
# moto's CloudFormation leaves these out
SCHEDULES = {"AWS::Scheduler::ScheduleGroup": "create_schedule_group", "AWS::Scheduler::Schedule": "create_schedule"}


class Told(dict):
    """Settings of a deployment that was told nothing but these."""

    secrets = {}

    def __missing__(self, _):
        return ""

    def workload_env(self):
        return []


def resolved(value, names):
    """A template's value with its references to parameters and resources replaced."""
    if isinstance(value, list):
        return [resolved(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    if "Ref" in value:
        return names[value["Ref"]]
    if "Fn::Sub" in value:
        text = value["Fn::Sub"]
        for name, of in names.items():
            text = text.replace(f"${{{name}}}", of)
        return text
    return {key: resolved(item, names) for key, item in value.items()}


class Stage:
    """Leaving the context ends all that runs."""

    def __init__(self, name, url, lambda_dir, folder):
        self.name, self.url, self.folder = f"cicada-{name}", url, folder
        secret = self.aws("secretsmanager").create_secret(Name=f"{self.name}-password", SecretString=PASSWORD)["ARN"]
        outputs = self._deploy("base", {"Stage": name, "PasswordSecret": secret})
        self.functions = {}
        for room, role in (("fanout", "FanOut"), ("tick", "Tick"), ("aggregator", "Aggregator")):
            self._upload(f"{self.name}-{room}", outputs[f"{role}RoleArn"])
            variables = functions.environment(room, Told({"password-secret": secret}), name, REGION, outputs, MAX_CONCURRENCY)
            self.functions[room] = Function(room, f"{self.name}-{room}", lambda_dir, variables, url, folder)
        self._deploy("functions", {"Stage": name, "MaxConcurrency": str(MAX_CONCURRENCY)} | outputs)
        self.queue = outputs["QueueUrl"]

    def aws(self, service):
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, **keys)

    def _deploy(self, template, parameters):
        """A stack; its outputs."""
        cloudformation, stack, path = self.aws("cloudformation"), f"{self.name}-{template}", ROOT / f"infra/{template}.yaml"
        written = load(str(path))
        parameters = {key: value for key, value in parameters.items() if key in written["Parameters"]}
        cloudformation.create_stack(
            StackName=stack,
            TemplateBody=path.read_text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        [made] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        assert made["StackStatus"] == "CREATE_COMPLETE", made
        names = parameters | {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT}
        there = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
        names |= {of["LogicalResourceId"]: of["PhysicalResourceId"] for of in there if "PhysicalResourceId" in of}
        for resource in written["Resources"].values():
            if resource["Type"] in SCHEDULES and "Condition" not in resource:
                getattr(self.aws("scheduler"), SCHEDULES[resource["Type"]])(**resolved(resource["Properties"], names))
        return {output["OutputKey"]: output.get("OutputValue", "") for output in made.get("Outputs") or ()}

    def _upload(self, function, role):
        """The function as the stack refers to it."""
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("bootstrap", "")
        self.aws("lambda").create_function(
            FunctionName=function, Role=role, Runtime="provided.al2023", Handler="bootstrap", Code={"ZipFile": code.getvalue()}
        )

    def __enter__(self):
        with contextlib.ExitStack() as opened:
            for function in self.functions.values():
                opened.enter_context(function.opened)
            mapping = self.aws("lambda").list_event_source_mappings(FunctionName=f"{self.name}-tick")["EventSourceMappings"]
            self.source = EventSource(mapping[0]["UUID"], self.queue, self.aws, self.functions["tick"])
            opened.callback(self.source.stop)
            self.beats = Beats(self.name, "heartbeat", self.aws, self.functions["fanout"])
            opened.callback(self.beats.stop)
            self.invocations = Invocations(self.folder / "invocations", self.functions.values())
            opened.callback(self.invocations.stop)
            self.opened = opened.pop_all()
        return self

    def __exit__(self, *_):
        self.opened.close()

    def failed(self):
        return self.source.failed + self.beats.failed + self.invocations.failed

    def ask(self, path, method="GET", body="", kind="application/x-www-form-urlencoded"):
        """A request to the Function URL: the body of an answer with status 200."""
        host = f"{uuid.uuid5(uuid.NAMESPACE_DNS, self.name).hex}.lambda-url.{REGION}.on.aws"
        headers = {
            "authorization": "Basic " + base64.b64encode(PASSWORD.encode()).decode(),
            "content-type": kind,
            "host": host,
            "x-forwarded-proto": "https",
        }
        http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test"}
        event = {
            **{"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": headers},
            "requestContext": {
                **{"accountId": "anonymous", "apiId": host.partition(".")[0], "domainName": host, "http": http},
                **{"requestId": str(uuid.uuid4()), "routeKey": "$default", "stage": "$default"},
                **{"time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime()), "timeEpoch": int(time.time() * 1000)},
            },
            "body": base64.b64encode(body.encode()).decode(),
            "isBase64Encoded": True,
        }
        answer = self.functions["aggregator"].invoke(event)
        text = answer["body"]
        if answer.get("isBase64Encoded"):
            text = base64.b64decode(text).decode()
        assert answer["statusCode"] == 200, (path, answer["statusCode"], text)
        return text

    def asked(self, path, *body):
        """What the API says to a request, or to a form that is sent."""
        return json.loads(self.ask(path, "POST" if body else "GET", *map(urllib.parse.urlencode, body)))

    def seconds(self):
        """How much of the run has passed."""
        ledger = self.asked("/ledger")
        return ledger["until"] - ledger["from"]

    def is_stopped(self):
        return self.asked("/stats/requests")["state"] == "stopped"
