"""MiniStack's DynamoDB, with a table as the deployment makes it."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request

from . import builds

MINISTACK = builds.ROOT / ".tools" / "aws" / "bin" / "ministack"
STARTS_WITHIN = 60

# any will do
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-central-1"}


class Emulator:
    """A running MiniStack; leaving the context ends it."""

    def __init__(self, scratch):
        self.scratch = scratch

    def __enter__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        environment = {
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "S3_DATA_DIR": str(self.scratch / "s3"),
            "PATH": f"{MINISTACK.parent}:/usr/bin:/bin",
        }
        with open(self.scratch / "ministack.log", "wb") as log:
            self.process = subprocess.Popen([MINISTACK], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + STARTS_WITHIN
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise RuntimeError(f"MiniStack does not start: see {log.name}")
            time.sleep(0.1)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def answers(self):
        try:
            self.call("ListTables", {})
            return True
        except (urllib.error.URLError, OSError):
            return False

    def table(self, name):
        """Makes a table; returns its name."""
        keys = [("pk", "HASH"), ("sk", "RANGE")]
        self.call(
            "CreateTable",
            {
                "TableName": name,
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
                "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in keys],
            },
        )
        return name

    def call(self, operation, body):
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"DynamoDB_20120810.{operation}",
            "authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
        }
        request = urllib.request.Request(self.url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)
