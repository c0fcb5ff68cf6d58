"""The function as Lambda would start it, and what the kernel says about it."""

import contextlib
import os
import signal
import time
from pathlib import Path

STARTS_WITHIN = 10


class Process:
    """A running function; leaving the context kills it.

    `variables` are more of its environment, or others than the tick's.
    """

    def __init__(self, binary, runtime_api, table, endpoint, log, variables=()):
        self.binary, self.log = str(binary), log
        self.runtime_api = runtime_api
        self.environment = {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_SESSION_TOKEN": "test",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "eu-central-1",
            "AWS_LAMBDA_FUNCTION_NAME": "tick",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_RUNTIME_API": runtime_api.address,
            "CICADA_TABLE": table,
            "PATH": os.environ["PATH"],
            **dict(variables),
        }

    def __enter__(self):
        opened = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        actions = [
            (os.POSIX_SPAWN_OPEN, 1, str(self.log), opened, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        self.begun = time.perf_counter()
        self.pid = os.posix_spawn(self.binary, [self.binary], self.environment, file_actions=actions, setpgroup=0)
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            self.signal(signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def signal(self, number):
        """Sends a signal to all that the function started: SIGSTOP and SIGCONT are how Lambda freezes and thaws it."""
        os.killpg(self.pid, number)

    def ready(self):
        """Waits for its first request for work; milliseconds from its start to that, and on the processor."""
        if not self.runtime_api.asked.wait(STARTS_WITHIN):
            raise RuntimeError(f"the function does not ask for work: {Path(self.log).read_text()[-600:]}")
        return (self.runtime_api.asked_at - self.begun) * 1000, self.processor_ms()

    def processor_ms(self):
        tasks = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6

    def memory_mb(self, what):
        """A line of its status: VmRSS is what it holds, VmHWM the most it ever held."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{what}:"):
                return int(line.split()[1]) / 1024
        raise KeyError(what)
