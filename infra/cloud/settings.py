"""What a deployment was told before and is told now, in one table."""

import os

from . import aws, names
from .options import BY_NAME, KEPT, SECRETS, check_line
from .words import die, say, usage


class Settings:
    """Values of options by name, empty for the default, and secret variables by name."""

    def __init__(self, said, stack, found):
        """From this call, the parameters of the base stack, and the environments of the functions there."""
        # tags are the stack's own
        tags = ",".join(f"{key}={value}" for key, value in stack.tags.items())
        before = {option.name: stack.parameters.get(option.parameter, "") for option in KEPT} | {"tags": tags}
        self.is_new = not stack.status
        self.before = before
        self.values = before | {name: value for name, value in said.values.items() if name in before}
        self.values |= {name: "" for name in said.reset if name in before}
        self.secrets_before = found
        names = self.workload_env()
        said_now = {name: value for name, value in os.environ.items() if is_kept_secret(name, names) and value}
        for name, value in said_now.items():
            # certificates and keys of many lines: the functions read \n as the end of one
            said_now[name] = value.replace("\n", "\\n") if name.startswith("TARGET_TLS_") else value
            check_line(name, said_now[name])
        kept = {name: value for name, value in found.items() if is_kept_secret(name, names) and name not in said.reset}
        self.secrets = kept | {name: value for name, value in said_now.items() if name not in said.reset}
        for name in names:
            if name not in self.secrets:
                usage(f"--workload-env names {name}, which has no value: set it in the environment of this call")
        self._check_password()
        if bool(self["subnets"]) != bool(self["security-groups"]):
            usage("--subnets and --security-groups go together: a VPC takes both (--reset takes them back)")

    def __getitem__(self, name):
        return self.values[name]

    def now(self, name):
        """The value, or what is the default."""
        return self.values[name] or BY_NAME[name].default

    def workload_env(self):
        """The names of the variables that workloads read."""
        return [name for name in self["workload-env"].split(",") if name]

    def _check_password(self):
        if self["password-secret"]:
            if os.environ.get("LOCUST_BASIC_AUTH"):
                say("the password is that of --password-secret: LOCUST_BASIC_AUTH does not go to AWS")
            self.secrets.pop("LOCUST_BASIC_AUTH", None)
            return
        password = self.secrets.get("LOCUST_BASIC_AUTH", "")
        if not password:
            usage(
                "the web page would be open to everybody: set LOCUST_BASIC_AUTH=USER:PASSWORD in the environment,"
                " or say --password-secret ARN"
            )
        user, colon, rest = password.partition(":")
        if not (user and colon and rest):
            usage("LOCUST_BASIC_AUTH must have the form USER:PASSWORD")

    @property
    def exports(self):
        """Spans or metrics are sent, by a tick that is built for it."""
        return any(name.startswith("OTEL_EXPORTER_OTLP_") for name in self.secrets)

    def parameters(self):
        """Of the base stack."""
        return {option.parameter: self[option.name] for option in KEPT if option.name != "tags"}

    def tags(self):
        return pairs(self["tags"])

    def tags_before(self):
        return pairs(self.before["tags"])

    def table(self):
        """Rows of option, before, now: what changes, and what is other than the default."""
        rows = []
        for option in KEPT:
            before, now = self.before[option.name], self[option.name]
            if before or now:
                rows.append((option.name, "" if self.is_new else before or option.default, now or option.default))
        for name in sorted(self.secrets_before.keys() | self.secrets.keys()):
            before, now = self.secrets_before.get(name), self.secrets.get(name)
            rows.append((name, "(set)" if before else "", "" if not now else "(set)" if before in (None, now) else "(changed)"))
        return rows

    def show(self):
        """Prints the table."""
        rows = [("option", "before", "now"), *self.table()]
        first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
        for name, before, now in rows:
            say(f"{name:<{first}}  {before:<{second}}  {now}".rstrip())
        say("all other options have their defaults")


def pairs(tags):
    """The tags of an option's value."""
    return dict(tag.split("=", 1) for tag in tags.split(",") if tag)


def is_kept_secret(name, workload_env):
    """It goes into the environment of functions, and is shown to nobody."""
    return name.startswith(SECRETS) or name in workload_env


def secrets_there(stage, workload_env):
    """The secret variables of the functions of a stage, with those that its workloads read; the environment of a
    function is where they lie."""
    found = {}
    for name in ("aggregator", "tick"):
        try:
            config = aws.ask("lambda", "get-function-configuration", "--function-name", names.function(stage, name))
        except aws.Refused as refused:
            if refused.says("ResourceNotFoundException"):
                continue
            die(f"the function {names.function(stage, name)} cannot be looked at: {refused}")
        variables = config.get("Environment", {}).get("Variables", {})
        found.update({key: value for key, value in variables.items() if is_kept_secret(key, workload_env)})
    return found
