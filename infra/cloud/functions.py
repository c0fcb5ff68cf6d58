"""The three functions: built, uploaded by cargo lambda with their environment, and set up as Lambda keeps them."""

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from . import aws, names
from .options import KEPT
from .words import die, say

# a role that was made a moment ago is not known everywhere yet
NOT_YET = ("cannot be assumed", "does not have permissions to call CreateNetworkInterface")
TRIES = 20
# without the three lines that Lambda logs for each invocation, which would cost more than ours
LOGGING = {"LogFormat": "JSON", "SystemLogLevel": "WARN", "ApplicationLogLevel": "TRACE"}


def build(settings, lambda_dir, wanted):
    """Builds them, or looks whether they are there."""
    if not wanted:
        for name in aws.FUNCTIONS:
            if not Path(lambda_dir, name, "bootstrap").is_file():
                die(f"there is no {lambda_dir}/{name}/bootstrap: leave --no-build away, and it is built")
        return
    if subprocess.run([aws.ROOT / "scripts/page.sh"]).returncode != 0:
        die("the web page could not be built, see above")
    say("building the functions")
    features = ["--features", "tick/otel"] if settings.exports else []
    command = [
        *("cargo-lambda", "lambda", "build", "--release", "--locked", f"--{settings.now('architecture')}"),
        *("--lambda-dir", lambda_dir, "--package", "fanout", "--package", "tick", "--package", "aggregator-cloud"),
        *("--bin", "fanout", "--bin", "tick", "--bin", "aggregator", *features),
    ]
    if subprocess.run(command, cwd=aws.ROOT).returncode != 0:
        die("the functions could not be built, see above")


def environment(name, settings, stage, region, outputs, ticks_at_once):
    """The variables of one function; the password is for the aggregator alone."""
    variables = {
        "CICADA_TABLE": outputs["TableName"],
        "CICADA_QUEUE_URL": outputs["QueueUrl"],
        "CICADA_SCHEDULE_GROUP": f"cicada-{stage}",
        **{option.variable: settings[option.name] for option in KEPT if option.is_of_functions},
        # set where an emulator plays AWS
        "AWS_ENDPOINT_URL": os.environ.get("AWS_ENDPOINT_URL", ""),
    }
    handed_on = ["TARGET_TLS_"]
    if name == "fanout":
        variables["CICADA_TICK_FUNCTION"] = names.function(stage, "tick")
    if name == "tick":
        # it alone sends requests that there is anything to say of
        handed_on.append("OTEL_")
    if name == "aggregator":
        handed_on.append("LOCUST_BASIC_AUTH")
        role = outputs["SchedulerRoleArn"]
        partition, account = role.split(":")[1], role.split(":")[4]
        variables["CICADA_AGGREGATOR_ARN"] = (
            f"arn:{partition}:lambda:{region}:{account}:function:{names.function(stage, 'aggregator')}"
        )
        variables["CICADA_SCHEDULER_ROLE_ARN"] = role
        # so that a start can say how late it will be
        variables["CICADA_MAX_CONCURRENCY"] = str(ticks_at_once)
        variables["CICADA_PASSWORD_SECRET"] = settings["password-secret"]
    variables |= {key: value for key, value in settings.secrets.items() if key.startswith(tuple(handed_on))}
    # all three read the workload
    variables |= {name: settings.secrets[name] for name in settings.workload_env()}
    return {key: value for key, value in variables.items() if value}


def line(name, value):
    """A line of the file that cargo lambda reads, in quotes that are not in the value."""
    quote = "`" if "'" in value else "'"
    return f"{name}={quote}{value}{quote}\n"


class NotDeployed(aws.Refused):
    """cargo lambda says no; the text is what it printed."""

    def says(self, *words):
        # it breaks lines anywhere, and draws a box around them
        plain = " ".join(re.sub("[│╰─▶×├]", " ", self.args[0]).split())
        return any(word in plain for word in words)


def until_known(attempt):
    """Tries again while it is refused because a role was made a moment ago."""
    for _ in range(TRIES - 1):
        try:
            return attempt()
        except aws.Refused as refused:
            if not refused.says(*NOT_YET):
                raise
        time.sleep(3)
    return attempt()


