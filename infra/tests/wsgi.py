"""gunicorn, which serves moto and a target to tests: it closes a connection after two seconds of idleness."""

import datetime
import os
import socket
import subprocess
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

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


def certificate(folder):
    """A key, and a certificate that nobody has to trust: the options that gunicorn takes them by."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
    pem = serialization.Encoding.PEM
    (folder / "target.crt").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "target.key").write_bytes(private)
    return "--certfile", str(folder / "target.crt"), "--keyfile", str(folder / "target.key")
