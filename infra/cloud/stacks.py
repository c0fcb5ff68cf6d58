"""CloudFormation's stacks: how they are, made, changed and taken away."""

from .aws import ROOT, Refused, ask, run
from .words import die, say


class Stack:
    """A stack as it is: `status` is empty when there is none."""

    def __init__(self, name):
        self.name = name
        self.status, self.parameters, self.outputs, self.tags = "", {}, {}, {}
        try:
            [found] = ask("cloudformation", "describe-stacks", "--stack-name", name)["Stacks"]
        except Refused as refused:
            if refused.says("does not exist"):
                return
            die(f"the stack {name} cannot be read: {refused}")
        self.status = found["StackStatus"]
        self.parameters = {p["ParameterKey"]: p.get("ParameterValue", "") for p in found.get("Parameters", [])}
        self.outputs = {o["OutputKey"]: o.get("OutputValue", "") for o in found.get("Outputs", [])}
        self.tags = {t["Key"]: t["Value"] for t in found.get("Tags", [])}

    def check(self):
        """Ends when the stack is being changed by somebody else: nothing can be done with it then."""
        if self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS":
            die(
                f"the stack {self.name} is being changed ({self.status}): wait until it is not, with"
                f" 'aws cloudformation describe-stacks --stack-name {self.name}', and call this again"
            )

    def make_ready(self):
        """Puts a stack that CloudFormation gave up on into a state that it can be changed from."""
        if self.status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "REVIEW_IN_PROGRESS", "DELETE_FAILED"):
            remove(self.name)
        elif self.status == "UPDATE_ROLLBACK_FAILED":
            self.roll_back()

    def roll_back(self):
        say(f"the stack {self.name} was left amid a roll-back: going on with that")
        try:
            run("cloudformation", "continue-update-rollback", "--stack-name", self.name)
            run("cloudformation", "wait", "stack-rollback-complete", "--stack-name", self.name)
        except Refused as refused:
            die(
                f"the stack {self.name} cannot be rolled back ({reason(self.name) or refused}): mend that, or say which"
                f" resource to leave: aws cloudformation continue-update-rollback --stack-name {self.name}"
                " --resources-to-skip NAME"
            )


def deploy(stack, template, parameters, tags):
    """Makes or changes a stack; its outputs."""
    name = stack.name
    stack.make_ready()
    say(f"the stack {name}")
    tagged = ["--tags", *(f"{key}={value}" for key, value in tags.items())] if tags else []
    try:
        run(
            *("cloudformation", "deploy", "--stack-name", name, "--template-file", str(ROOT / "infra" / template)),
            *("--capabilities", "CAPABILITY_IAM", "--no-fail-on-empty-changeset", *tagged),
            *("--parameter-overrides", *(f"{key}={value}" for key, value in parameters.items())),
        )
    except Refused as refused:
        die(f"the stack {name} could not be made: {reason(name) or refused}")
    return Stack(name).outputs


def reason(name):
    """What went wrong first the last time that a stack was made, changed or deleted; events come newest first."""
    try:
        events = ask("cloudformation", "describe-stack-events", "--stack-name", name)["StackEvents"]
    except Refused:
        return ""
    first = ""
    for event in events:
        of, status, why = event["LogicalResourceId"], event["ResourceStatus"], event.get("ResourceStatusReason", "")
        if of == name and status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"):
            break
        if of != name and status.endswith("_FAILED") and " cancelled" not in why:
            first = f"{of}: {why}"
    return first.replace("\n", " ")


def remove(name):
    """Deletes a stack and waits until it is gone."""
    if not Stack(name).status:
        return
    say(f"deleting the stack {name}")
    try:
        run("cloudformation", "delete-stack", "--stack-name", name)
    except Refused as refused:
        die(f"the stack {name} cannot be deleted: {refused}")
    try:
        run("cloudformation", "wait", "stack-delete-complete", "--stack-name", name)
    except Refused as refused:
        die(f"the stack {name} is not gone ({reason(name) or refused}): call this again")
