"""The container: what is sent to a build and what its steps take, and the compose file's promises."""

import re
import subprocess
import unittest

import yaml

import image

OURS = ("cicada", "targets", "aggregator", "traffic")


def compose(**variables):
    """The compose file with its variables filled in, as Compose fills them."""
    text = (image.ROOT / "local/compose.yaml").read_text()

    def value(found):
        return variables.get(found["name"]) or found["default"] or ""

    # as a quoted text where nothing would be left
    filled = re.sub(r"\$\{(?P<name>\w+)(:-(?P<default>[^}]*))?\}", lambda found: value(found) or "''", text)
    return yaml.safe_load(filled)


class Context(unittest.TestCase):
    def test_everything_that_cargo_builds_is_sent_and_nothing_that_it_has_built(self):
        sent = set(image.context())
        listed = subprocess.run(
            ["git", "ls-files", "*.rs", "*.toml", "Cargo.lock"],
            cwd=image.ROOT, check=True, capture_output=True, text=True,
        ).stdout.splitlines()
        # peers to compare with, and settings of tools
        needless = re.compile(r"bench/|(clippy|deny)\.toml$")
        lacking = [path for path in listed if path not in sent and not needless.match(path)]
        self.assertEqual(lacking, [])
        for path in sent:
            self.assertNotRegex(path, r"^(target|\.git|\.tools|test-output|docs|bench)/|node_modules|/dist/|\.db$")

    def test_files_that_are_compiled_in_are_sent(self):
        sent = set(image.context())
        included = re.compile(r"include_(?:str|bytes)!\(\s*\"([^\"]+)\"")
        for path in sorted(path for path in sent if path.endswith(".rs")):
            for name in included.findall((image.ROOT / path).read_text()):
                file = ((image.ROOT / path).parent / name).resolve().relative_to(image.ROOT.resolve())
                self.assertIn(str(file), sent, f"{path} includes it")

    def test_the_last_matching_pattern_holds_for_whatever_is_below(self):
        ignored = image.Ignored("*\n!a\na/b\n**/x\n!a/keep.db\n**/*.db\n")
        for path, is_ignored in {
            "other": True, "a/file": False, "a/b/file": True, "a/c/b": False, "a/c/x/file": True,
            "a/keep.db": True, "a/target/file": False,
        }.items():
            self.assertEqual(ignored.has(path), is_ignored, path)


class Steps(unittest.TestCase):
    stages = image.stages(image.dockerfile())

    def test_programs_that_are_built_exist_and_are_those_that_are_started(self):
        text = image.dockerfile()
        built = set(re.findall(r"--bin (\S+)", text))
        started = set(re.findall(r"/usr/local/bin/([\w-]+)\"", text))
        started |= set(re.findall(r"/usr/local/bin/([\w-]+)", (image.ROOT / "local/compose.yaml").read_text()))
        self.assertEqual(started, built)
        manifests = "".join((image.ROOT / path).read_text() for path in image.context() if path.endswith("Cargo.toml"))
        for program in built:
            self.assertIn(f'name = "{program}"', manifests)

    def test_what_runs_is_not_root_and_has_no_shell(self):
        for name in ("cicada", "stage"):
            base, steps = self.stages[name]
            self.assertEqual(base, "gcr.io/distroless/cc-debian12:nonroot")
            self.assertIn(("USER", "nonroot"), steps)
            self.assertIn(("STOPSIGNAL", "SIGTERM"), steps)
            self.assertNotIn("RUN", [keyword for keyword, _ in steps])
            # without a shell a command is an array
            for keyword, rest in steps:
                if keyword in ("CMD", "ENTRYPOINT"):
                    self.assertTrue(rest.startswith("["), rest)
        self.assertEqual(list(self.stages)[-1], "cicada", "what is built when no target is named")

    def test_the_rust_of_the_image_is_new_enough(self):
        wanted = re.search(r'rust-version = "([\d.]+)"', (image.ROOT / "Cargo.toml").read_text())[1]
        given = re.search(r"FROM rust:([\d.]+)-", image.dockerfile())[1]
        number = lambda version: tuple(map(int, version.split(".")))
        self.assertGreaterEqual(number(given), number(wanted))


class Compose(unittest.TestCase):
    def test_our_services_are_limited_and_can_write_nowhere_else(self):
        services = compose()["services"]
        for name in OURS:
            service = services[name]
            self.assertEqual(service["deploy"]["resources"]["limits"], {"cpus": "1", "memory": "512M"}, name)
            self.assertIs(service["read_only"], True, name)
            self.assertEqual(service["cap_drop"], ["ALL"], name)
            self.assertIn("no-new-privileges:true", service["security_opt"], name)

    def test_without_a_profile_there_is_cicada_alone_on_its_port(self):
        services = compose()["services"]
        always = [name for name, service in services.items() if "profiles" not in service]
        self.assertEqual(always, ["cicada"])
        self.assertEqual(services["cicada"]["ports"], ["127.0.0.1:8089:8089"])
        self.assertEqual(services["cicada"]["environment"]["LOCUST_BASIC_AUTH"], "")
        elsewhere = compose(CICADA_BIND="0.0.0.0", LOCUST_BASIC_AUTH="me:secret")["services"]["cicada"]
        self.assertEqual(elsewhere["ports"], ["0.0.0.0:8089:8089"])
        self.assertEqual(elsewhere["environment"]["LOCUST_BASIC_AUTH"], "me:secret")

    def test_the_network_is_ours_or_the_one_that_is_named(self):
        self.assertEqual(compose()["networks"]["targets"], {"name": "cicada", "external": False})
        named = compose(CICADA_NETWORK="demo_default", CICADA_NETWORK_EXTERNAL="true")["networks"]["targets"]
        self.assertEqual(named, {"name": "demo_default", "external": True})
        services = compose()["services"]
        self.assertEqual(services["targets"]["networks"]["targets"]["aliases"], ["target-app", "ai-agent"])
        for name in ("cicada", "aggregator", "traffic"):
            self.assertIn("targets", services[name]["networks"])
        self.assertEqual(services["dynamodb"]["networks"], ["stage"], "nobody else sees the table")

    def test_traffic_can_be_scaled_and_everybody_has_the_same_table(self):
        services = compose()["services"]
        traffic, aggregator = services["traffic"], services["aggregator"]
        # a name or a port of its own would be there only once
        self.assertFalse({"container_name", "ports", "hostname"} & set(traffic))
        shared = [name for name in traffic["environment"] if name.startswith(("AWS_", "CICADA_T", "TARGET", "AI_"))]
        for name in shared:
            self.assertEqual(traffic["environment"][name], aggregator["environment"][name], name)
        self.assertEqual(traffic["environment"]["CICADA_TRAFFIC"], "processes")


if __name__ == "__main__":
    unittest.main()