class Uploads:
    """Uploads functions of a stage, from a folder of built ones."""

    def __init__(self, settings, stage, region, outputs, lambda_dir, scratch, ticks_at_once):
        self.settings, self.stage, self.region, self.outputs = settings, stage, region, outputs
        self.ticks_at_once = ticks_at_once
        self.lambda_dir, self.scratch = lambda_dir, scratch
        self.credentials = aws.credentials()

    def upload(self, name, role, memory=""):
        function = names.function(self.stage, name)
        say(f"the function {function}")
        variables = environment(name, self.settings, self.stage, self.region, self.outputs, self.ticks_at_once)
        file = Path(self.scratch, f"{name}.env")
        file.touch(0o600)
        file.write_text("".join(line(*variable) for variable in variables.items()))
        tags = self.settings["tags"]
        # cargo lambda writes its archive beside the binary, where another deployment may read its own
        own = Path(self.scratch, "lambda")
        shutil.copytree(Path(self.lambda_dir, name), own / name, ignore=shutil.ignore_patterns("*.zip"))
        command = [
            *("cargo-lambda", "lambda", "deploy", function, "--binary-name", name, "--lambda-dir", str(own)),
            *("--region", self.region, "--iam-role", role, "--env-file", str(file), "--output-format", "json"),
            *(("--memory", memory) if memory else ()),
            *(("--tag", tags) if tags else ()),
        ]
        self._deploy(function, command)
        file.unlink()
        self._set_up(name, function)

    def _deploy(self, function, command):
        def attempt():
            done = subprocess.run(command, cwd=aws.ROOT, env=self.credentials, capture_output=True, text=True)
            if done.returncode != 0:
                raise NotDeployed(done.stdout + done.stderr)

        try:
            until_known(attempt)
        except NotDeployed as answer:
            die(f"the function {function} could not be deployed: {unwrapped(answer.args[0])}")

    def _set_up(self, name, function):
        """What cargo lambda leaves as it was, or does not know."""
        try:
            there = aws.ask("lambda", "get-function-configuration", "--function-name", function)
            changes = []
            if there.get("LoggingConfig", {}).get("SystemLogLevel") != LOGGING["SystemLogLevel"]:
                changes += ["--logging-config", ",".join("=".join(pair) for pair in LOGGING.items())]
            changes += self._network(name, there)
            if changes:
                self._change(function, changes)
            gone = self.settings.tags_before().keys() - self.settings.tags().keys()
            if gone:
                aws.run("lambda", "untag-resource", "--resource", there["FunctionArn"], "--tag-keys", *sorted(gone))
        except aws.Refused as refused:
            die(f"the function {function} cannot be set up: {refused}")

    def _change(self, function, changes):
        def attempt():
            aws.run("lambda", "wait", "function-updated-v2", "--function-name", function)
            aws.run("lambda", "update-function-configuration", "--function-name", function, *changes)

        until_known(attempt)
        aws.run("lambda", "wait", "function-updated-v2", "--function-name", function)

    def _network(self, name, there):
        """The tick, and only it, goes into a VPC, or out of one again."""
        if name != "tick":
            return []
        config = there.get("VpcConfig") or {}
        now = [sorted(config.get(key) or []) for key in ("SubnetIds", "SecurityGroupIds")]
        wanted = [sorted(filter(None, self.settings[key].split(","))) for key in ("subnets", "security-groups")]
        if now == wanted:
            return []
        # the CLI's short form has no empty list
        return ["--vpc-config", json.dumps({"SubnetIds": wanted[0], "SecurityGroupIds": wanted[1]})]

    def reserve(self, name, now, wanted):
        """Reserved concurrency: a number, or 0 for none."""
        function = names.function(self.stage, name)
        try:
            if wanted and wanted != now:
                aws.run(
                    *("lambda", "put-function-concurrency", "--function-name", function),
                    *("--reserved-concurrent-executions", str(wanted)),
                )
            elif now and not wanted:
                aws.run("lambda", "delete-function-concurrency", "--function-name", function)
        except aws.Refused as refused:
            die(f"concurrency of the function {function} cannot be reserved: {refused}")


def reserved(function):
    """The concurrency that is reserved for a function; 0 for none, also where there is no function."""
    try:
        found = aws.ask("lambda", "get-function-concurrency", "--function-name", function) or {}
    except aws.Refused as refused:
        if refused.says("ResourceNotFoundException"):
            return 0
        raise
    return found.get("ReservedConcurrentExecutions") or 0


def unwrapped(answer):
    """What cargo lambda says went wrong, of the box that it draws around that."""
    lines = re.findall(r"(?:×|╰─▶|├─▶) (.*(?:\n *(?:│ )? +[^×╰├│\s].*)*)", answer)
    return " ".join(" ".join(lines).split()) or aws.brief(answer)
