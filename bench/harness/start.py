"""How long a process takes from its start to its first answer, and to its first request at a target."""

import socket
import threading
import time

from . import machine

ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n" + b'{"success":true}'
)


class Target:
    """A target that notes when its first request came, and answers every one."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.first = None
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.converse, args=(connection,), daemon=True).start()

    def converse(self, connection):
        with connection:
            try:
                while connection.recv(65536):
                    if self.first is None:
                        self.first = time.perf_counter()
                    connection.sendall(ANSWER)
                    # one user without a wait must not take this core: the first request is all that counts
                    time.sleep(0.05)
            except OSError:
                return


def time_to_first(cores, command, environment, port, target):
    """Milliseconds to the first 200 from `/health` on the port (none without one), and to the target's first request."""
    begun = time.perf_counter()
    with cores.generator(command, log="start", environment=environment) as process:
        served = None
        if port:
            while not healthy(port):
                machine.alive(process)
                if time.perf_counter() - begun > 20:
                    raise machine.Failed("/health did not answer within 20 s")
                time.sleep(0.0005)
            served = (time.perf_counter() - begun) * 1000
        machine.wait_until(lambda: target.first is not None, 20, process, every=0.01)
        return served, (target.first - begun) * 1000


def healthy(port):
    """One attempt with a plain socket, which costs less than a millisecond."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
            return b" 200 " in connection.recv(4096).split(b"\r\n", 1)[0]
    except OSError:
        return False
