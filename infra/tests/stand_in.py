"""What runs functions on AWS, for an emulator that runs none: Lambda, asynchronous invocations, the event source that polls
a queue for a function, and Scheduler's beat. All that they know is in the emulator, and so is what becomes of it.

An environment of a function is frozen between invocations, as Lambda freezes it: see bench/lambdas/environment.py.
"""

import contextlib
import json
import sys
import threading
import time
import tomllib

from emulator import REGION, ROOT

sys.path.append(str(ROOT / "bench"))
from lambdas.environment import Environment  # noqa: E402

ROOMS = {"fanout": "functions/fanout", "tick": "functions/tick", "aggregator": "aggregator/cloud"}
# the first beat after the switch comes anywhere within a minute
FIRST_BEAT = 45


class Function:
    """As many environments as are needed at once, each begun when all others are busy."""

    def __init__(self, room, name, lambda_dir, variables, endpoint, folder):
        self.room, self.name, self.variables, self.endpoint, self.folder = room, name, variables, endpoint, folder
        self.binary = lambda_dir / room / "bootstrap"
        known = tomllib.loads((ROOT / ROOMS[room] / "Cargo.toml").read_text())["package"]["metadata"]["lambda"]
        self.limits = known.get("deploy") or known["bin"][room]["deploy"]
        self.environments, self.free, self.lock = [], [], threading.Lock()
        self.opened = contextlib.ExitStack()

    def invoke(self, event):
        """What it answers; raises what it fails with."""
        with self.lock:
            environment = self.free.pop() if self.free else self._begin()
        try:
            return environment.invoke(event, self.limits["timeout"])
        finally:
            with self.lock:
                self.free.append(environment)

    def _begin(self):
        variables = self.variables | {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.limits["memory"]), "AWS_REGION": REGION}
        log = self.folder / f"{self.name}-{len(self.environments)}.log"
        how = (self.binary, self.name, variables["CICADA_TABLE"], self.endpoint, log, variables)
        environment = self.opened.enter_context(Environment(*how))
        self.environments.append(environment)
        return environment

    def logged(self):
        """What all of its environments have logged."""
        logs = sorted(self.folder.glob(f"{self.name}-*.log"))
        return [json.loads(line) for log in logs for line in log.read_text().splitlines()]


class Thread(threading.Thread):
    """Does something again and again until it is stopped; `failed` is what went wrong."""

    def __init__(self, pause):
        super().__init__(daemon=True)
        self.pause, self.over, self.failed, self.busy = pause, threading.Event(), [], []
        self.start()

    def run(self):
        while not self.over.wait(self.pause):
            self.busy = [other for other in self.busy if other.is_alive()]
            with self.noted():
                self.once()

    def beside(self, what, *arguments):
        """Begins something, and does not wait for it."""

        def noted():
            with self.noted():
                what(*arguments)

        other = threading.Thread(target=noted, daemon=True)
        other.start()
        self.busy.append(other)

    @contextlib.contextmanager
    def noted(self):
        try:
            yield
        except Exception as error:  # a test looks at it
            self.failed.append(repr(error))

    def stop(self):
        self.over.set()
        self.join()
        for other in self.busy:
            other.join()


class Invocations(Thread):
    """Invokes a stage's functions as they were asked to be: a file has a line of JSON for each."""

    def __init__(self, file, functions):
        self.file, self.functions = file.open(), {function.name: function for function in functions}
        super().__init__(pause=0.1)

    def once(self):
        while line := self.file.readline():
            call = json.loads(line)
            if function := self.functions.get(call["function"]):
                self.beside(function.invoke, call["event"])


class EventSource(Thread):
    """Hands a queue's messages to a function, as its mapping says: while it is enabled, and so many batches at once."""

    def __init__(self, mapping, queue, aws, function):
        self.mapping, self.queue, self.function = mapping, queue, function
        self.lambda_, self.sqs = aws("lambda"), aws("sqs")
        self.known, self.looked = None, 0
        super().__init__(pause=0.2)

    def once(self):
        if time.monotonic() > self.looked + 1:
            self.known, self.looked = self.lambda_.get_event_source_mapping(UUID=self.mapping), time.monotonic()
        mapping = self.known
        if mapping["State"] != "Enabled" or len(self.busy) >= mapping["ScalingConfig"]["MaximumConcurrency"]:
            return
        answer = self.sqs.receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=mapping["BatchSize"], MessageSystemAttributeNames=["All"]
        )
        if messages := answer.get("Messages"):
            self.beside(self._hand_over, messages, mapping["EventSourceArn"])

    def _hand_over(self, messages, arn):
        """Deletes what the function does not want again."""
        records = [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
                "messageAttributes": {},
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": arn,
                "awsRegion": REGION,
            }
            for message in messages
        ]
        answer = self.function.invoke({"Records": records})
        again = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        if again:
            self.failed.append(f"not done: {again}")
        for message in messages:
            if message["MessageId"] not in again:
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])


class Beats(Thread):
    """Scheduler: invokes the target of a schedule of `rate(1 minute)` while it is enabled."""

    def __init__(self, group, name, aws, function):
        self.schedule, self.aws, self.function = {"GroupName": group, "Name": name}, aws("scheduler"), function
        self.beats, self.next = 0, None
        super().__init__(pause=1)

    def once(self):
        schedule = self.aws.get_schedule(**self.schedule)
        if schedule["State"] != "ENABLED":
            self.next = None
            return
        assert schedule["ScheduleExpression"] == "rate(1 minute)", schedule
        assert schedule["Target"]["Arn"].endswith(f":function:{self.function.name}"), schedule
        self.next = self.next or time.monotonic() + FIRST_BEAT
        if time.monotonic() >= self.next:
            self.next += 60
            self.beats += 1
            self.beside(self.function.invoke, json.loads(schedule["Target"].get("Input") or "{}"))
