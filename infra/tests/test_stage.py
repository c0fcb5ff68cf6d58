"""What is there once a stage is deployed, in the emulator's own words."""

import json

from emulator import ACCOUNT, PASSWORD, REGION
from stage import StageTest

SETTINGS = {
    "CICADA_MAX_USERS": "60",
    "CICADA_MAX_SPAWN_RATE": "2.5",
    "CICADA_ALLOWED_HOSTS": "app.example,agent.example",
    "CICADA_BLOCK_SIZE": "50",
    "CICADA_TICKS_PER_MESSAGE": "5",
    "CICADA_RETENTION_DAYS": "7",
    "CICADA_LOG": "warn,aws=debug",
    "CICADA_TRACE_URL": "https://traces.example/trace/{trace_id}?span=1",
    "TARGET_APP_URL": "http://app.example:8000",
    "AI_AGENT_URL": "http://agent.example",
}
# the header's value has the quotes that the file for cargo lambda is written with
TELEMETRY = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "https://otlp.example",
    "OTEL_EXPORTER_OTLP_HEADERS": "api-key=secret's",
    "OTEL_SERVICE_NAME": "demo traffic",
}
NINE, FIVE = "cron(0 9 ? * MON-FRI *)", "cron(0 17 ? * MON-FRI *)"
NAME = "cicada-demo"


def option(variable):
    return "--" + variable.removeprefix("CICADA_").lower().replace("_", "-")


