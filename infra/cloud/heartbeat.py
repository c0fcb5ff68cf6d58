"""The schedule that drives the fan-out, and the mapping that calls the tick: a run that is on keeps both through a deployment."""

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
    """A change of the template's heartbeat or mapping would switch it off under a run that is on."""
    if not before or before["State"] != "ENABLED":
        return
    now, mapping = look(stage), aws.mapping(stage)
    try:
        if now and now["State"] != "ENABLED":
            changed = {key: now[key] for key in KEPT if key in now} | {"State": "ENABLED"}
            aws.run("scheduler", "update-schedule", "--cli-input-json", json.dumps(changed))
        if mapping and mapping["State"] == "Disabled":
            aws.run("lambda", "update-event-source-mapping", "--uuid", mapping["UUID"], "--enabled")
    except aws.Refused as refused:
        # one that is changing is switched on by the next heartbeat
        if not refused.says("ResourceInUseException"):
            die(f"a run is on, and the heartbeat cannot be switched on again: {refused}")
