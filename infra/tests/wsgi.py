"""gunicorn, which serves moto and a target to tests: it closes a connection after two seconds of idleness."""

import os
import socket
import subprocess
import time
from pathlib import Path

from emulator import ROOT, free_port

PYTHON = ROOT / ".tools/moto/bin/python"


class Gunicorn:
    """A WSGI application of this folder as a process of its own, until `close`."""

    def __init__(self, application, folder, *options, **variables):
        self.application, self.log = application, folder / f"{application}.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [
            *(PYTHON, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}", "--keep-alive", "2", "--workers", "1"),
            *("--threads", "32", "--log-level", "warning", *options, f"{application}:application"),
        ]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=Path(__file__).parent, env=os.environ | variables, stdout=log, stderr=log
            )
        self._wait()

    def _wait(self):
        deadline = time.monotonic() + 60
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), 5).close()
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"{self.application} does not start: {self.log.read_text()[-600:]}") from error
                time.sleep(0.1)

    def close(self):
        self.process.terminate()
        self.process.wait(20)
