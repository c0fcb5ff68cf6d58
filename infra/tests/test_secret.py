"""The password of a secret in Secrets Manager: it is in no stack and in no function's environment, and lets people in."""

import base64
import json
import re
import urllib.error
import urllib.request

from emulator import PASSWORD
from stage import StageTest

NAME = "cicada-demo"


class Secret(StageTest):
    def status(self, url, password):
        request = urllib.request.Request(f"{url}stats/requests")
        request.add_header("authorization", "Basic " + base64.b64encode(password.encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def test_the_aggregator_reads_the_password_that_no_environment_has(self):
        secrets = self.aws.client("secretsmanager")
        arn = secrets.create_secret(Name="demo-password", SecretString=PASSWORD)["ARN"]
        # one who has been there before with a password of the environment
        self.deployed("demo")
        said = self.deployed("demo", "--password-secret", arn, LOCUST_BASIC_AUTH="demo:of the environment")
        url = re.search("^url +(.+)$", said.stdout, re.M)[1]
        self.assertIn("the password is that of --password-secret: LOCUST_BASIC_AUTH does not go to AWS", said.stderr)
        self.assertRegex(said.stderr, r"(?m)^deploy: LOCUST_BASIC_AUTH +\(set\)$")
        # a later call says neither
        self.deployed("demo", "--max-users=60", LOCUST_BASIC_AUTH=None)
        variables = self.function(f"{NAME}-aggregator")["Environment"]["Variables"]
        self.assertEqual((variables["CICADA_PASSWORD_SECRET"], variables.get("LOCUST_BASIC_AUTH")), (arn, None))
        stacks = json.dumps(self.aws.client("cloudformation").describe_stacks()["Stacks"], default=str)
        for text in (said.stdout, said.stderr, stacks, json.dumps(variables)):
            self.assertNotIn(PASSWORD.split(":")[1], text)
        self.assertEqual(self.status(url, PASSWORD), 200)
        self.assertEqual(self.status(url, "demo:of the environment"), 401)
        self.only_the_aggregator_may_read_it(arn)

    def only_the_aggregator_may_read_it(self, arn):
        iam = self.aws.client("iam")
        allowed = {}
        for role in (role["RoleName"] for role in iam.list_roles()["Roles"]):
            for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
                document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
                for statement in document["Statement"]:
                    if "secretsmanager" in str(statement["Action"]):
                        allowed[role.split("-")[3]] = (statement["Action"], statement["Resource"])
        self.assertEqual(allowed, {"AggregatorRole": ("secretsmanager:GetSecretValue", arn)})
