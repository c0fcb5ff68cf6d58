"""moto's server as a WSGI application, which notes what becomes of each call: a line of JSON in the file CALLS."""

import io
import json
import os
import re
import traceback

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sqs.models import Queue

# when a message is sent, moto would itself hand some to the function of a mapping, which it runs in Docker
Queue.lambda_event_source_mappings = property(lambda queue: {}, lambda queue, mappings: None)

CALLS = os.open(os.environ["CALLS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
MOTO = DomainDispatcherApplication(create_backend_app)


def application(environ, start_response):
    asked = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(asked)
    said = []
    try:
        body = b"".join(MOTO(environ, lambda *how: said.append(how)))
    except Exception:  # moto does not know the call
        body = traceback.format_exc().encode()
        said = [("500 Internal Server Error", [("Content-Length", str(len(body)))])]
    note(environ, asked, int(said[0][0].split()[0]), body)
    start_response(*said[0])
    return [body]


def note(environ, asked, status, body):
    scope = re.search("Credential=[^/]+/[^/]+/[^/]+/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    operation = environ.get("HTTP_X_AMZ_TARGET", "").rsplit(".", 1)[-1]
    call = {
        "service": scope[1] if scope else "",
        "operation": operation or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}",
        "agent": environ.get("HTTP_USER_AGENT", ""),
        "status": status,
    }
    if status >= 400:
        call |= {"asked": asked.decode(errors="replace"), "answer": body.decode(errors="replace")}
    os.write(CALLS, f"{json.dumps(call)}\n".encode())
