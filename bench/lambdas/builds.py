"""The builds of the function that are compared: what is deployed, and what it would be with another choice."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CARGO_LAMBDA = ROOT / ".tools" / "aws" / "bin" / "cargo-lambda"


@dataclass
class Build:
    """A build of the function; the settings are of a profile that inherits `release`, none is cargo lambda's."""

    name: str
    title: str
    settings: dict | None = field(default_factory=dict)

    def make(self, output):
        """Builds it, and returns where its binary is."""
        print(f"building: {self.title}", file=sys.stderr, flush=True)
        place = output / self.name
        if self.settings is None:
            environment = {**os.environ, "PATH": f"{CARGO_LAMBDA.parent}:{os.environ['PATH']}"}
            command = [CARGO_LAMBDA, "lambda", "build", "--release", "--locked", "--lambda-dir", output / "deployed"]
            subprocess.run([*command, "--package", "tick", "--bin", "tick"], cwd=ROOT, env=environment, check=True)
            shutil.copy(output / "deployed" / "tick" / "bootstrap", place)
            return place
        profile = f"bench-{self.name}"
        settings = {"inherits": '"release"', **self.settings}
        configuration = [f"--config=profile.{profile}.{name}={value}" for name, value in settings.items()]
        command = ["cargo", "build", "--locked", "--profile", profile, *configuration, "--package", "tick", "--bin", "tick"]
        subprocess.run(command, cwd=ROOT, check=True)
        shutil.copy(ROOT / "target" / profile / "tick", place)
        return place


STRIPPED = {"strip": '"symbols"'}
SMALL = {**STRIPPED, "codegen-units": "1"}

ALL = [
    Build("shipped", "as deployed: `cargo lambda build --release`", None),
    Build("plain", "plain release, stripped", STRIPPED),
    Build("fat", "fat LTO, not thin", {**SMALL, "lto": '"fat"'}),
    Build("unwind", "unwinding panics", {**SMALL, "lto": '"thin"', "panic": '"unwind"'}),
    Build("size", "optimised for size", {**SMALL, "lto": '"thin"', "panic": '"abort"', "opt-level": '"s"'}),
]


def stage():
    """Builds what puts a run into the store, and returns where it is."""
    return example("stage")


def example(name, package="tick", profile="dev"):
    """Builds an example, and returns where it is."""
    command = ["cargo", "build", "--locked", "--profile", profile, "--package", package, "--example", name]
    subprocess.run(command, cwd=ROOT, check=True)
    return ROOT / "target" / ("debug" if profile == "dev" else profile) / "examples" / name
