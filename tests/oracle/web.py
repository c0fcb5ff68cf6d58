"""Starts Locust's own web server and prints what it answers to a list of requests.

Standard input has one JSON object: {"classes": [{"name", "weight", "fixed_count", "host", "tasks":
[[name, weight], ...]}, ...], "shapes": [{"name", "stages": [[duration, users, spawn_rate], ...]}, ...],
"picker": bool, "steps": [step, ...]}. A step is {"method", "path",
"content_type", "body"}, or {"settle": true}: wait until all users are there, or all have gone. One
JSON object is printed: {"answers": [{"status", "content_type", "disposition", "body"}, ...]}, one for each
request.
The users do nothing: no request leaves this process.
"""

import gevent.monkey

gevent.monkey.patch_all()

import http.client  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402

import gevent  # noqa: E402
import locust.web  # noqa: E402
from locust import LoadTestShape, User, constant  # noqa: E402
from locust.env import Environment  # noqa: E402
from locust.log import setup_logging  # noqa: E402


def idle(user):
    gevent.sleep(60)


def user_class(description):
    tasks = []
    for name, weight in description["tasks"]:
        task = type(idle)(idle.__code__, {"gevent": gevent}, name)
        tasks += [task] * weight
    attributes = {key: description[key] for key in ("weight", "fixed_count", "host")}
    return type(description["name"], (User,), {**attributes, "wait_time": constant(60), "tasks": tasks})


def shape(description):
    def tick(self):
        now = self.get_run_time()
        stage = next((stage for stage in description["stages"] if now < stage[0]), None)
        return stage and (stage[1], stage[2])

    return type(description["name"], (LoadTestShape,), {"tick": tick})()


def start(description):
    # what was just asked may be asked again
    locust.web.DEFAULT_CACHE_TIME = 0
    classes = [user_class(one) for one in description["classes"]]
    environment = Environment(
        user_classes=classes,
        available_user_classes={one.__name__: one for one in classes},
        available_shape_classes={one["name"]: shape(one) for one in description["shapes"]},
        available_user_tasks={one.__name__: one.tasks for one in classes},
    )
    environment.create_local_runner()
    web_ui = environment.create_web_ui("127.0.0.1", 0, userclass_picker_is_active=description["picker"])
    while not (getattr(web_ui, "server", None) and web_ui.server.started):
        gevent.sleep(0.01)
    return environment, web_ui


def settle(runner):
    for _ in range(1000):
        # a start or a stop that was just asked for has begun after this
        gevent.sleep(0.02)
        spawning = runner.spawning_greenlet
        if (spawning is None or spawning.ready()) and runner.state in ("ready", "running", "stopped"):
            return
    sys.exit(f"locust does not settle: it is {runner.state}")


def ask(port, step):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"Content-Type": step["content_type"]} if step.get("content_type") else {}
    body = step.get("body")
    connection.request(step["method"], step["path"], body.encode() if body is not None else None, headers)
    response = connection.getresponse()
    answer = {
        "status": response.status,
        "content_type": response.getheader("Content-Type"),
        "disposition": response.getheader("Content-Disposition"),
        "body": response.read().decode(),
    }
    connection.close()
    return answer


def main():
    # as Locust's own main does, so that /logs has lines; they go to stderr
    setup_logging("CRITICAL")
    description = json.load(sys.stdin)
    environment, web_ui = start(description)
    answers = []
    for step in description["steps"]:
        if step.get("settle"):
            settle(environment.runner)
        else:
            answers.append(ask(web_ui.server.server_port, step))
    print(json.dumps({"answers": answers}))
    web_ui.stop()
    environment.runner.quit()


if __name__ == "__main__":
    main()
