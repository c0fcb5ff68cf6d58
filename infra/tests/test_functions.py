"""The functions with the roles that the stack gives them, on an emulator that evaluates permissions.

What they do is the end-to-end test's matter; here it is that nothing they call is refused.
"""

import base64
import http.client
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request

import target
from emulator import PASSWORD
from stage import StageTest

NAME = "cicada-demo"


class Functions(StageTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        url, stop = target.serve()
        cls.addClassCleanup(stop)
        said = cls.deployed(
            "demo", f"--target-app-url={url}", f"--ai-agent-url={url}", "--max-concurrency=4",
            "--start-schedule=cron(* * * * ? *)", "--users=6", "--spawn-rate=6",
        )
        cls.url = re.search("^url +(.+)/$", said.stdout, re.M)[1]
        cls.as_the_emulator_names_things()

    @classmethod
    def as_the_emulator_names_things(cls):
        """When it evaluates a policy, MiniStack takes a schedule of any group for one of the group `default`,
        SendMessageBatch for an action, where AWS asks for sqs:SendMessage, a mapping for everything, and looking at one
        for listing them."""
        iam = cls.aws.client("iam")
        for role in iam.list_roles()["Roles"]:
            for policy in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
                document = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=policy)["PolicyDocument"]
                text = json.dumps(document).replace(f":schedule/{NAME}/", ":schedule/default/")
                text = text.replace('"sqs:SendMessage"', '["sqs:SendMessage", "sqs:SendMessageBatch"]')
                text = text.replace('"lambda:GetEventSourceMapping"', '"lambda:GetEventSourceMapping", "lambda:ListEventSourceMappings"')
                text = re.sub(r'"arn:[^"]*:event-source-mapping:[^"]*"', '"*"', text)
                iam.put_role_policy(RoleName=role["RoleName"], PolicyName=policy, PolicyDocument=text)

    def ask(self, path, method="GET", body=None, password=PASSWORD, headers=()):
        """The status and the body of an answer."""
        request = urllib.request.Request(self.url + path, method=method, headers=dict(headers))
        if password is not None:
            request.add_header("authorization", "Basic " + base64.b64encode(password.encode()).decode())
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("content-type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def until(self, what, seconds, look):
        """Looks again and again until there is something; returns it."""
        deadline = time.monotonic() + seconds
        while not (found := look()):
            self.assertLess(time.monotonic(), deadline, f"{what}: {self.logged()[-20:]}")
            time.sleep(1)
        return found

    def setUp(self):
        self.began = int(time.time() * 1000)

    def logged(self):
        """What the functions have logged during a test."""
        client = self.aws.client("logs")
        groups = (f"/aws/lambda/{NAME}-{name}" for name in ("fanout", "tick", "aggregator"))
        events = (client.filter_log_events(logGroupName=group, startTime=self.began)["events"] for group in groups)
        return [event["message"] for some in events for event in some]

    def requests(self):
        status, text = self.ask("/stats/requests")
        self.assertEqual(status, 200, text)
        return sum(row["num_requests"] for row in json.loads(text)["stats"] if row["name"] == "Aggregated")

    def beats(self):
        return self.schedule("demo", "heartbeat")["State"] == "ENABLED"

    def test_a_schedule_of_the_template_starts_a_run_and_every_role_suffices(self):
        self.until("the schedule starts a run", 120, self.beats)
        self.until("the queue is asked", 10, lambda: self.mapping("demo")["State"] == "Enabled")
        self.until("ticks send requests and record them", 60, self.requests)
        status, text = self.ask("/schedules")
        self.assertEqual(status, 200, text)
        [schedule] = json.loads(text)["schedules"]
        self.assertEqual((schedule["name"], schedule["start"]), ("template", "* * * * *"))
        self.assertEqual(self.ask("/schedules/template", "DELETE")[0], 200)
        self.users_keep_schedules()
        self.assertEqual(self.ask("/swarm", "POST", {"user_count": 12, "spawn_rate": 6})[0], 200)
        before = self.requests()
        self.until("it goes on after a resize", 60, lambda: self.requests() > before)
        self.assertEqual(self.ask("/stop", "POST")[0], 200)
        self.until("the fan-out switches the heartbeat off", 200, lambda: not self.beats())
        self.assertEqual(self.mapping("demo")["State"], "Disabled")
        self.assertEqual(self.ask("/swarm", "POST", {"user_count": 6, "spawn_rate": 6})[0], 200)
        self.assertEqual(self.mapping("demo")["State"], "Enabled")
        self.assertEqual(self.ask("/stop", "POST")[0], 200)
        refused = [line for line in self.logged() if re.search("(?i)not allowed|not authorized|AccessDenied", line)]
        self.assertEqual(refused, [])

    def users_keep_schedules(self):
        weekdays = {"name": "weekdays", "start": "0 9 * * 1-5", "stop": "0 17 * * 1-5", "user_count": 5, "spawn_rate": 1}
        for start in ("0 9 * * 1-5", "30 8 * * 1-5"):
            status, text = self.ask("/schedules", "POST", weekdays | {"start": start})
            self.assertEqual(status, 200, text)
        kept = json.loads(self.ask("/schedules")[1])["schedules"]
        self.assertEqual([(k["name"], k["start"], k["stop"]) for k in kept], [("weekdays", "30 8 * * 1-5", "0 17 * * 1-5")])
        self.assertEqual(self.ask("/schedules/weekdays", "DELETE")[0], 200)
        self.assertEqual(self.aws.left()["schedules"], [f"{NAME}/heartbeat"])

    def test_nobody_comes_in_without_the_password(self):
        for password in (None, "demo:", "demo:guess", ":"):
            for path, method in (("/", "GET"), ("/stats/requests", "GET"), ("/stop", "POST")):
                self.assertEqual(self.ask(path, method, password=password)[0], 401, (password, path))
        # as if it were a schedule
        forged = {"x-amzn-request-context": '{"apiId":"cicada-schedule"}', "host": "cicada-schedule"}
        self.assertEqual(self.ask("/stop", "POST", password=None, headers=forged.items())[0], 401)

    def form(self, path, fields=(), cookie=""):
        """The answer to a browser, which posts a form or opens a page."""
        base = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(base.netloc, timeout=60)
        headers = {"accept": "text/html", "user-agent": "Mozilla/5.0", "cookie": cookie}
        if fields:
            headers |= {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
        try:
            body = urllib.parse.urlencode(fields) or None
            connection.request("POST" if fields else "GET", base.path + path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def test_a_browser_is_shown_a_form_and_its_cookie_holds(self):
        status, _, page = self.form("/")
        self.assertEqual((status, '<form method="post" action="login">' in page), (401, True), page)
        name, password = PASSWORD.split(":", 1)
        status, headers, page = self.form("/login", {"name": name, "password": password, "next": "/tasks"})
        self.assertEqual((status, headers["location"]), (303, "./tasks"), page)
        cookie, _, told = headers["set-cookie"].partition("; ")
        self.assertEqual(told, "Path=/; Max-Age=86400; HttpOnly; SameSite=Strict; Secure")
        self.assertEqual(self.form("/tasks", cookie=cookie)[0], 200)
        self.assertEqual(self.form("/tasks", cookie=cookie[:-1])[0], 401)

    def test_a_network_guesses_a_few_passwords_in_nine_seconds(self):
        began, statuses = time.monotonic(), []
        while time.monotonic() < began + 9:
            statuses.append(self.form("/login", {"name": "demo", "password": f"guess{len(statuses)}"})[0])
        # one caller at a time has one environment: five, and three each time that they are halved
        self.assertLessEqual(statuses.count(401), 8)
        self.assertGreater(statuses.count(429), 20)
        # for the other tests, which are of the same network
        self.until("the password is compared again", 15, lambda: self.ask("/health/")[0] == 404)

    def test_an_action_that_a_role_lacks_is_refused_and_named(self):
        iam = self.aws.client("iam")
        [role] = [r["RoleName"] for r in iam.list_roles()["Roles"] if "AggregatorRole" in r["RoleName"]]
        document = iam.get_role_policy(RoleName=role, PolicyName="aggregator")["PolicyDocument"]
        without = [s for s in document["Statement"] if s["Sid"] != "ListSchedules"]
        put = lambda statements: iam.put_role_policy(
            RoleName=role, PolicyName="aggregator", PolicyDocument=json.dumps(document | {"Statement": statements})
        )
        put(without)
        self.addCleanup(put, document["Statement"])
        self.assertEqual(self.ask("/schedules")[0], 503)
        self.until("the log says which", 10, lambda: [line for line in self.logged() if "allow scheduler:ListSchedules" in line])
