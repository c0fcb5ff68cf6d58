"""The images, and the file that they are built from."""

import pathlib
import tempfile
import unittest

from engine import docker, image, inspect


class Images(unittest.TestCase):
    def test_programs_answer_by_their_names_without_root(self):
        for program in ("cicada", "locust"):
            said = docker("run", "--rm", "--entrypoint", f"/usr/local/bin/{program}", "cicada", "--version").stdout
            self.assertRegex(said, r"^cicada \d")
        said = docker("run", "--rm", "--env", "LOCUST_USERS=7", "--entrypoint", "printenv", "cicada", "LOCUST_USERS")
        self.assertEqual(said.stdout, "7\n")
        for name in ("cicada", "cicada-stand-ins", "cicada-stage"):
            self.assertEqual(inspect(name)["Config"]["User"], "65532:65532")

    def test_buildkit_reads_the_whole_file(self):
        # it reads all stages, and does what the named one needs; the line that names a syntax is for a registry
        read = image.dockerfile().replace("# syntax=", "# ")
        with tempfile.TemporaryDirectory() as folder:
            for wrong, expected in (("", 0), ("RUN --mount=type=cash true\n", 1)):
                pathlib.Path(folder, "Dockerfile").write_text(f"{read}\n{wrong}FROM scratch AS read\nCOPY Dockerfile /\n")
                built = docker("build", "--target", "read", folder, check=False, DOCKER_BUILDKIT="1")
                self.assertEqual(built.returncode, expected, built.stderr)


if __name__ == "__main__":
    unittest.main()