class Stage(StageTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.said = cls.deployed(
            "demo",
            *(f"{option(variable)}={value}" for variable, value in SETTINGS.items()),
            *("--max-concurrency=7", "--log-retention-days=3", "--alarm-email=ops@example.com"),
            *("--start-schedule", NINE, "--stop-schedule", FIVE, "--users=25", "--spawn-rate=0.5"),
            **TELEMETRY,
        )

    def test_all_of_it_is_there(self):
        left = self.aws.left()
        queues = sorted(url.rsplit("/", 1)[1] for url in left.pop("queues"))
        self.assertEqual(queues, [f"{NAME}-dead-letters", f"{NAME}-wake-ups"])
        roles = [role.split("-")[3] for role in left.pop("roles")]
        self.assertEqual(roles, ["AggregatorRole", "FanOutRole", "SchedulerRole", "TickRole"])
        alarms = ("dead-letters", "throttles", "trouble")
        expected = {
            "stacks": [f"{NAME}-base", f"{NAME}-functions"],
            "tables": [NAME],
            "functions": [f"{NAME}-aggregator", f"{NAME}-fanout", f"{NAME}-tick"],
            "mappings": [f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}-wake-ups"],
            "schedules": [f"{NAME}/heartbeat", f"{NAME}/template-start", f"{NAME}/template-stop"],
            "schedule groups": [NAME],
            "log groups": [f"/aws/lambda/{NAME}-{name}" for name in ("aggregator", "fanout", "tick")],
            "metric filters": ["average-response-time", *["errors"] * 3, "fail-ratio", "missing", "trouble-of-a-minute"],
            "alarms": [f"{NAME}-{alarm}" for alarm in alarms],
            "settings": ["/cicada/demo/settings"],
            "topics": [f"arn:aws:sns:{REGION}:{ACCOUNT}:{NAME}-alarms"],
        }
        self.assertEqual(left, expected)

    def test_functions_get_their_settings_the_aggregator_the_password_and_the_tick_where_telemetry_goes(self):
        [queue] = [url for url in self.aws.left()["queues"] if url.endswith("wake-ups")]
        own = {
            "CICADA_TABLE": NAME,
            "CICADA_QUEUE_URL": queue,
            "CICADA_SCHEDULE_GROUP": NAME,
            "AWS_ENDPOINT_URL": self.aws.url,
        }
        for name in ("fanout", "tick", "aggregator"):
            config = self.function(f"{NAME}-{name}")
            variables = config["Environment"]["Variables"]
            if name == "aggregator":
                self.assertEqual(variables.pop("LOCUST_BASIC_AUTH"), PASSWORD)
                self.assertEqual(variables.pop("CICADA_AGGREGATOR_ARN"), config["FunctionArn"])
                self.assertRegex(variables.pop("CICADA_SCHEDULER_ROLE_ARN"), "^arn:aws:iam:.*SchedulerRole")
                self.assertEqual(variables.pop("CICADA_MAX_CONCURRENCY"), "7")
            if name == "fanout":
                self.assertEqual(variables.pop("CICADA_TICK_FUNCTION"), f"{NAME}-tick")
            self.assertEqual(variables, own | SETTINGS | (TELEMETRY if name == "tick" else {}))
            self.assertRegex(config["Role"].lower(), f"{NAME}-base-{name}role")

    def test_functions_have_the_size_that_their_manifests_say(self):
        sizes = {name: self.function(f"{NAME}-{name}") for name in ("fanout", "tick", "aggregator")}
        sizes = {name: (config["MemorySize"], config["Timeout"]) for name, config in sizes.items()}
        self.assertEqual(sizes, {"fanout": (256, 150), "tick": (128, 300), "aggregator": (256, 30)})
        # enough for five ticks a message
        self.assertNotIn("--memory", self.said.stderr)

    def test_the_password_is_in_nothing_that_is_printed_and_in_no_stack(self):
        stacks = self.aws.client("cloudformation").describe_stacks()["Stacks"]
        for text in (self.said.stdout, self.said.stderr, json.dumps(stacks, default=str)):
            self.assertNotIn("secret", text)

    def test_lambda_logs_no_lines_of_its_own_for_each_invocation(self):
        for name in ("fanout", "tick", "aggregator"):
            logging = self.function(f"{NAME}-{name}")["LoggingConfig"]
            self.assertEqual((logging["LogFormat"], logging["SystemLogLevel"]), ("JSON", "WARN"))

    def test_logs_are_kept_as_long_as_wanted(self):
        groups = self.aws.client("logs").describe_log_groups()["logGroups"]
        self.assertEqual([group["retentionInDays"] for group in groups], [3, 3, 3])

    def test_wake_ups_are_handed_over_as_parameters_say_and_reported_one_by_one(self):
        mapping = self.mapping("demo")
        self.assertEqual(mapping["ScalingConfig"], {"MaximumConcurrency": 7})
        # of five ticks each
        self.assertEqual(mapping["BatchSize"], 4)
        # nothing asks the queue before a run does
        self.assertEqual(mapping["State"], "Disabled")
        self.assertEqual(json.loads(self.schedule("demo", "heartbeat")["Target"]["Input"]), {"mapping": mapping["UUID"]})
        self.assertEqual(mapping["FunctionResponseTypes"], ["ReportBatchItemFailures"])

    def test_what_is_called_is_called_once(self):
        for name in ("fanout", "aggregator"):
            client = self.aws.client("lambda")
            config = client.get_function_event_invoke_config(FunctionName=f"{NAME}-{name}", Qualifier="$LATEST")
            self.assertEqual((config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]), (0, 60))
        for name in ("heartbeat", "template-start", "template-stop"):
            retry = self.schedule("demo", name)["Target"]["RetryPolicy"]
            self.assertEqual(retry, {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60})

    def test_the_heartbeat_is_off(self):
        beat = self.schedule("demo", "heartbeat")
        self.assertEqual((beat["State"], beat["ScheduleExpression"]), ("DISABLED", "rate(1 minute)"))

    def test_schedules_start_and_stop_runs(self):
        start, stop = (self.schedule("demo", f"template-{which}") for which in ("start", "stop"))
        self.assertEqual((start["ScheduleExpression"], stop["ScheduleExpression"]), (NINE, FIVE))
        event = json.loads(start["Target"]["Input"])
        self.assertEqual((event["rawPath"], event["requestContext"]["apiId"]), ("/swarm", "cicada-schedule"))
        self.assertEqual(json.loads(event["body"]), {"user_count": 25, "spawn_rate": 0.5})
        self.assertEqual(json.loads(stop["Target"]["Input"])["rawPath"], "/stop")

    def test_the_url_has_both_permissions(self):
        policy = json.loads(self.aws.client("lambda").get_policy(FunctionName=f"{NAME}-aggregator")["Policy"])
        allowed = {s["Action"]: s["Condition"] for s in policy["Statement"] if s["Principal"] == "*"}
        expected = {
            "lambda:InvokeFunctionUrl": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
            "lambda:InvokeFunction": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
        }
        self.assertEqual(allowed, expected)

    def test_alarms_look_at_what_the_fan_out_logs_and_go_to_the_topic(self):
        filters = self.aws.client("logs").describe_metric_filters(logGroupName=f"/aws/lambda/{NAME}-fanout")["metricFilters"]
        metrics = {metric["metricName"] for found in filters for metric in found["metricTransformations"]}
        alarms = self.aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
        watched = {alarm["MetricName"]: alarm["Threshold"] for alarm in alarms if alarm["Namespace"] == "Cicada/demo"}
        # the others are for the dashboard
        self.assertEqual(metrics - set(watched), {"FailRatio", "AverageResponseTime"})
        self.assertEqual(watched, {"Trouble": 3.0})
        self.assertEqual({tuple(alarm["AlarmActions"]) for alarm in alarms}, {tuple(self.aws.left()["topics"])})
