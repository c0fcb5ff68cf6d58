"""The AWS CLI: who calls it, where, and what it answers."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from . import names
from .words import die, usage

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ("fanout", "tick", "aggregator")


class Refused(Exception):
    """AWS says no; the text is what the CLI printed."""

    def __str__(self):
        return brief(self.args[0])

    def says(self, *words):
        return any(word in self.args[0] for word in words)


def brief(text):
    """The last line of an answer, without what the AWS CLI says before it."""
    lines = [line for line in text.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    last = re.sub(r"^(?:aws: \[ERROR\]: )?An error occurred \((\w+)\) when calling the \w+ operation[^:]*: ", r"\1: ", last)
    return last.removesuffix(".")


def tools(*more):
    """What scripts/tools.sh ministack installs serves where the system has none."""
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), str(ROOT / ".tools/aws/bin")])
    os.environ["AWS_PAGER"] = ""
    needed = {
        "aws": "the AWS CLI is missing: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
        "cargo-lambda": "cargo-lambda is missing: https://www.cargo-lambda.info/guide/installation.html",
    }
    for program in ("aws", *more):
        if not shutil.which(program):
            die(needed[program])


def run(*arguments, **options):
    """A command of the CLI: its standard output."""
    done = subprocess.run(["aws", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise Refused(done.stderr or done.stdout)
    return done.stdout


def ask(*arguments):
    """A command of the CLI: its answer as JSON, None when it says nothing."""
    answer = run(*arguments, "--output", "json")
    return json.loads(answer) if answer.strip() else None


def region(said):
    """The region that everything goes to, by an option, a variable or the configuration."""
    found = said or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not found:
        try:
            found = run("configure", "get", "region").strip()
        except Refused as refused:
            # a profile of another name; it says nothing where there is no region
            if refused.says("profile"):
                die(f"{refused}: set AWS_PROFILE to one of those that 'aws configure list-profiles' names")
            found = ""
    if not found:
        usage("which region? say --region NAME, set AWS_REGION, or run: aws configure")
    # the CLI's version 1 reads one, everybody else the other
    os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = found
    return found


def account():
    """Whose account it is."""
    try:
        return ask("sts", "get-caller-identity")["Account"]
    except Refused as refused:
        die(f"AWS does not know you ({refused}): run 'aws configure', 'aws login' or 'aws sso login', or set AWS_PROFILE")


def credentials():
    """The environment of a program that may not know each way to log in that the CLI knows, such as `aws login`.

    The CLI's version 1 cannot hand credentials on; it knows no way that others do not.
    """
    environment = dict(os.environ)
    try:
        found = json.loads(run("configure", "export-credentials", "--format", "process"))
    except Refused as refused:
        if refused.says("Invalid choice", "Unable to retrieve credentials"):
            return environment
        die(f"the AWS CLI does not hand its credentials on: {refused}")
    names = {"AWS_ACCESS_KEY_ID": "AccessKeyId", "AWS_SECRET_ACCESS_KEY": "SecretAccessKey", "AWS_SESSION_TOKEN": "SessionToken"}
    for variable in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", *names):
        environment.pop(variable, None)
    environment.update({variable: found[key] for variable, key in names.items() if found.get(key)})
    return environment


def mapping(stage):
    """What hands wake-ups to the tick; None when there is nothing."""
    try:
        found = ask("lambda", "list-event-source-mappings", "--function-name", names.function(stage, "tick"))
    except Refused as refused:
        if refused.says("ResourceNotFoundException"):
            return None
        die(f"the event source mapping cannot be read: {refused}")
    return next(iter(found["EventSourceMappings"]), None)
