"""The page docs/aws.md: each of its commands as it is written there, against the emulator.

So is the one of docs/tls.md that deploys, before the stage is taken away.

Two things are other than for a reader: where traffic goes, and what `URL` is, which the reader copies.
"""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import target
from emulator import ROOT, TOOLS, Emulator

def page(name):
    return (ROOT / "docs" / name).read_text()


def commands():
    """All blocks of the page, and what is run here of others."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page("aws.md"), re.M | re.S)
    others = re.findall(r"^<!-- run by infra/tests/test_aws.py -->\n```sh\n(.*?)^```", page("tls.md"), re.M | re.S)
    assert "make destroy" in blocks[-1] and others
    return [*blocks[:-1], *others, blocks[-1]]


class AwsPage(unittest.TestCase):
    def test_every_command_does_what_is_said(self):
        # what roles may do is another test's matter: the emulator has names of its own for some of it
        aws = Emulator(auth=False)
        self.addCleanup(aws.stop)
        url, stop = target.serve()
        self.addCleanup(stop)
        with tempfile.TemporaryDirectory() as folder:
            [workload] = re.findall(r"^<!-- file: shop.toml -->\n```toml\n(.*?)^```", page("workloads.md"), re.M | re.S)
            Path(folder, "shop.toml").write_text(workload)
            for name in ("cicada.pem", "cicada.key"):
                Path(folder, name).write_text(f"-----BEGIN {name}-----\n-----END {name}-----\n")
            path = f"{ROOT}/target/debug:{TOOLS}:{os.environ['PATH']}"
            script = self.script(url, Path(folder))
            done = subprocess.run(
                ["bash", "-c", script], cwd=ROOT, env=aws.environment(PATH=path), capture_output=True, text=True
            )
            said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, said)
        for what in (
            '"message":"Swarming started"',
            '"message":"Test stopped"',
            '"message":"Schedule saved"',
            '"user_classes":["Shopper"]',
            "60 users for ",
            "nothing is left of stage demo",
        ):
            self.assertIn(what.replace(" ", ""), said.replace(" ", ""))
        self.assertNotIn('"success":false', said.replace(" ", ""))
        self.assertEqual(aws.left(), {})

    def script(self, url, folder):
        """All blocks, one after the other, in one shell."""
        script = "set -eu\n"
        for block in commands():
            block = re.sub(r"https://(shop|agent)\.example\.com", url, block)
            block = re.sub(r"\b(shop\.toml|cicada\.pem|cicada\.key)", rf"{folder}/\1", block)
            block = re.sub(r"^URL=.*$", f"URL=$(sed -n 's/^url *//p' {folder}/deployed)", block, flags=re.M)
            script += f"{{\n{block}}} >{folder}/said 2>&1 || {{ cat {folder}/said; exit 1; }}\ncat {folder}/said\n"
            script += f"if grep -q '^url ' {folder}/said; then cp {folder}/said {folder}/deployed; fi\n"
        return script


if __name__ == "__main__":
    unittest.main()
