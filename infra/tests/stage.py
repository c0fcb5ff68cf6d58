"""A stage in the emulator, for tests that deploy one.

`LAMBDA_DIR` names a folder of built functions; without it they are built first, as `make deploy` does.
"""

import os
import unittest

from emulator import ROOT, Emulator


class StageTest(unittest.TestCase):
    """Tests that share an emulator; `deploy` deploys what was built."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.aws = Emulator()
        cls.addClassCleanup(cls.aws.stop)

    @classmethod
    def deploy(cls, stage, *options, **changes):
        """Returns what the script said: its result."""
        if not os.environ.get("LAMBDA_DIR"):
            # the first deployment builds, the others find it done
            result = cls.aws.run("deploy", "--stage", stage, *options, **changes)
            os.environ["LAMBDA_DIR"] = str(ROOT / "target/lambda")
        else:
            built = ("--no-build", "--lambda-dir", os.environ["LAMBDA_DIR"])
            result = cls.aws.run("deploy", "--stage", stage, *built, *options, **changes)
        return result

    @classmethod
    def deployed(cls, stage, *options, **changes):
        """Like `deploy`, for what must succeed."""
        result = cls.deploy(stage, *options, **changes)
        assert result.returncode == 0, result.stderr
        return result

    @classmethod
    def destroy(cls, stage):
        cls.aws.done("destroy", "--stage", stage)

    def function(self, name):
        return self.aws.client("lambda").get_function_configuration(FunctionName=name)

    def mapping(self, stage):
        client = self.aws.client("lambda")
        [mapping] = client.list_event_source_mappings(FunctionName=f"cicada-{stage}-tick")["EventSourceMappings"]
        return mapping

    def schedule(self, stage, name):
        return self.aws.client("scheduler").get_schedule(GroupName=f"cicada-{stage}", Name=name)

    def switch_on(self, stage):
        """Heartbeat and mapping, as the aggregator does when a run is started."""
        beat = self.schedule(stage, "heartbeat")
        kept = ("Name", "GroupName", "Description", "ScheduleExpression", "FlexibleTimeWindow", "Target")
        self.aws.client("scheduler").update_schedule(**{name: beat[name] for name in kept}, State="ENABLED")
        self.aws.client("lambda").update_event_source_mapping(UUID=self.mapping(stage)["UUID"], Enabled=True)
