"""The options of infra/deploy: what they are called, which values they take, and what is said of them.

What a deployment was told lies in the parameters of its base stack (`max-users` is `MaxUsers` there), and nowhere
else: an option that is not said keeps its value.
"""

import os
import re
import sys
from dataclasses import dataclass, field

from .words import usage


@dataclass(frozen=True)
class Option:
    """One option; an empty value is the default, which `default` has words for."""

    name: str
    variable: str
    kind: str
    default: str
    text: str

    @property
    def parameter(self):
        return "".join(part.capitalize() for part in self.name.split("-"))

    @property
    def is_of_functions(self):
        """It goes to the functions by its variable."""
        return self.variable.startswith("CICADA_") or self.kind == "url"


LOG_DAYS = "1,3,5,7,14,30,60,90,120,150,180,365,400,545,731"
# of one call, and not of the deployment
CALL = [
    Option("stage", "STAGE", "text", "", "the name of the deployment; several can live in one account"),
    Option("region", "AWS_REGION", "text", "that of your AWS configuration", "where to"),
    Option("lambda-dir", "LAMBDA_DIR", "text", "target/lambda", "where the built functions are"),
]
KEPT = [
    Option("target-app-url", "TARGET_APP_URL", "url", 'say "host" with each swarm', "the target application"),
    Option("ai-agent-url", "AI_AGENT_URL", "url", "say it with the workload", "the AI agent"),
    Option("allowed-hosts", "CICADA_ALLOWED_HOSTS", "text", "any", "hosts that traffic may go to, with commas between"),
    Option("max-users", "CICADA_MAX_USERS", "1-1000000", "no limit", "how many users a run may have"),
    Option("max-spawn-rate", "CICADA_MAX_SPAWN_RATE", "number", "no limit", "how many users may start in a second"),
    Option("max-concurrency", "MAX_CONCURRENCY", "2-1000", "100, or what the account has room for", "how many invocations of the tick may run at once"),
    Option("aggregator-concurrency", "AGGREGATOR_CONCURRENCY", "0-1000", "10 where the account has room", "invocations that are reserved for the aggregator; 0 for none"),
    Option("memory", "TICK_MEMORY", "128-10240", "128", "MB of the function tick: enough for 300 requests in a message's second, see docs/scale.md"),
    Option("aggregator-memory", "AGGREGATOR_MEMORY", "128-10240", "256", "MB of the function aggregator: enough for 10,000 users"),
    Option("block-size", "CICADA_BLOCK_SIZE", "1-100", "100", "users of a class in one tick"),
    Option("ticks-per-message", "CICADA_TICKS_PER_MESSAGE", "1-100", "10", "ticks in one invocation"),
    Option("retention-days", "CICADA_RETENTION_DAYS", "1-3650", "30", "how long runs and their records are kept"),
    Option("log-retention-days", "LOG_RETENTION_DAYS", LOG_DAYS, "14", "how long logs are kept (1, 3, 5, 7, 14, 30, ...)"),
    Option("log", "CICADA_LOG", "text", "info", "what is logged: error, warn, info, debug, or a filter"),
    Option("workload-env", "CICADA_WORKLOAD_ENV", "names", "none", "variables that workloads read by env() and secret(), with commas between; their values are those of this call's environment"),
    Option("trace-url", "CICADA_TRACE_URL", "trace", "no links", "where the page's trace ids lead to: a URL with {trace_id} in it"),
    Option("alarms", "STAGE_ALARMS", "on,off", "on", "three alarms, or none"),
    Option("alarm-email", "ALARM_EMAIL", "text", "nowhere", "where alarms go"),
    Option("start-schedule", "START_SCHEDULE", "cron", "never", 'when to start a run, such as "cron(0 9 ? * MON-FRI *)"'),
    Option("stop-schedule", "STOP_SCHEDULE", "cron", "never", "when to stop the run that is on"),
    Option("time-zone", "TIME_ZONE", "text", "UTC", "the time zone of both, such as Europe/Berlin"),
    Option("users", "LOCUST_USERS", "1-1000000", "10", "how many users the schedule starts"),
    Option("spawn-rate", "LOCUST_SPAWN_RATE", "number", "1", "how many of them in a second"),
    Option("front-door", "FRONT_DOOR", "url,http-api,none", "url", "a Function URL, an HTTP API, or nothing that the internet reaches"),
    Option("password-secret", "PASSWORD_SECRET", "secret", "LOCUST_BASIC_AUTH", "ARN of a secret of Secrets Manager that is USER:PASSWORD"),
    Option("subnets", "TICK_SUBNETS", "subnets", "no VPC", "subnets of a VPC that the function tick runs in, with commas between"),
    Option("security-groups", "TICK_SECURITY_GROUPS", "groups", "no VPC", "its security groups, with commas between"),
    Option("permissions-boundary", "PERMISSIONS_BOUNDARY", "policy", "none", "ARN of the policy that bounds each role"),
    Option("tags", "STAGE_TAGS", "tags", "none", "tags of all that is made: NAME=VALUE, with commas between"),
    Option("architecture", "FUNCTION_ARCHITECTURE", "x86-64,arm64", "x86-64", "of the functions; arm64 (Graviton) is a fifth cheaper"),
]
BY_NAME = {option.name: option for option in CALL + KEPT}

