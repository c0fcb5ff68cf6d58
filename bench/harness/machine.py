"""Processes on their cores: starts, watches and ends what is measured and what it is measured against."""

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

from . import places

NGINX_CONFIGURATION = """\
daemon off;
worker_processes 1;
worker_rlimit_nofile {files};
{user}
pid {scratch}/nginx-{port}.pid;
error_log {scratch}/nginx.log warn;
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    server_tokens off;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
    client_body_temp_path {scratch}/nginx-body;
    proxy_temp_path {scratch}/nginx-proxy;
    fastcgi_temp_path {scratch}/nginx-fastcgi;
    uwsgi_temp_path {scratch}/nginx-uwsgi;
    scgi_temp_path {scratch}/nginx-scgi;
    default_type application/json;
    server {{
        listen 127.0.0.1:{port} backlog=4096 reuseport;
        location = /nginx_status {{ stub_status; }}
        location / {{ return 200 '{{"success":true}}'; }}
    }}
}}
"""


class Failed(Exception):
    """A measurement that could not be made; the text says why."""


class Machine:
    """The two cores: the generator's and the server's, and the priority both sides run at."""

    def __init__(self, generator_core, server_core, priority):
        self.generator_core, self.server_core, self.priority = generator_core, server_core, priority
        files, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.files = hard
        os.sched_setaffinity(0, {server_core})

    def generator(self, command, **options):
        """Starts a load generator on its core; leaving the context ends it."""
        return self.process(self.generator_core, command, **options)

    def server(self, command, **options):
        """Starts a server on the other core; leaving the context ends it."""
        return self.process(self.server_core, command, **options)

    @contextlib.contextmanager
    def process(self, core, command, log="process", environment=None, directory=None):
        places.SCRATCH.mkdir(parents=True, exist_ok=True)
        prefix = ["taskset", "-c", str(core)]
        if self.priority:
            prefix += ["nice", "-n", str(self.priority)]
        with open(places.SCRATCH / f"{log}.log", "wb") as output:
            running = subprocess.Popen(
                [*prefix, *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=directory or places.SCRATCH,
                env={**os.environ, **(environment or {})},
                # a session of its own is a scheduling group of its own, where the kernel groups by session
                start_new_session=True,
            )
            running.log, running.name = output.name, os.path.basename(str(command[0]))
            if self.priority:
                raise_group(running.pid, self.priority)
            try:
                yield running
            finally:
                end(running)

    @contextlib.contextmanager
    def nginx(self):
        """nginx with one worker and a short answer; yields its Server."""
        port = free_port()
        configuration = places.SCRATCH / f"nginx-{port}.conf"
        places.SCRATCH.mkdir(parents=True, exist_ok=True)
        configuration.write_text(
            NGINX_CONFIGURATION.format(
                files=self.files,
                # as many as a generator may have: what has no place here is closed to make some
                connections=min(65_000, self.files - 50),
                port=port,
                scratch=places.SCRATCH,
                # a worker of root's changes its user, and must be able to write where it is told to
                user="user root;" if os.geteuid() == 0 else "",
            )
        )
        command = [
            places.NGINX,
            "-c",
            configuration,
            "-p",
            places.SCRATCH,
            "-e",
            places.SCRATCH / "nginx.log",
        ]
        with self.server(command, log="nginx-output") as running:
            server = Nginx(port)
            wait_until(lambda: server.answers("/"), 10, running)
            yield server

    @contextlib.contextmanager
    def arrivals(self):
        """The server that times arrivals; yields its Server."""
        port = free_port()
        with self.server([places.PEERS / "arrivals", "--port", port], log="arrivals") as running:
            server = Arrivals(port)
            wait_until(lambda: server.answers("/arrivals/count"), 10, running)
            yield server


class Server:
    """An HTTP server on the loopback interface."""

    def __init__(self, port):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.asked = 0

    def get(self, path, timeout=30):
        with urllib.request.urlopen(self.url + path, timeout=timeout) as response:
            self.asked += 1
            return response.read().decode()

    def json(self, path, timeout=30):
        return json.loads(self.get(path, timeout))

    def post(self, path, form=b"", timeout=30):
        with urllib.request.urlopen(self.url + path, data=form, timeout=timeout) as response:
            return response.read().decode()

    def answers(self, path):
        try:
            self.get(path, timeout=2)
            return True
        except (urllib.error.URLError, OSError):
            return False


class Nginx(Server):
    def requests(self):
        """How many requests others than this program have sent it."""
        return int(self.get("/nginx_status").split("\n")[2].split()[2]) - self.asked


class Arrivals(Server):
    def requests(self):
        return self.json("/arrivals/count")["requests"]

    def reset(self):
        self.get("/arrivals/reset")

    def report(self, pacing_ms):
        return self.json(f"/arrivals/report?pacing_ms={pacing_ms}")


def raise_group(pid, priority):
    """Gives a session's scheduling group the niceness of its process, which else counts within the group only."""
    # a kernel that does not group by session has no such file, and a user may only lower
    with contextlib.suppress(OSError), open(f"/proc/{pid}/autogroup", "w") as group:
        group.write(str(priority))


def end(running, grace=20):
    """Asks a process to end, and ends it when it does not."""
    if running.poll() is None:
        running.send_signal(signal.SIGINT)
        try:
            running.wait(grace)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def alive(running):
    """Fails with the end of its log when the process has ended by itself."""
    if running.poll() is not None:
        with open(running.log, errors="replace") as log:
            tail = log.read()[-600:].strip()
        raise Failed(f"{running.name} ended with code {running.returncode}: {tail}")


def wait_until(condition, seconds, running, every=0.05):
    """Waits for a condition while the process lives."""
    deadline = time.monotonic() + seconds
    while not condition():
        alive(running)
        if time.monotonic() > deadline:
            raise Failed(f"nothing came of it within {seconds:g} s")
        time.sleep(every)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
