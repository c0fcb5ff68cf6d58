"""MiniStack as a process of its own, and the repository's scripts run against it.

The emulator evaluates IAM policies (AUTH=true), so that a permission that a role lacks fails a test
and not a deployment. Clients are botocore's: the CLI is for the scripts.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import boto3

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools/aws/bin"
REGION = "eu-central-1"
PASSWORD = "demo:it's a \"secret\" #1 $HOME"
# the account of the emulator's root key
ACCOUNT = "000000000000"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Emulator:
    """An AWS of one's own, until `stop`; it evaluates permissions unless told otherwise."""

    def __init__(self, auth=True):
        self.folder = Path(tempfile.mkdtemp(prefix="cicada-infra-"))
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = (self.folder / "emulator.log").open("wb")
        environment = os.environ | {
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "TMPDIR": str(self.folder),
            "LAMBDA_EXECUTOR": "local",
            "AUTH": str(auth).lower(),
            "IOT_MTLS_ENABLED": "0",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        self.process = subprocess.Popen(
            [TOOLS / "ministack"], env=environment, cwd=self.folder, stdout=self.log, stderr=self.log
        )
        self._wait()

    def _wait(self):
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=5).close()
                return
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"no emulator: {self.lines()[-5:]}") from error
                time.sleep(0.1)

    def lines(self):
        """What the emulator logged, with what the functions printed."""
        return (self.folder / "emulator.log").read_text(errors="replace").splitlines()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def environment(self, **changes):
        """Of a script: nothing of this shell's AWS; a change of None takes a variable away."""
        keep = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CICADA_", "LOCUST_", "OTEL_"))}
        values = keep | {
            "PATH": f"{TOOLS}:{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "LOCUST_BASIC_AUTH": PASSWORD,
        }
        return {name: value for name, value in (values | changes).items() if value is not None}

    def run(self, script, *arguments, **changes):
        """A script of infra/, with changes to its environment."""
        return subprocess.run(
            [ROOT / "infra" / script, *arguments],
            env=self.environment(**changes),
            capture_output=True,
            text=True,
            timeout=1800,
            stdin=subprocess.DEVNULL,
        )

    def done(self, script, *arguments, **changes):
        """Like `run`, for what must succeed; returns its standard output."""
        result = self.run(script, *arguments, **changes)
        assert result.returncode == 0, f"{script} {arguments}: {result.stdout}{result.stderr}"
        return result.stdout

    def left(self):
        """All that is there, of every service that a stage uses, by kind."""
        aws = self.client
        names = lambda items, key: sorted(item[key] for item in items)
        schedules = aws("scheduler").list_schedules()["Schedules"]
        groups = aws("scheduler").list_schedule_groups()["ScheduleGroups"]
        stacks = aws("cloudformation").list_stacks()["StackSummaries"]
        found = {
            "stacks": names((s for s in stacks if s["StackStatus"] != "DELETE_COMPLETE"), "StackName"),
            "tables": aws("dynamodb").list_tables()["TableNames"],
            "queues": aws("sqs").list_queues().get("QueueUrls", []),
            "functions": names(aws("lambda").list_functions()["Functions"], "FunctionName"),
            "mappings": names(aws("lambda").list_event_source_mappings()["EventSourceMappings"], "EventSourceArn"),
            "schedules": sorted(f"{s['GroupName']}/{s['Name']}" for s in schedules),
            "schedule groups": [name for name in names(groups, "Name") if name != "default"],
            "log groups": names(aws("logs").describe_log_groups()["logGroups"], "logGroupName"),
            "metric filters": names(aws("logs").describe_metric_filters()["metricFilters"], "filterName"),
            "alarms": names(aws("cloudwatch").describe_alarms()["MetricAlarms"], "AlarmName"),
            "apis": names(aws("apigatewayv2").get_apis()["Items"], "Name"),
            "settings": names(aws("ssm").describe_parameters()["Parameters"], "Name"),
            "topics": names(aws("sns").list_topics()["Topics"], "TopicArn"),
            "roles": names(aws("iam").list_roles()["Roles"], "RoleName"),
            "policies": names(aws("iam").list_policies(Scope="Local")["Policies"], "PolicyName"),
            "buckets": names(aws("s3").list_buckets()["Buckets"], "Name"),
        }
        return {kind: things for kind, things in found.items() if things}