# variables that are handed on by what their names begin with, and whose values nobody is shown
SECRETS = ("LOCUST_BASIC_AUTH", "OTEL_", "TARGET_TLS_")
# a value that functions can be given but a stack should not show
FORMS = {
    "url": (r"https?://[^/\s]+.*", "must begin with http:// or https://"),
    "trace": (r"https?://[^/\s@]+(/\S*)?\{trace_id\}\S*", "must be a URL with {trace_id} in it, such as https://jaeger.example.com/trace/{trace_id}"),
    "cron": (r"cron\([^ ]+( [^ ]+){5}\)", "takes EventBridge's six fields, such as 'cron(0 9 ? * MON-FRI *)'"),
    "number": (r"[0-9]+(\.[0-9]+)?", "must be a number"),
    "secret": (r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^\s*?]+", "must be the ARN of a secret, such as arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-abcdef"),
    "policy": (r"arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/\S+", "must be the ARN of a policy, such as arn:aws:iam::ACCOUNT:policy/NAME"),
    "subnets": (r"subnet-[0-9a-f]+(,subnet-[0-9a-f]+)*", "takes subnets with commas between, such as subnet-0123abcd,subnet-4567cdef"),
    "groups": (r"sg-[0-9a-f]+(,sg-[0-9a-f]+)*", "takes security groups with commas between, such as sg-0123abcd"),
    "names": (r"(?!AWS_|CICADA_|LAMBDA_|_)[A-Za-z]\w*(,(?!AWS_|CICADA_|LAMBDA_|_)[A-Za-z]\w*)*", "takes names of variables with commas between, none of AWS's or Cicada's own, such as API_TOKEN,PLAN"),
    "tags": (r"[\w.:/+@-]+=[\w .:/+@-]*(,[\w.:/+@-]+=[\w .:/+@-]*)*", "takes NAME=VALUE with commas between, of letters, digits, spaces and . : / + - @ _"),
}


@dataclass
class Said:
    """What one call says: values of options, and names that get their defaults back."""

    values: dict = field(default_factory=dict)
    reset: list = field(default_factory=list)
    build: bool = True

    def of_call(self, name):
        return self.values.get(name, "")


