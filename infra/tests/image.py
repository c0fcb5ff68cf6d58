"""The image of local/Dockerfile without Docker: its instructions, what is sent to them, and its steps by hand.

    python infra/tests/image.py cicada FOLDER     does what `docker build --target cicada` does, in FOLDER

Base images are the machine that this runs on, so a step that needs what a base image brings (Node, Rust) needs
it here. A step's paths below /src and /out lie in FOLDER; cache mounts are left out.
"""

import fnmatch
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def instructions(text):
    """Pairs of an instruction and its arguments, lines that go on joined."""
    joined = ""
    for line in text.splitlines():
        if not joined and (line.startswith("#") or not line.strip()):
            continue
        joined += line.strip().removesuffix("\\") + " "
        if not line.rstrip().endswith("\\"):
            keyword, _, rest = joined.strip().partition(" ")
            yield keyword.upper(), rest.strip()
            joined = ""


def stages(text):
    """The stages by name: what they begin with, and their instructions."""
    found = {}
    for keyword, rest in instructions(text):
        if keyword == "FROM":
            base, _, name = rest.partition(" AS ")
            found[name] = (base, steps := [])
        else:
            steps.append((keyword, rest))
    return found


def dockerfile():
    return (ROOT / "local/Dockerfile").read_text()


class Ignored:
    """What .dockerignore leaves out: of all patterns that match a path or a folder above it the last one holds."""

    def __init__(self, text):
        lines = [line.strip() for line in text.splitlines()]
        self.patterns = [line for line in lines if line and not line.startswith("#")]

    def has(self, path):
        path = pathlib.PurePosixPath(path)
        candidates = [path, *path.parents][:-1]
        ignored = False
        for pattern in self.patterns:
            wanted = pattern.removeprefix("!")
            if any(matches(candidate, wanted) for candidate in candidates):
                ignored = not pattern.startswith("!")
        return ignored


def matches(path, pattern):
    if pattern.startswith("**/"):
        return any(matches(pathlib.PurePosixPath(*path.parts[n:]), pattern[3:]) for n in range(len(path.parts)))
    parts = pattern.split("/")
    return len(parts) == len(path.parts) and all(map(fnmatch.fnmatchcase, path.parts, parts))


def context():
    """What is sent to a build: files of the repository that are not ignored."""
    ignored = Ignored((ROOT / ".dockerignore").read_text())
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()
    return sorted(path for path in listed if not ignored.has(path) and (ROOT / path).is_file())


class ByHand:
    """The steps of the stages, each in a folder of its own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        self.stages = stages(dockerfile())
        self.done = {}
        # of all stages, by their defaults
        self.arguments = {}

    def build(self, name):
        """Does a stage, and those that it needs first; its root."""
        if name in self.done:
            return self.done[name]
        base, steps = self.stages[name]
        root = self.folder / name
        if base in self.stages:
            shutil.copytree(self.build(base), root, dirs_exist_ok=True, symlinks=True)
        root.mkdir(parents=True, exist_ok=True)
        workdir = "/src" if base in self.stages else "/"
        for keyword, rest in steps:
            if keyword == "WORKDIR":
                workdir = rest
                within(root, workdir).mkdir(parents=True, exist_ok=True)
            elif keyword == "COPY":
                self.copy(root, workdir, rest)
            elif keyword == "ARG":
                name, _, default = rest.partition("=")
                self.arguments.setdefault(name, default)
            elif keyword == "RUN":
                self.run(root, workdir, rest)
        self.done[name] = root
        return root

    def copy(self, root, workdir, rest):
        options, (*sources, destination) = options_of(rest)
        target = within(root, os.path.join(workdir, destination))
        for source in sources:
            if "from" in options:
                place(within(self.build(options["from"]), source), target, destination)
                continue
            wanted = pathlib.PurePosixPath(source)
            found = [path for path in context() if pathlib.PurePosixPath(path).is_relative_to(wanted)]
            if not found:
                raise SystemExit(f"COPY {source}: there is no such file in what is sent")
            for path in found:
                inside = pathlib.PurePosixPath(path).relative_to(wanted)
                to = target / (inside if inside.parts else pathlib.PurePosixPath(path).name)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / path, to)

    def run(self, root, workdir, rest):
        # a cache is a matter of speed
        command = re.sub(r"^(--\S+\s+)+", "", rest)
        for place_of in ("/out", "/src"):
            command = command.replace(f"{place_of}/", f"{within(root, place_of)}/")
        print(f"+ {command}", file=sys.stderr, flush=True)
        subprocess.run(
            ["sh", "-ec", command], cwd=within(root, workdir), env={**os.environ, **self.arguments}, check=True
        )


def within(root, path):
    return root / path.lstrip("/")


def options_of(rest):
    words = shlex.split(rest)
    options = {}
    while words and words[0].startswith("--"):
        name, _, value = words.pop(0)[2:].partition("=")
        options[name] = value
    return options, words


def place(source, target, destination):
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)
    else:
        target = target / source.name if destination.endswith("/") else target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def main():
    target, folder = sys.argv[1:]
    root = ByHand(folder).build(target)
    for path in sorted(root.rglob("*")):
        if path.is_file():
            print(f"{path.stat().st_size / 1e6:8.2f} MB  /{path.relative_to(root)}")


if __name__ == "__main__":
    main()
