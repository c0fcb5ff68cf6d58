"""The agent of the demo as a WSGI application, for uWSGI and gunicorn.

Answers GET /status, POST /repair?model=a|b and POST /chat, and writes a line for each request that it was given to
the file ARRIVALS: the header X-Request, which names a planned request, and what was asked.
"""

import json
import os

ARRIVALS = os.open(os.environ["ARRIVALS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
ANSWERS = {
    ("GET", "/status"): {"status": "ok"},
    ("POST", "/repair"): {"success": True, "final_status": "healthy"},
    ("POST", "/chat"): {"response": "all is well", "success": True},
}


def application(environ, start_response):
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    environ["wsgi.input"].read(length)
    # one write for a line: several processes append to the file
    os.write(ARRIVALS, f"{environ.get('HTTP_X_REQUEST', '-')} {method} {path}\n".encode())
    answer = ANSWERS.get((method, path))
    body = json.dumps(answer or {"error": "not found"}).encode()
    status = "200 OK" if answer else "404 Not Found"
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