def read(arguments):
    """The command line, and the variables of options that it does not say."""
    said = Said()
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        name, equals, value = argument.partition("=")
        if argument in ("--help", "-h"):
            print(help_text())
            sys.exit(0)
        if not name.startswith("--"):
            usage(f"what is '{argument}'? see infra/deploy --help")
        if argument == "--no-build":
            said.build = False
        elif argument == "--arm64":
            said.values["architecture"] = "arm64"
        else:
            if name != "--reset" and name[2:] not in BY_NAME:
                usage(f"there is no option {name}: see infra/deploy --help")
            if not equals and not rest:
                usage(f"{name} needs a value")
            take(said, name[2:], value if equals else rest.pop(0))
    for option in CALL + KEPT:
        if option.name not in said.values and option.name not in said.reset and os.environ.get(option.variable):
            said.values[option.name] = os.environ[option.variable]
    for name, value in said.values.items():
        check(BY_NAME[name], value)
    return said


def take(said, name, value):
    if name == "reset":
        value = {"arm64": "architecture"}.get(value.removeprefix("--"), value.removeprefix("--"))
        if value not in (option.name for option in KEPT) and not value.startswith(SECRETS):
            usage(f"--reset takes the name of an option that a deployment keeps, unlike '{value}'")
        said.reset.append(value)
    elif not value:
        usage(f"--{name} needs a value; --reset {name} takes back what an earlier call said")
    else:
        said.values[name] = value
    for both in set(said.reset) & set(said.values):
        usage(f"--{both} and --reset {both} contradict each other")


def check(option, value):
    """Finds mistakes before anything is changed."""
    name, kind = option.name, option.kind
    if "\n" in value:
        usage(f"--{name} must be one line")
    check_line(f"--{name}", value)
    if kind in FORMS:
        pattern, words = FORMS[kind]
        if not re.fullmatch(pattern, value):
            usage(f"--{name} {words}, unlike '{value}'")
    elif "," in kind:
        if value not in kind.split(","):
            usage(f"--{name} must be one of {kind.replace(',', ', ')}, unlike '{value}'")
    elif "-" in kind:
        least, most = map(int, kind.split("-"))
        if not re.fullmatch("[0-9]{1,7}", value) or not least <= int(value) <= most:
            usage(f"--{name} must be between {least} and {most}, unlike '{value}'")


def check_line(name, value):
    """What cargo lambda can read from a file: it knows no escapes, but three kinds of quotes."""
    if "\n" in value:
        usage(f"{name} must be one line")
    if "'" in value and "`" in value:
        usage(f"{name} must not have both ' and ` in it")


def help_text():
    lines = [
        "Puts a stage of Cicada on AWS, or brings the one that is there up to date.",
        "",
        "Usage: LOCUST_BASIC_AUTH=USER:PASSWORD infra/deploy --stage NAME [OPTIONS]",
        "",
        "Each option can also be given by its variable. A deployment keeps what it was told: a later call changes",
        "only what it says, and prints what was and what is now.",
        "",
    ]
    for option in CALL + KEPT:
        default = f" [{option.default}]" if option.default else ""
        lines.append(f"  --{option.name:<23} {option.variable:<25} {option.text}{default}")
    for name, text in (
        ("arm64", "--architecture arm64"),
        ("reset NAME", "takes back what an earlier call said of an option; can be said several times"),
        ("no-build", "deploy what is in --lambda-dir"),
        ("help", "this"),
    ):
        lines.append(f"  --{name:<23} {'':<25} {text}")
    lines += [
        "",
        "The password of the web page and the API is only taken from LOCUST_BASIC_AUTH, or from the secret that",
        "--password-secret names, which the function aggregator reads when it starts. LOCUST_BASIC_AUTH goes into the",
        "environment of that function, and nowhere else: to no template, command line or log.",
        "",
        "Variables that begin with OTEL_, such as OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_HEADERS, go",
        "into the environment of the function tick, which sends spans and metrics there, and nowhere else. Those that",
        "begin with TARGET_TLS_ go to all three functions, for the certificates that a workload takes from variables.",
        "Variables that --workload-env names go to all three functions too.",
        "All these are kept as options are; --reset takes the name of such a variable too.",
    ]
    return "\n".join(lines)
