"""Accounts as they are: ways to log in that cargo lambda does not know, roles that were made a moment ago, stacks amid a
change, ten functions at once.

Stand-ins on PATH answer as AWS does where the emulator has no such state, and hand all else on.
"""

import os
import shutil
import tempfile
from pathlib import Path

from emulator import TOOLS
from stage import StageTest

# the CLI of who did `aws login`: it alone knows the session of the profile
SESSION = """\
if [ "$AWS_PROFILE" = company ]; then
    unset AWS_PROFILE
    export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
fi
if [ "$1 $2" = "configure export-credentials" ]; then
    echo '{"Version": 1, "AccessKeyId": "test", "SecretAccessKey": "test", "Expiration": "2126-11-27T00:00:00Z"}'
    exit 0
fi
"""
# what cargo lambda 1.9 draws
NOT_YET = """\
echo try >>{folder}/tries
if [ "$(wc -l <{folder}/tries)" -le 2 ]; then
    printf 'Error:   × failed to create new lambda function\\n  ├─▶ service error\\n' >&2
    printf '  ╰─▶ InvalidParameterValueException: The role defined for the function cannot be\\n      assumed by Lambda.\\n' >&2
    exit 1
fi
"""
# a new account
TEN = """\
if [ "$1 $2" = "lambda get-account-settings" ]; then
    echo '{"AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}}'
    exit 0
fi
"""
# a stack's state, until it was rolled back; {rolls} is how that ends
STATE = """\
echo "$1 $2" >>{folder}/calls
case "$*" in
"cloudformation describe-stacks --stack-name {stack} "*)
    if [ ! -e {folder}/rolled ]; then
        echo '{{"Stacks": [{{"StackName": "{stack}", "StackStatus": "{state}", "CreationTime": "2026-11-27T00:00:00Z"}}]}}'
        exit 0
    fi
    ;;
"cloudformation continue-update-rollback "*) touch {folder}/rolled; exit 0 ;;
"cloudformation wait stack-rollback-complete "*) exit {rolls} ;;
esac
"""


class Login(StageTest):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="cicada-login-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def tearDown(self):
        self.destroy("demo")

    def stand_in(self, program, before):
        """The real program after a few lines of shell; the PATH to find it by."""
        path = self.folder / program
        path.write_text(f"#!/bin/sh\n{before}exec {TOOLS / program} \"$@\"\n")
        path.chmod(0o755)
        return f"{self.folder}:{TOOLS}:{os.environ['PATH']}"

    def test_credentials_that_only_the_cli_knows_are_handed_on_to_cargo_lambda(self):
        path = self.stand_in("aws", SESSION)
        nothing = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_PROFILE": "company"}
        self.deployed("demo", PATH=path, **nothing)
        self.assertEqual(self.function("cicada-demo-tick")["State"], "Active")

    def test_a_role_that_is_not_known_everywhere_yet_is_tried_again(self):
        path = self.stand_in("cargo-lambda", NOT_YET.format(folder=self.folder))
        self.deployed("demo", PATH=path)
        self.assertEqual((self.folder / "tries").read_text().count("try"), 5)

    def test_a_new_account_gets_what_it_has_room_for_and_reserves_nothing(self):
        path = self.stand_in("aws", TEN)
        result = self.deployed("demo", PATH=path)
        self.assertIn("5 ticks at once: the account has 10 of its 10 left in eu-central-1", result.stderr)
        self.assertEqual(self.mapping("demo")["ScalingConfig"], {"MaximumConcurrency": 5})
        reserved = self.aws.client("lambda").get_function_concurrency(FunctionName="cicada-demo-aggregator")
        self.assertFalse(reserved.get("ReservedConcurrentExecutions"))
        for option, says in (("--max-concurrency=6", "not enough concurrency"), ("--aggregator-concurrency=1", "leaves 9 for all")):
            refused = self.deploy("demo", option, PATH=path)
            self.assertEqual((refused.returncode, refused.stdout), (1, ""))
            self.assertIn(says, refused.stderr.splitlines()[-1])

    def test_a_stack_that_is_being_changed_says_so_and_nothing_is_done(self):
        for state in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"):
            for script, stack in (("deploy", "cicada-demo-base"), ("deploy", "cicada-demo-functions"), ("destroy", "cicada-demo-base")):
                path = self.stand_in("aws", STATE.format(folder=self.folder, stack=stack, state=state, rolls=0))
                result = self.aws.run(script, "--stage", "demo", PATH=path)
                self.assertEqual((result.returncode, result.stdout), (1, ""))
                said = f"{script}: the stack {stack} is being changed ({state}): wait until it is not, with 'aws cloudformation"
                self.assertIn(said, result.stderr.splitlines()[-1])
        self.assertEqual(self.aws.left(), {})

    def test_a_roll_back_that_failed_is_gone_on_with(self):
        stack = "cicada-demo-functions"
        before = STATE.format(folder=self.folder, stack=stack, state="UPDATE_ROLLBACK_FAILED", rolls=0)
        result = self.deployed("demo", PATH=self.stand_in("aws", before))
        self.assertIn(f"the stack {stack} was left amid a roll-back: going on with that", result.stderr)
        calls = (self.folder / "calls").read_text().splitlines()
        self.assertLess(calls.index("cloudformation continue-update-rollback"), len(calls) - 1)

    def test_a_roll_back_that_fails_again_says_what_to_do(self):
        before = STATE.format(folder=self.folder, stack="cicada-demo-base", state="UPDATE_ROLLBACK_FAILED", rolls=255)
        result = self.deploy("demo", PATH=self.stand_in("aws", before))
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertRegex(result.stderr.splitlines()[-1], "base cannot be rolled back .*continue-update-rollback .*--resources-to-skip NAME")
        self.assertEqual(self.aws.left(), {})
