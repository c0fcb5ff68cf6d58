"""What people get wrong: one line that says what to do, and nothing is deployed."""

import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from emulator import Emulator

STAGE = ("--stage", "demo")


class Mistakes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.aws = Emulator()
        cls.addClassCleanup(cls.aws.stop)

    def refused(self, script, *arguments, code=2, says, **changes):
        result = self.aws.run(script, *arguments, **changes)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout, "")
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), 1, result.stderr)
        self.assertTrue(lines[0].startswith(f"{script}: "), lines[0])
        self.assertRegex(lines[0], says)

    def tearDown(self):
        self.assertEqual(self.aws.left(), {})

    def test_no_stage_and_a_bad_name_for_one(self):
        for script, arguments in (("deploy", ()), ("destroy", ())):
            self.refused(script, *arguments, says="which stage.*--stage NAME")
            for name in ("Demo", "1st", "a-", "a b", "-", "a" * 21, "*"):
                self.refused(script, *arguments, f"--stage={name}", says="no name for a stage: take 1-20 of")

    def test_no_password(self):
        self.refused("deploy", *STAGE, LOCUST_BASIC_AUTH=None, says="open to everybody: set LOCUST_BASIC_AUTH=")
        self.refused("deploy", *STAGE, LOCUST_BASIC_AUTH="", says="open to everybody: set LOCUST_BASIC_AUTH=")

    def test_a_password_that_cannot_be_used_is_not_shown(self):
        for password in ("hunter", "hunter:", ":hunter", "hunter:2\n3", "hunter:'`"):
            result = self.aws.run("deploy", *STAGE, LOCUST_BASIC_AUTH=password)
            self.assertEqual(result.returncode, 2)
            self.assertRegex(result.stderr, "^deploy: LOCUST_BASIC_AUTH must .*\n$")
            self.assertNotIn("hunter", result.stderr)

    def test_headers_of_telemetry_that_cannot_be_used_are_not_shown(self):
        for headers in ("api-key=hunter\nx=y", "api-key=hunter'`"):
            result = self.aws.run("deploy", *STAGE, OTEL_EXPORTER_OTLP_HEADERS=headers)
            self.assertEqual(result.returncode, 2)
            self.assertRegex(result.stderr, "^deploy: OTEL_EXPORTER_OTLP_HEADERS must .*\n$")
            self.assertNotIn("hunter", result.stderr)

    def test_options_and_values_that_do_not_exist(self):
        for arguments, says in (
            (("--stages=demo",), "no option --stages: see infra/deploy --help"),
            (("demo",), "what is 'demo'.*--help"),
            (("--stage",), "--stage needs a value"),
            ((*STAGE, "--block-size", "101"), "--block-size must be between 1 and 100, unlike '101'"),
            ((*STAGE, "--max-concurrency", "1"), "--max-concurrency must be between 2 and 1000"),
            ((*STAGE, "--max-users=many"), "--max-users must be between"),
            ((*STAGE, "--spawn-rate=-1"), "--spawn-rate must be a number"),
            ((*STAGE, "--target-app-url=app.example"), "--target-app-url must begin with http"),
            ((*STAGE, "--trace-url=https://traces.example/"), "--trace-url must be a URL with {trace_id} in it, such as https"),
            ((*STAGE, "--trace-url", "https://me:pw@traces.example/{trace_id}"), "--trace-url must be a URL with"),
            ((*STAGE, "--trace-url=traces.example/{trace_id}"), "--trace-url must be a URL with"),
            ((*STAGE, "--workload-env=AWS_SECRET_ACCESS_KEY"), "--workload-env takes names of variables"),
            ((*STAGE, "--workload-env=SHOP_KEY"), "--workload-env names SHOP_KEY, which has no value: set it in the environment"),
            ((*STAGE, "--start-schedule", "0 9 * * 1-5"), "six fields, such as 'cron"),
            ((*STAGE, "--memory=100"), "--memory must be between 128 and 10240"),
            ((*STAGE, "--alarms=none"), "--alarms must be one of on, off"),
            ((*STAGE, "--front-door=alb"), "--front-door must be one of url, http-api, none"),
            ((*STAGE, "--password-secret=demo"), "--password-secret must be the ARN of a secret"),
            ((*STAGE, "--permissions-boundary=Admins"), "--permissions-boundary must be the ARN of a policy"),
            ((*STAGE, "--subnets=sg-1"), "--subnets takes subnets"),
            ((*STAGE, "--tags=team"), "--tags takes NAME=VALUE"),
            ((*STAGE, "--max-users="), "--max-users needs a value; --reset max-users takes back"),
            ((*STAGE, "--reset", "users-max"), "--reset takes the name of an option"),
            ((*STAGE, "--reset=stage"), "--reset takes the name of an option"),
            ((*STAGE, "--reset=users", "--users=3"), "--users and --reset users contradict"),
            ((*STAGE, "--subnets=subnet-1"), "--subnets and --security-groups go together"),
            ((*STAGE, "--region=il-central-1"), "il-central-1 has no Function URLs: say --front-door http-api"),
        ):
            self.refused("deploy", *arguments, says=says)
        self.refused("deploy", *STAGE, CICADA_BLOCK_SIZE="0", says="--block-size must be between")
        self.refused("destroy", "--all", says="what is '--all'")

    def test_no_region(self):
        for script, arguments in (("deploy", STAGE), ("destroy", STAGE)):
            self.refused(script, *arguments, AWS_REGION=None, says="which region.*--region NAME")

    def test_a_profile_that_is_not_there_is_named_and_not_taken_for_no_region(self):
        gone = {"AWS_REGION": None, "AWS_PROFILE": "compny"}
        self.refused("deploy", *STAGE, code=1, says=r"\(compny\) could not be found: set AWS_PROFILE to one of", **gone)

    def test_no_credentials(self):
        for script, arguments in (("deploy", STAGE), ("destroy", STAGE)):
            self.refused(
                script, *arguments, code=1, AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None, says="run 'aws configure'"
            )

    def test_credentials_that_aws_does_not_know(self):
        self.refused("deploy", *STAGE, code=1, AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE", says="AWS does not know you")

    def test_no_aws_and_no_cargo_lambda(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "env").symlink_to(shutil.which("env"))
            Path(folder, "python3").symlink_to(Path(sys.executable).resolve())
            # the repository's own tools would serve, so a copy of the scripts without them
            copy = Path(folder, "copy/infra")
            copy.mkdir(parents=True)
            shutil.copytree(Path(__file__).parents[1] / "cloud", copy / "cloud")
            shutil.copy(Path(__file__).parents[1] / "deploy", copy)
            self.refused_at(copy, folder, "the AWS CLI is missing: https://")
            self._program(folder, "aws", "exit 0")
            self.refused_at(copy, folder, "cargo-lambda is missing: https://")

    def refused_at(self, place, path, says):
        result = subprocess.run(
            [place / "deploy", *STAGE], env=self.aws.environment(PATH=path), capture_output=True, text=True
        )
        self.assertEqual((result.returncode, result.stdout), (1, ""), result.stderr)
        self.assertRegex(result.stderr, f"^deploy: {says}.*\n$")

    def _program(self, folder, name, body):
        program = Path(folder, name)
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def test_more_concurrency_than_the_account_has(self):
        self.refused(
            "deploy", *STAGE, "--max-concurrency=1000", code=1, says="not enough concurrency.*has [0-9]+ of its [0-9]+ left.*lower it, or ask"
        )

    def test_functions_that_were_not_built(self):
        with tempfile.TemporaryDirectory() as folder:
            result = self.aws.run("deploy", *STAGE, "--no-build", f"--lambda-dir={folder}")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr.splitlines()[-1], "^deploy: there is no .*bootstrap: leave --no-build away")


if __name__ == "__main__":
    unittest.main()
