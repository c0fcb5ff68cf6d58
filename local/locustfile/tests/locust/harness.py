"""Reads from Locust's own objects what its users do with the files that are named, and prints it as JSON.

Each task is executed often, with fixed seeds, against a server that records what comes. Only shapes of bodies
are told, because the draws themselves differ.
"""
import importlib.util
import inspect
import json
import os
import random
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import perf_counter

from gevent import monkey

monkey.patch_all()

from locust import FastHttpUser, HttpUser, LoadTestShape, SequentialTaskSet, TaskSet, User  # noqa: E402
from locust.env import Environment  # noqa: E402

ROUNDS = 100
seen = []


class Recorder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        seen.append((self.command, self.path, dict(self.headers), body))
        parts = self.path.split("?")[0].split("/")
        status = int(parts[2]) if parts[1] == "status" else 200
        text = b'{"state": "waiting", "token": "t0k"}' if parts[1] == "json" else b"nothing"
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        if self.path.startswith("/json/login"):
            self.send_header("Set-Cookie", "sid=1; Path=/")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer

    def log_message(self, *args):
        pass


def shape(body):
    try:
        value = json.loads(body)
    except ValueError:
        return body if len(body) < 200 else "long"

    def of(value):
        if isinstance(value, dict):
            return {key: of(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [of(inner) for inner in value]
        return type(value).__name__

    return json.dumps(of(value), sort_keys=True)


def load(path):
    sys.path.insert(0, os.path.dirname(path))
    name = "locustfile_" + os.path.basename(path)[:-3]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.pop(0)
    return module


def holder_of(user_class):
    tasks = user_class.tasks
    if len(set(tasks)) == 1 and inspect.isclass(tasks[0]):
        return tasks[0]
    return user_class


def describe(user_class, base):
    holder = holder_of(user_class)
    rows = Counter()
    requests = {}
    sessions = {"start": [], "stop": []}
    phase = "start"
    environment = Environment(user_classes=[user_class])
    user_class.host = base

    def on_request(request_type, name, exception, **kwargs):
        method, path, headers, body = seen[-1]
        wanted = {
            key.lower(): value
            for key, value in headers.items()
            if key.lower() in ("authorization", "content-type", "x-client", "x-session")
            or (key.lower() == "accept" and value != "*/*")
        }
        key = f"{request_type} {name}"
        failure = str(exception) if type(exception).__name__ == "CatchResponseError" else bool(exception)
        shown = path.split("?")[0] if name == path.split("?")[0] else ""
        told = json.dumps([shown, wanted, shape(body), failure], sort_keys=True)
        if phase in sessions:
            sessions[phase].append([key, told])
            return
        rows[key + (" failed" if exception else "")] += 1
        requests.setdefault(key, set()).add(told)

    environment.events.request.add_listener(on_request)
    user = user_class(environment)
    user.on_start()
    instance = holder(user) if holder is not user_class else user
    if instance is not user:
        instance.on_start()
    jar = user.client.cookiejar if isinstance(user, FastHttpUser) else user.client.cookies
    has_cookies = len(jar) > 0
    phase = "task"
    tasks = holder.tasks
    random.seed(4)
    iterations = 0
    for _ in range(ROUNDS):
        todo = tasks if issubclass(holder, SequentialTaskSet) else [random.choice(tasks)]
        iterations += 1
        for task in todo:
            task(instance)
    waits = []
    for _ in range(50):
        # a pace counts from the last iteration, which is now
        for paced in (user, instance):
            paced._cp_last_run, paced._cp_last_wait_time = perf_counter(), 0
        waits.append(instance.wait_time())
    phase = "stop"
    for one in [instance, user] if instance is not user else [user]:
        one.on_stop()
    return {
        "weight": user_class.weight,
        "fixed_count": user_class.fixed_count,
        "tasks": sorted(Counter(task.__name__ for task in tasks).items()),
        "tags": {task.__name__: sorted(task.locust_tag_set) for task in tasks if hasattr(task, "locust_tag_set")},
        "waits": [min(waits), max(waits)],
        "rows": dict(rows),
        "iterations": iterations,
        "start": sessions["start"],
        "stop": sessions["stop"],
        "cookies": has_cookies,
        "requests": {key: sorted(values) for key, values in requests.items()},
    }


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_address[1]}"
    told = {}
    for path in sys.argv[1:]:
        module = load(path)
        classes = {
            name: value
            for name, value in vars(module).items()
            if inspect.isclass(value) and issubclass(value, User) and value.abstract is False
        }
        shapes = {}
        for name, value in vars(module).items():
            if inspect.isclass(value) and issubclass(value, LoadTestShape) and not getattr(value, "abstract", True):
                instance = value()
                ticks = []
                for second in range(100):
                    instance.get_run_time = lambda second=second: second + 0.001
                    ticks.append(instance.tick())
                shapes[name] = ticks
        told[os.path.basename(path)] = {
            "classes": {name: describe(value, base) for name, value in classes.items()},
            "shapes": shapes,
        }
    json.dump(told, sys.stdout)
    sys.stdout.flush()
    os._exit(0)


main()
