"""An execution environment of a function, as Lambda keeps one: it is frozen whenever it has no invocation."""

import contextlib
import json
import signal
import time

from .process import Process
from .servers import RuntimeApi


class Environment:
    """A process with its Runtime API; leaving the context ends both.

    `frozen` has the length of each pause between two invocations, in seconds.
    """

    def __init__(self, binary, function, table, endpoint, log, variables=()):
        self.runtime = RuntimeApi(function)
        self.how = (table, endpoint, log, {"AWS_LAMBDA_FUNCTION_NAME": function, **dict(variables)})
        self.binary = binary
        self.frozen = []

    def __enter__(self):
        with contextlib.ExitStack() as opened:
            opened.enter_context(self.runtime)
            self.process = opened.enter_context(Process(self.binary, self.runtime, *self.how))
            self.process.ready()
            self._freeze()
            self.opened = opened.pop_all()
        return self

    def __exit__(self, *_):
        self.opened.close()

    def invoke(self, event, seconds):
        """Thaws it for an event; what it answers, within so many seconds."""
        self.frozen.append(time.monotonic() - self.since)
        self.process.signal(signal.SIGCONT)
        try:
            return self.runtime.give(json.dumps(event), seconds)
        finally:
            # Lambda lets it run until it asks for the next invocation
            self.runtime.idle.wait(seconds)
            self._freeze()

    def _freeze(self):
        self.process.signal(signal.SIGSTOP)
        self.since = time.monotonic()
