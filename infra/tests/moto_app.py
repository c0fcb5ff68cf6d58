"""moto's server as a WSGI application, which notes what becomes of each call: a line of JSON in the file CALLS.

Two things are as on AWS and not as in moto: a mapping that is switched on is `Enabling` at first and refuses changes,
and moto runs no function, but notes whom to invoke in the file INVOCATIONS.
"""

import io
import json
import os
import re
import time
import traceback

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import EventSourceMapping
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sqs.models import Queue

# how long a mapping is `Enabling`, in seconds; on AWS it may be a minute
ENABLING = 20
CALLS, INVOCATIONS = (os.open(os.environ[name], os.O_WRONLY | os.O_APPEND | os.O_CREAT) for name in ("CALLS", "INVOCATIONS"))
MOTO = DomainDispatcherApplication(create_backend_app)

# when a message is sent, moto would itself hand some to the function of a mapping
Queue.lambda_event_source_mappings = property(lambda queue: {}, lambda queue, mappings: None)


def is_enabling(mapping):
    return time.time() < mapping.__dict__.get("since", 0) + ENABLING


def switch(mapping, on):
    if is_enabling(mapping):
        raise LambdaClientError("ResourceInUseException", "The event source mapping is in use.")
    if on and not mapping.__dict__.get("on", on):
        mapping.since = time.time()
    mapping.on = on


CONFIGURATION = EventSourceMapping.get_configuration
EventSourceMapping.enabled = property(lambda mapping: mapping.on, switch)
EventSourceMapping.get_configuration = lambda mapping: CONFIGURATION(mapping) | (
    {"State": "Enabling"} if is_enabling(mapping) else {}
)


def application(environ, start_response):
    asked = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(asked)
    status, headers, body = invoked(environ, asked) or answered(environ)
    note(environ, asked, int(status.split()[0]), body)
    start_response(status, headers)
    return [body]


def answered(environ):
    """What moto says."""
    said = []
    try:
        body = b"".join(MOTO(environ, lambda *how: said.append(how)))
    except Exception:  # moto does not know the call
        body = traceback.format_exc().encode()
        return "500 Internal Server Error", [("Content-Length", str(len(body)))], body
    status, headers = said[0][:2]
    return status, headers, body


def invoked(environ, event):
    """An asynchronous invocation is accepted, whatever becomes of it."""
    function = re.fullmatch("/2015-03-31/functions/([^/]+)/invocations", environ["PATH_INFO"])
    if not function:
        return None
    if environ.get("HTTP_X_AMZ_INVOCATION_TYPE") != "Event":
        return "400 Bad Request", [("Content-Length", "0")], b""
    os.write(INVOCATIONS, f"{json.dumps({'function': function[1], 'event': json.loads(event or b'{}')})}\n".encode())
    return "202 Accepted", [("Content-Length", "0")], b""


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
