"""Where things are, and how they get built: Cicada, the peers, the tools. Nothing here measures."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"
OUTPUT = ROOT / "test-output"
SCRATCH = OUTPUT / "bench"

CICADA = ROOT / "target" / "dist" / "cicada"
PEERS = BENCH / "target" / "dist"
NGINX = ROOT / ".tools" / "nginx" / "nginx"
PYTHON = ROOT / ".tools" / "venv" / "bin" / "python"
LOCUST = ROOT / ".tools" / "venv" / "bin" / "locust"

# Programs of the workspace that time one thing and print one line of JSON:
# fold     {"outcomes": 1000000, "seconds": ...}: the aggregator folds the records of so many outcomes
# plan     {"after_minute_ns": ..., "after_month_ns": ...}: what is due in one slot, for one block
FOLD = ROOT / "target" / "dist" / "examples" / "fold"
PLAN = ROOT / "target" / "dist" / "examples" / "plan_cost"

BUILDS = {
    "cicada": ["-p", "local", "--bin", "cicada"],
    "fold": ["-p", "statistics", "--example", "fold"],
    "plan": ["-p", "traffic", "--example", "plan_cost"],
}
# each on its own, so that no peer's features reach another
PEER_BUILDS = [
    ["--bin", "bare", "--bin", "arrivals"],
    ["--features", "loaded", "--bin", "bare-loaded"],
    ["--features", "goose", "--bin", "goose-peer"],
]


def build(names):
    """Builds the named parts of the workspace, the peers and the tools; what is built already costs a moment."""
    (ROOT / "test-output").mkdir(exist_ok=True)
    for name in names:
        step(["cargo", "build", "--profile", "dist", *BUILDS[name]], ROOT)
    for arguments in PEER_BUILDS:
        step(["cargo", "build", "--locked", "--profile", "dist", "--target-dir", "target", *arguments], BENCH)
    step([str(ROOT / "scripts" / "tools.sh")], ROOT)


def step(command, directory):
    """Runs one step of the preparation and ends the program with its output when it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"}
    done = subprocess.run(command, cwd=directory, env=environment, text=True, capture_output=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
