"""Every command in a document does what it should, as it is written there, and every file in one is right.

A page's ```sh blocks run one after the other in a folder of their own, each with what the one before has exported.
A comment before a block says what else becomes of it:

    <!-- serves -->             it is a server that stays until the next of its kind; what follows talks to it
    <!-- serves stand-ins -->   the same for the stand-in targets
    <!-- exit code N -->        it ends with this exit code, and not with 0
    <!-- run by PATH -->        another test runs it, which has the page's name in it
    <!-- not run: REASON -->    nobody does
    <!-- file: NAME -->         it is the file of this name, for the commands of the page
    <!-- output of: ... -->     test_cost.py compares it

Three things are other than for a reader: servers have free ports, curl fails where a server refuses, and a run
without a time ends after ten seconds.
"""

import concurrent.futures
import os
import re
import signal
import subprocess
import tempfile
import time
import tomllib
import unittest
from pathlib import Path

from test_links import ROOT, documents

# what cargo has built for tests
BINARIES = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "debug"
# their commands are run as a whole by the test that is named
ELSEWHERE = {"docs/aws.md": "infra/tests/test_aws.py"}
LANGUAGES = {"sh", "text", "toml", "json", "sql", "yaml", "nginx", "ini"}
BLOCK = re.compile(r"^(?:<!-- ([^\n]*) -->\n)?```([^\n]*)\n(.*?)^```$", re.M | re.S)
READY = {
    "cicada": re.compile(r"serving Locust's API at \w+://[^\s/]+:(\d+)"),
    "target-app": re.compile(r"target-app\b.*? http://[^\s/]+:(\d+)"),
    "ai-agent": re.compile(r"ai-agent\b.*? http://[^\s/]+:(\d+)"),
}
SHIMS = {
    "cicada": 'exec {binaries}/cicada "$@"',
    "stand-in-targets": 'exec {binaries}/stand-in-targets --target-app 127.0.0.1:0 --ai-agent 127.0.0.1:0 "$@"',
    "curl": 'PATH=/usr/local/bin:/usr/bin:/bin exec curl --fail-with-body --silent --show-error --max-time 60 "$@"',
}


def written_shims():
    """The folder with the shims. They are written before any page runs: a file that is open for writing in one thread
    cannot be executed by the child of another."""
    folder = tempfile.TemporaryDirectory(prefix="cicada-docs-bin-")
    for name, line in SHIMS.items():
        shim = Path(folder.name, name)
        shim.write_text("#!/bin/sh\n" + line.format(binaries=BINARIES) + "\n")
        shim.chmod(0o755)
    return folder


BIN = written_shims()


def blocks(page):
    """The marker, language and text of each block."""
    return [(marker or "", language, text) for marker, language, text in BLOCK.findall(page.read_text())]


def commands(page):
    return [block for block in blocks(page) if block[1] == "sh"]


class Failed(Exception):
    pass


