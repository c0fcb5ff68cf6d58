"""The schedule that drives the fan-out: a run that is on keeps it through a deployment."""

import json

from . import aws
from .words import die

KEPT = ("Name", "GroupName", "Description", "ScheduleExpression", "FlexibleTimeWindow", "Target")


def look(stage):
    """The heartbeat; None where there is none yet."""
    try:
        return aws.ask("scheduler", "get-schedule", "--group-name", f"cicada-{stage}", "--name", "heartbeat")
    except aws.Refused as refused:
        if refused.says("ResourceNotFoundException"):
            return None
        die(f"the heartbeat cannot be read: {refused}")


def keep_beating(stage, before):
    """A change of the template's heartbeat would switch it off under a run that is on."""
    if not before or before["State"] != "ENABLED":
        return
    now = look(stage)
    if not now or now["State"] == "ENABLED":
        return
    changed = {key: now[key] for key in KEPT} | {"State": "ENABLED"}
    try:
        aws.run("scheduler", "update-schedule", "--cli-input-json", json.dumps(changed))
    except aws.Refused as refused:
        die(f"a run is on, and the heartbeat cannot be switched on again: {refused}")
