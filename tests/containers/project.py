"""A project of Compose in a folder of its own, for tests."""

import pathlib
import re
import tempfile
import unittest

from engine import ROOT, docker, inspect

# in which every container of ours ends, with what is under way: Docker waits for ten
ENDS_WITHIN = 9


class Project(unittest.TestCase):
    """Tests of the containers that a project has; they are gone when the tests are over."""

    project = "cicada"
    files = {}
    arguments = ()
    variables = {}

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        # the containers' user reads what is mounted
        cls.folder.chmod(0o755)
        for name, text in cls.files.items():
            path = cls.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        cls.addClassCleanup(cls.compose, "down", "--volumes", "--timeout", "1", "--remove-orphans", check=False)

    def tearDown(self):
        """Leaves the containers' logs of a test that failed in test-output/containers."""
        errors = self._outcome.result.errors + self._outcome.result.failures
        if any(self.id() in failed.id() for failed, _ in errors):
            folder = ROOT / "test-output/containers"
            folder.mkdir(parents=True, exist_ok=True)
            logs = self.compose("logs", "--no-color", "--timestamps", check=False)
            (folder / f"{self.id()}.log").write_text(logs.stdout + logs.stderr)

    @classmethod
    def compose(cls, *arguments, check=True, **variables):
        files = [part for name in cls.files if name.endswith("compose.yaml") for part in ("--file", cls.folder / name)]
        command = ["compose", "--project-name", cls.project, *files, *cls.arguments, *arguments]
        return docker(*command, check=check, **{**cls.variables, **variables})

    @classmethod
    def containers(cls, service):
        return cls.compose("ps", "--all", "--quiet", service).stdout.split()

    @classmethod
    def container(cls, service):
        [container] = cls.containers(service)
        return container

    def ended_well(self, container):
        """That it has ended by itself, and not been killed."""
        state = inspect(container)["State"]
        self.assertEqual((state["Status"], state["ExitCode"], state["OOMKilled"]), ("exited", 0, False), container)


def stanza():
    """The service that takes the place of Locust's, from docs/containers.md."""
    text = (ROOT / "docs/containers.md").read_text()
    [found] = [text for text in re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S) if "aim-locust" in text]
    return found
