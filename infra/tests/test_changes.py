"""Deploying again, beside another stage, after a failure, and taking away."""

import io
import zipfile

from emulator import PASSWORD, ROOT
from stage import StageTest


class Changes(StageTest):
    def tearDown(self):
        for stack in self.aws.left().get("stacks", []):
            self.destroy(stack.split("-")[1])
        self.assertEqual(self.aws.left(), {})

    def test_deploying_again_changes_what_is_different_and_leaves_a_run_its_heartbeat(self):
        nine = ("--start-schedule", "cron(0 9 ? * MON-FRI *)")
        first = self.deployed("demo", *nine, "--block-size=50", "--max-users=9")
        before, mapping = self.aws.left(), self.mapping("demo")
        self.assertIn("cicada-demo/template-start", before["schedules"])
        self.assertEqual(mapping["State"], "Disabled")
        self.switch_on("demo")

        # by a variable as by an option; what is not said stays as it was, also the password
        second = self.deployed("demo", CICADA_BLOCK_SIZE="20", LOCUST_BASIC_AUTH=None)
        self.assertEqual(second.stdout, first.stdout)
        self.assertEqual(self.schedule("demo", "heartbeat")["State"], "ENABLED")
        self.assertEqual(self.mapping("demo")["State"], "Enabled")
        self.assertEqual(self.mapping("demo")["UUID"], mapping["UUID"])
        self.assertEqual(self.aws.left(), before)
        variables = self.function("cicada-demo-tick")["Environment"]["Variables"]
        self.assertEqual((variables["CICADA_BLOCK_SIZE"], variables["CICADA_MAX_USERS"]), ("20", "9"))
        password = self.function("cicada-demo-aggregator")["Environment"]["Variables"]["LOCUST_BASIC_AUTH"]
        self.assertEqual(password, PASSWORD)
        self.assertRegex(second.stderr, r"(?m)^deploy: block-size +50 +20$")
        self.assertRegex(second.stderr, r"(?m)^deploy: max-users +9 +9$")
        self.assertRegex(second.stderr, r"(?m)^deploy: LOCUST_BASIC_AUTH +\(set\) +\(set\)$")

        # also when the template changes the heartbeat and the mapping, which sets the template's states
        stacks = self.aws.client("cloudformation")
        [base] = stacks.describe_stacks(StackName="cicada-demo-base")["Stacks"]
        roles = {o["OutputKey"]: o["OutputValue"] for o in base["Outputs"] if o["OutputKey"].endswith("RoleName")}
        parameters = {"Stage": "demo", "SchedulerRoleArn": "arn:aws:iam::000000000000:role/old", "MaxConcurrency": "3", **roles}
        stacks.update_stack(
            StackName="cicada-demo-functions",
            TemplateBody=(ROOT / "infra/functions.yaml").read_text(),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        )
        stacks.get_waiter("stack_update_complete").wait(
            StackName="cicada-demo-functions", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
        self.switch_on("demo")
        self.assertEqual(self.schedule("demo", "heartbeat")["Target"]["RoleArn"], "arn:aws:iam::000000000000:role/old")
        # and what is taken back is gone
        third = self.deployed("demo", "--reset", "max-users", "--reset=start-schedule", "--ticks-per-message=18")
        self.assertIn("--memory 128 is little for messages of 18 ticks: where they are full, response times include", third.stderr)
        self.assertRegex(third.stderr, r"(?m)^deploy: max-users +9 +no limit$")
        self.assertRegex(third.stderr, r"(?m)^deploy: block-size +20 +20$")
        self.assertNotIn("CICADA_MAX_USERS", self.function("cicada-demo-tick")["Environment"]["Variables"])
        self.assertEqual(self.aws.left()["schedules"], ["cicada-demo/heartbeat"])
        beat = self.schedule("demo", "heartbeat")
        self.assertRegex(beat["Target"]["RoleArn"], "SchedulerRole")
        self.assertEqual(beat["State"], "ENABLED")

    def test_variables_that_workloads_read_go_to_all_functions_and_are_shown_to_nobody(self):
        names = ("cicada-demo-fanout", "cicada-demo-tick", "cicada-demo-aggregator")
        values = lambda: [self.function(name)["Environment"]["Variables"].get("SHOP_KEY") for name in names]
        first = self.deployed("demo", "--workload-env", "SHOP_KEY", SHOP_KEY="open-sesame")
        self.assertEqual(values(), ["open-sesame"] * 3)
        self.assertNotIn("open-sesame", first.stdout + first.stderr)
        self.assertRegex(first.stderr, r"(?m)^deploy: SHOP_KEY +\(set\)$")
        # kept by a call that has no such variable, changed by one that has, and gone with its name
        self.deployed("demo")
        self.assertEqual(values(), ["open-sesame"] * 3)
        self.deployed("demo", SHOP_KEY="another-one")
        self.assertEqual(values(), ["another-one"] * 3)
        self.deployed("demo", "--reset", "workload-env")
        self.assertEqual(values(), [None] * 3)

    def test_two_stages_live_side_by_side_and_nothing_is_left_of_either(self):
        self.deployed("demo")
        alone = self.aws.left()
        # one whose name begins like the other's
        self.deployed("demo-2")
        self.add_what_users_and_lambda_make("demo-2")
        self.destroy("demo-2")
        self.assertEqual(self.aws.left(), alone)
        self.add_what_users_and_lambda_make("demo")
        self.destroy("demo")
        self.assertEqual(self.aws.left(), {})
        self.destroy("demo")

    def add_what_users_and_lambda_make(self, stage):
        name = f"cicada-{stage}"
        target = {"Arn": self.function(f"{name}-aggregator")["FunctionArn"], "RoleArn": "arn:aws:iam::000000000000:role/any"}
        self.aws.client("scheduler").create_schedule(
            GroupName=name, Name="nightly-start", ScheduleExpression="cron(0 1 * * ? *)",
            FlexibleTimeWindow={"Mode": "OFF"}, Target=target,
        )
        self.aws.client("dynamodb").put_item(TableName=name, Item={"pk": {"S": "run"}, "sk": {"S": "1"}})
        queue = self.aws.client("sqs").get_queue_url(QueueName=f"{name}-wake-ups")["QueueUrl"]
        self.aws.client("sqs").send_message(QueueUrl=queue, MessageBody="{}", DelaySeconds=600)
        # a function that is still running when its log group goes gets another one, if it may
        logs = self.aws.client("logs")
        logs.delete_log_group(logGroupName=f"/aws/lambda/{name}-tick")
        logs.create_log_group(logGroupName=f"/aws/lambda/{name}-tick")

    def test_a_stack_that_cannot_be_made_says_why_and_the_next_try_makes_it(self):
        # a function of this name with a Function URL of its own, which the template's collides with
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as files:
            files.writestr("bootstrap", "")
        client = self.aws.client("lambda")
        nobody = '{"Version": "2012-10-17", "Statement": []}'
        self.aws.client("iam").create_role(RoleName="old", AssumeRolePolicyDocument=nobody)
        client.create_function(
            FunctionName="cicada-demo-aggregator", Runtime="provided.al2023", Handler="bootstrap",
            Role="arn:aws:iam::000000000000:role/old", Code={"ZipFile": archive.getvalue()},
        )
        client.create_function_url_config(FunctionName="cicada-demo-aggregator", AuthType="NONE")
        result = self.deploy("demo")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertRegex(result.stderr.splitlines()[-1], "^deploy: the stack cicada-demo-functions could not be made: Url: .*exists")
        client.delete_function_url_config(FunctionName="cicada-demo-aggregator")
        self.aws.client("iam").delete_role(RoleName="old")
        self.deployed("demo")
