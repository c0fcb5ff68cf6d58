"""The agent of the demo on Python's own http.server: `plain.py PORT PROTOCOL SECONDS`.

PROTOCOL is HTTP/1.0 or HTTP/1.1; an idle connection is closed after SECONDS. Arrivals are written as app.py does.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from app import ANSWERS, ARRIVALS


class Handler(BaseHTTPRequestHandler):
    protocol_version = sys.argv[2]
    timeout = float(sys.argv[3])

    def answer(self):
        path = self.path.partition("?")[0]
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        os.write(ARRIVALS, f"{self.headers.get('X-Request', '-')} {self.command} {path}\n".encode())
        answer = ANSWERS.get((self.command, path))
        body = json.dumps(answer or {"error": "not found"}).encode()
        self.send_response(200 if answer else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
