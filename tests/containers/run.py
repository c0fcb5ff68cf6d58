#!/usr/bin/env python3
"""Runs the tests of this folder on a Docker engine of their own; arguments go to unittest, such as -k NAME.

    make containers        installs and builds what they need, and calls this
    tests/containers/run.py -k Stanza

The engine is in network, process and mount namespaces of its own: it neither sees nor disturbs another engine of this
machine, its ports are nobody else's, nothing in it reaches beyond this machine, and when this program ends, however it
ends, the kernel ends all that the tests have started.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
NAMESPACES = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
# set for what runs in the namespaces: the folder for all that the engine keeps
FOLDER = "CICADA_CONTAINERS"


def main():
    in_namespaces(__file__, tests)


def in_namespaces(program, inside):
    """Starts the program again in namespaces of its own, where it calls `inside` with the engine's folder."""
    if FOLDER in os.environ:
        sys.exit(inside(pathlib.Path(os.environ[FOLDER])))
    probe = subprocess.run([*NAMESPACES, "true"], capture_output=True, text=True)
    if probe.returncode != 0:
        print(f"containers: left out, since namespaces cannot be made here: {probe.stderr.strip()}")
        return
    folder = pathlib.Path(tempfile.mkdtemp(prefix="cicada-containers-"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        command = [*NAMESPACES, sys.executable, program, *sys.argv[1:]]
        sys.exit(subprocess.run(command, env={**os.environ, FOLDER: str(folder)}).returncode)
    finally:
        shutil.rmtree(folder)
        remove_cgroups(folder.name)


def tests(folder):
    """Runs the tests as the first process of the namespaces."""
    import engine

    engine.start(folder)
    try:
        arguments = ["unittest", "discover", "--start-directory", str(HERE), *sys.argv[1:]]
        runner = unittest.TextTestRunner(verbosity=2, resultclass=Timed)
        return not unittest.main(module=None, argv=arguments, testRunner=runner, exit=False).result.wasSuccessful()
    finally:
        engine.stop()


class Timed(unittest.TextTestResult):
    """Says how long each test took, since all have eight minutes."""

    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        self.stream.write(f"{time.monotonic() - self.began:.0f} s ... ")
        super().addSuccess(test)


def remove_cgroups(name):
    """Takes away the empty control groups that an engine leaves behind when it is killed."""
    for top in pathlib.Path("/sys/fs/cgroup").glob(f"**/{name}"):
        for folder, _, _ in os.walk(top, topdown=False):
            os.rmdir(folder)


if __name__ == "__main__":
    main()
