"""docs/aws-permissions.json: who has exactly it can deploy a stage with every option, and take it away.

The emulator holds calls of the CLI and of cargo lambda against it. What CloudFormation calls in the name of who
deploys it does not: test_policy.py holds that, and the resources of all actions, against AWS's own lists.
"""

import base64
import json
import re
import urllib.error
import urllib.request

from emulator import PASSWORD, ROOT
from stage import StageTest

POLICY = json.loads((ROOT / "docs/aws-permissions.json").read_text())
# of what a managed policy may have, without the space in it
LONGEST = 6144
# the emulator does not know the resource or the condition of these: it takes each for one of everything
OF_EVERYTHING = {
    "lambda:CreateFunction", "lambda:ListTags", "lambda:TagResource", "lambda:UntagResource", "lambda:UpdateEventSourceMapping",
    "scheduler:GetSchedule", "scheduler:UpdateSchedule",
}


def actions(policy):
    listed = (s["Action"] if isinstance(s["Action"], list) else [s["Action"]] for s in policy["Statement"])
    return {action for some in listed for action in some}


class Permissions(StageTest):
    def login(self, name, policy):
        """The environment of a user with a policy, and with no action that is not in it."""
        wider = {"Effect": "Allow", "Action": sorted(OF_EVERYTHING & actions(policy)), "Resource": "*"}
        policy = policy | {"Statement": [*policy["Statement"], wider]}
        iam = self.aws.client("iam")
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="deploy", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def test_it_suffices_for_every_option_and_the_way_back(self):
        keys = self.login("deployer", POLICY)
        ec2 = self.aws.client("ec2")
        subnet = ec2.describe_subnets()["Subnets"][0]
        [group] = ec2.describe_security_groups(
            Filters=[{"Name": "group-name", "Values": ["default"]}, {"Name": "vpc-id", "Values": [subnet["VpcId"]]}]
        )["SecurityGroups"]
        boundary = self.aws.client("iam").create_policy(
            PolicyName="boundary",
            PolicyDocument='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}',
        )["Policy"]["Arn"]
        self.deployed(
            "demo", f"--subnets={subnet['SubnetId']}", f"--security-groups={group['GroupId']}", "--tags=team=demo,cost=a b",
            f"--permissions-boundary={boundary}", "--alarm-email=ops@example.com", "--aggregator-concurrency=5",
            "--start-schedule=cron(0 9 ? * MON-FRI *)", **keys,
        )
        self.check_options(subnet, group, boundary)
        again = self.deployed(
            "demo", "--front-door=http-api", "--reset=tags", "--reset=subnets", "--reset=security-groups", "--aggregator-concurrency=0",
            LOCUST_BASIC_AUTH=None, **keys,
        )
        self.check_reset()
        self.check_door(re.search("^url +(.+)$", again.stdout, re.M)[1])
        self.aws.done("destroy", "--stage", "demo", **keys)
        self.assertEqual(self.aws.left(), {"policies": ["boundary"]})

    def check_options(self, subnet, group, boundary):
        client = self.aws.client("lambda")
        for name in ("fanout", "tick", "aggregator"):
            config = self.function(f"cicada-demo-{name}")
            network = config.get("VpcConfig") or {}
            self.assertEqual(network.get("SubnetIds") or [], [subnet["SubnetId"]] if name == "tick" else [])
            self.assertEqual(network.get("SecurityGroupIds") or [], [group["GroupId"]] if name == "tick" else [])
            self.assertEqual(client.list_tags(Resource=config["FunctionArn"])["Tags"], {"team": "demo", "cost": "a b"})
        reserved = client.get_function_concurrency(FunctionName="cicada-demo-aggregator")
        self.assertEqual(reserved["ReservedConcurrentExecutions"], 5)
        # the emulator's CloudFormation gives no boundaries: that the roles have it is read in the template
        [stack] = self.aws.client("cloudformation").describe_stacks(StackName="cicada-demo-base")["Stacks"]
        self.assertIn({"ParameterKey": "PermissionsBoundary", "ParameterValue": boundary}, stack["Parameters"])
        iam = self.aws.client("iam")
        for role in (role["RoleName"] for role in iam.list_roles()["Roles"]):
            self.assertIn({"Key": "team", "Value": "demo"}, iam.get_role(RoleName=role)["Role"]["Tags"])

    def check_door(self, url):
        """The HTTP API asks for the password and hands on what has it."""
        self.assertIn("/execute-api/", url)
        request = urllib.request.Request(f"{url}stats/requests")
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)
        self.assertEqual(refused.exception.code, 401)
        request.add_header("authorization", "Basic " + base64.b64encode(PASSWORD.encode()).decode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            self.assertEqual(json.load(answer)["state"], "ready")

    def check_reset(self):
        client = self.aws.client("lambda")
        tick = self.function("cicada-demo-tick")
        self.assertEqual((tick.get("VpcConfig") or {}).get("SubnetIds") or [], [])
        self.assertEqual(client.list_tags(Resource=tick["FunctionArn"])["Tags"], {})
        reserved = client.get_function_concurrency(FunctionName="cicada-demo-aggregator")
        self.assertFalse(reserved.get("ReservedConcurrentExecutions"))
        left = self.aws.left()
        self.assertEqual((left["apis"], left["schedules"]), (["cicada-demo"], ["cicada-demo/heartbeat", "cicada-demo/template-start"]))

    def test_without_an_action_the_deployment_says_which(self):
        self.addCleanup(self.destroy, "less")
        for number, action in enumerate(("cloudformation:CreateChangeSet", "lambda:CreateFunction")):
            policy = json.loads(json.dumps(POLICY))
            for statement in policy["Statement"]:
                if action in statement["Action"]:
                    statement["Action"].remove(action)
            result = self.deploy("less", **self.login(f"without-{number}", policy))
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn(action, result.stderr.splitlines()[-1])

    def test_it_fits_into_a_managed_policy_and_is_of_cicada_only(self):
        self.assertLessEqual(len(json.dumps(POLICY, separators=(",", ":"))), LONGEST)
        for statement in POLICY["Statement"]:
            resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
            if statement["Sid"] not in ("WakeUpsToTheTick", "CannotBeNarrowed", "FrontDoorHttpApi", "TagsOfFunctions"):
                self.assertTrue(all(re.search("cicada[-/]", resource) for resource in resources), statement["Sid"])
            self.assertNotIn("*", str(statement["Action"]))
