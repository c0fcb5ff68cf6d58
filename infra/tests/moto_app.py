"""moto's server as a WSGI application, which notes what becomes of each call: a line of JSON in the file CALLS."""

import json
import os
import re
import time

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sqs.models import Queue

# when a message is sent, moto would itself hand some to the function of a mapping, which it runs in Docker
Queue.lambda_event_source_mappings = property(lambda queue: {}, lambda queue, mappings: None)
CALLS = os.open(os.environ["CALLS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
MOTO = DomainDispatcherApplication(create_backend_app)


def application(environ, start_response):
    began, said = time.time(), {}

    def note(status, headers, exc_info=None):
        said["status"] = int(status.split()[0])
        return start_response(status, headers, exc_info)

    body = b"".join(MOTO(environ, note))
    scope = re.search("Credential=[^/]+/[^/]+/[^/]+/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    call = {
        "at": began,
        "seconds": time.time() - began,
        "service": scope[1] if scope else "",
        "operation": target.rsplit(".", 1)[-1] or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}",
        "agent": environ.get("HTTP_USER_AGENT", ""),
        "status": said["status"],
    }
    if call["status"] >= 400:
        call["answer"] = body.decode(errors="replace")
    os.write(CALLS, f"{json.dumps(call)}\n".encode())
    return [body]
