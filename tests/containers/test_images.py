"""The images: how large they are, and what they have."""

import unittest

from engine import docker, inspect


class Images(unittest.TestCase):
    def test_programs_answer_by_their_names_without_root(self):
        for program in ("cicada", "locust"):
            said = docker("run", "--rm", "--entrypoint", f"/usr/local/bin/{program}", "cicada", "--version").stdout
            self.assertRegex(said, r"^cicada \d")
        said = docker("run", "--rm", "--env", "LOCUST_USERS=7", "--entrypoint", "printenv", "cicada", "LOCUST_USERS")
        self.assertEqual(said.stdout, "7\n")
        for name in ("cicada", "cicada-stand-ins", "cicada-stage"):
            self.assertEqual(inspect(name)["Config"]["User"], "65532:65532")


if __name__ == "__main__":
    unittest.main()
