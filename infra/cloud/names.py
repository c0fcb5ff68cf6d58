"""The names of a stage's stacks and functions, and the small command line of destroy."""

import re
import sys

from .words import PROGRAM, usage


def check(stage):
    """The stage's name, if it is one."""
    if not stage:
        usage("which stage? say --stage NAME, or STAGE=NAME")
    if not re.fullmatch(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?", stage):
        usage(f"'{stage}' is no name for a stage: take 1-20 of a-z, 0-9 and -, a letter first and no - last")
    return stage


def base(stage):
    return f"cicada-{stage}-base"


def upper(stage):
    return f"cicada-{stage}-functions"


def function(stage, name):
    return f"cicada-{stage}-{name}"


def stage_and_region(arguments, help_text, environment):
    """--stage and --region, or their variables."""
    stage, region = environment.get("STAGE"), environment.get("AWS_REGION")
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        name, equals, value = argument.partition("=")
        if argument in ("--help", "-h"):
            print(help_text.strip())
            sys.exit(0)
        if name in ("--stage", "--region"):
            if not equals:
                if not rest:
                    usage(f"{name} needs a value")
                value = rest.pop(0)
            if name == "--stage":
                stage = value
            else:
                region = value
        else:
            usage(f"what is '{argument}'? see infra/{PROGRAM} --help")
    return check(stage), region