class Server:
    """A program that serves until it is stopped, and the ports that it has said."""

    def __init__(self, script, page, names):
        self.log = Path(page.folder, f"server-{len(page.servers)}.log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["bash", "-c", f"set -e\n{script}"], cwd=page.folder, env=page.environment(),
                stdout=log, stderr=log, start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while True:
            said = self.log.read_text()
            found = {name: READY[name].search(said) for name in names}
            if all(found.values()):
                self.ports = {name: match[1] for name, match in found.items()}
                return
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise Failed(f"{script}does not serve:\n{said}")
            time.sleep(0.05)

    def stop(self):
        """Ctrl-C, by which a server ends well; whether any request failed is not the question here."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise Failed(f"it does not end:\n{self.log.read_text()}") from None
        return code


class Page:
    """One page's commands, run in order."""

    def __init__(self, path):
        self.path = path
        self.servers = {}

    def run(self):
        self.within(self.blocks)

    def within(self, work):
        """Does some work in a folder of its own, and ends the servers that it has started."""
        with tempfile.TemporaryDirectory(prefix="cicada-docs-") as folder:
            self.folder = folder
            try:
                self.prepare()
                work()
            finally:
                codes = [server.stop() for server in self.servers.values()]
            if not set(codes) <= {0, 1, 130}:
                raise Failed(f"servers ended with {codes}")

    def blocks(self):
        for marker, language, text in blocks(self.path):
            if marker.startswith("file: "):
                Path(self.folder, marker.removeprefix("file: ")).write_text(self.here(text))
            elif language == "sh" and not marker.startswith(("not run: ", "run by ")):
                self.block(marker, text)

    def prepare(self):
        Path(self.folder, "exported").write_text("")
        # whatever a page starts itself, there is something to talk to before
        self.serve("stand-in-targets\n", "target-app", "ai-agent")

    def block(self, marker, text):
        if marker == "serves stand-ins":
            self.serve(text, "target-app", "ai-agent")
        elif marker == "serves":
            self.serve(text, "cicada")
        else:
            if ":8089" in text and "cicada" not in self.servers:
                self.serve("cicada --autostart -u 6 -r 6\n", "cicada")
            code = int(marker.removeprefix("exit code ") or 0)
            self.execute(text, code)

    def serve(self, text, *names):
        for name in names:
            if name in self.servers:
                self.servers.pop(name).stop()
        server = Server(self.script(text), self, names)
        for name in names:
            self.servers[name] = server

    def execute(self, text, expected):
        script = f"{self.script(text)}\nexport -p >{self.folder}/exported\n"
        done = subprocess.run(
            ["bash", "-c", f"set -eu\n{script}"], cwd=self.folder, env=self.environment(),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600,
        )
        if done.returncode != expected:
            raise Failed(f"{text}ends with {done.returncode}:\n{done.stdout}")
        if re.search(r'"success": ?false', done.stdout):
            raise Failed(f"{text}is refused:\n{done.stdout}")

    def script(self, text):
        return f". {self.folder}/exported\n{self.here(text)}"

    def here(self, text):
        """A text with the ports and the programs of this page."""
        for name, port in (("cicada", 8089), ("target-app", 8000), ("ai-agent", 8001)):
            if name in self.servers:
                text = re.sub(rf"(localhost|127\.0\.0\.1):{port}\b", rf"\1:{self.servers[name].ports[name]}", text)
        return text.replace("target/release/", "")

    def environment(self):
        ports = {name: server.ports[name] for name, server in self.servers.items()}
        return {
            "HOME": self.folder,
            "PATH": f"{BIN.name}:{os.environ['PATH']}",
            "NO_PROXY": "*",
            "LOCUST_WEB_HOST": "127.0.0.1",
            "LOCUST_WEB_PORT": "0",
            "LOCUST_RUN_TIME": "10s",
            "TARGET_APP_URL": f"http://localhost:{ports.get('target-app', 8000)}",
            "AI_AGENT_URL": f"http://localhost:{ports.get('ai-agent', 8001)}",
        }


class Commands(unittest.TestCase):
    def test_every_command_does_what_it_should(self):
        pages = [
            Page(path)
            for path in documents()
            if str(path.relative_to(ROOT)) not in ELSEWHERE
            and any(not marker.startswith(("not run: ", "run by ")) for marker, _, _ in commands(path))
        ]
        self.assertGreater(len(pages), 8)
        # most of them wait
        with concurrent.futures.ThreadPoolExecutor(len(pages)) as pool:
            runs = {page: pool.submit(page.run) for page in pages}
        for page, run in runs.items():
            with self.subTest(page.path.relative_to(ROOT)):
                if isinstance(error := run.exception(), Failed):
                    self.fail(str(error))
                run.result()

    def test_what_is_not_run_here_has_a_reason(self):
        for path in documents():
            page = str(path.relative_to(ROOT))
            with self.subTest(page):
                for marker, language, text in blocks(path):
                    self.assertIn(language, LANGUAGES, text)
                    self.assertRegex(
                        marker,
                        r"^(|serves|serves stand-ins|exit code \d+|run by \S+|not run: .{20,}|file: [\w.]+|from the tests: .*|options of .*|(output|figures) of: .*)$",
                    )
                    if marker.startswith("run by "):
                        self.assertIn(path.name, (ROOT / marker.removeprefix("run by ")).read_text())
                # commands stand in blocks that say so
                self.assertNotRegex(re.sub(BLOCK, "", path.read_text()), r"(?m)^(```|\n    \S)")
        for page, test in ELSEWHERE.items():
            self.assertIn(Path(page).name, (ROOT / test).read_text())

    def test_workloads_are_toml_and_the_built_in_shapes_are_shown(self):
        built_in = tomllib.loads((ROOT / "functions/traffic/workloads/default.toml").read_text())
        shapes = []
        for path in documents():
            for _, language, text in blocks(path):
                if language == "toml":
                    with self.subTest(path.relative_to(ROOT)):
                        shapes += [shape for shape in [tomllib.loads(text).get("shape")] if shape]
        self.assertIn(built_in["shape"], shapes)


if __name__ == "__main__":
    unittest.main()
