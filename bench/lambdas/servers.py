"""Servers that the function is measured against: HTTP/1.1 on plain sockets, which cost the least time of their own."""

import http.client
import json
import socket
import threading
import time
import uuid


class Server:
    """Answers requests on a free port; leaving the context ends it."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.url = f"http://{self.address}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connected()
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection):
        buffer = b""
        with connection:
            try:
                while True:
                    while b"\r\n\r\n" not in buffer:
                        read = connection.recv(65536)
                        if not read:
                            return
                        if not buffer:
                            at = time.perf_counter()
                        buffer += read
                    head, buffer = buffer.split(b"\r\n\r\n", 1)
                    first, *lines = head.decode().split("\r\n")
                    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
                    length = int(headers.get("content-length", 0))
                    while len(buffer) < length:
                        buffer += connection.recv(65536)
                    body, buffer = buffer[:length], buffer[length:]
                    method, path, _ = first.split(" ")
                    answer = self.answer(at, method, path, headers, body)
                    if answer is None:
                        return
                    status, headers, body = answer
                    headers = {**headers, "content-length": len(body)}
                    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
                    connection.sendall(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)
            except OSError:
                return

    def connected(self):
        """Called for each connection."""

    def answer(self, at, method, path, headers, body):
        """Status with reason, headers and body; none hangs up. `at` is when the request began to arrive."""
        raise NotImplementedError


class Target(Server):
    """Answers every request after a while; counts requests and connections."""

    def __init__(self, takes=0.0):
        self.takes, self.requests, self.connections = takes, 0, 0
        self.lock = threading.Lock()

    def connected(self):
        with self.lock:
            self.connections += 1

    def answer(self, at, method, path, headers, body):
        with self.lock:
            self.requests += 1
        time.sleep(self.takes)
        return "200 OK", {"content-type": "application/json"}, b'{"success":true}'


class QuickStore(Server):
    """In front of an emulator of DynamoDB: a read that was answered before is answered again, at once.

    The emulator takes milliseconds for what DynamoDB does in one, and they are not the function's.
    """

    READS = ("GetItem", "Query", "BatchGetItem")

    def __init__(self, emulator):
        self.emulator, self.answers, self.remembers = emulator, {}, True

    def answer(self, at, method, path, headers, body):
        operation = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
        known = self.answers.get((operation, body)) if self.remembers else None
        if known:
            return known
        connection = http.client.HTTPConnection(self.emulator.removeprefix("http://"), timeout=30)
        sent = {name: value for name, value in headers.items() if name not in ("host", "content-length")}
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        kept = {name: value for name, value in response.getheaders() if name.lower().startswith(("content-type", "x-amz"))}
        answer = f"{response.status} {response.reason}", kept, response.read()
        connection.close()
        if operation in self.READS and response.status == 200:
            self.answers[operation, body] = answer
        return answer


class RuntimeApi(Server):
    """Lambda's Runtime API for one process: notes when it first asks for work, and hands out what it is given."""

    def __init__(self, function="tick"):
        self.function = function
        self.asked = threading.Event()
        self.asked_at = None
        # it waits for work
        self.idle = threading.Event()
        self.event = None
        self.given = threading.Event()
        self.answered = threading.Event()
        self.outcome = None

    def give(self, event, seconds):
        """Hands the process an event; returns what it answers."""
        self.event, self.deadline = event, time.time() + seconds
        self.idle.clear()
        self.answered.clear()
        self.given.set()
        if not self.answered.wait(seconds):
            raise TimeoutError(f"the function did not answer within {seconds} s")
        path, body = self.outcome
        if not path.endswith("/response"):
            raise RuntimeError(f"the function failed: {body.decode()}")
        return json.loads(body)

    def answer(self, at, method, path, headers, body):
        if path.endswith("/invocation/next"):
            if self.asked_at is None:
                self.asked_at = at
                self.asked.set()
            self.idle.set()
            self.given.wait()
            self.given.clear()
            return (
                "200 OK",
                {
                    "content-type": "application/json",
                    "lambda-runtime-aws-request-id": str(uuid.uuid4()),
                    "lambda-runtime-deadline-ms": int(self.deadline * 1000),
                    "lambda-runtime-invoked-function-arn": f"arn:aws:lambda:eu-central-1:123456789012:function:{self.function}",
                },
                self.event.encode(),
            )
        self.outcome = path, body
        self.answered.set()
        return "202 Accepted", {"content-type": "application/json"}, b"{}"
