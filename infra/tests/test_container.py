"""The container: what is sent to a build and what its steps take, and the promises of the compose file and the stanza."""

import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml

import compose_file
import image
from compose_file import read as compose

OURS = ("cicada", "targets", "aggregator", "traffic")


class Context(unittest.TestCase):
    def test_everything_that_cargo_builds_is_sent_and_nothing_that_it_has_built(self):
        sent = set(image.context())
        listed = subprocess.run(
            ["git", "ls-files", "*.rs", "*.toml", "Cargo.lock"],
            cwd=image.ROOT, check=True, capture_output=True, text=True,
        ).stdout.splitlines()
        # peers to compare with, settings of tools, and what only tests compile
        needless = re.compile(
            r"bench/|(clippy|deny)\.toml$|(.*/)?(tests|examples)/|.*/tests\.rs$|functions/testing/src/(?!lib\.rs)"
        )
        lacking = [path for path in listed if path not in sent and not needless.match(path)]
        self.assertEqual(lacking, [])
        for path in sent:
            self.assertNotRegex(path, r"^(target|\.git|\.tools|test-output|docs|bench)/|node_modules|/dist/|\.db$")

    def test_every_module_that_a_program_has_is_sent(self):
        sent = set(image.context())
        modules = re.compile(r"^((?:\s*#\[[^\n]*\]\n)*)\s*(?:pub(?:\([^)]*\))? )?mod (\w+);", re.M)
        followed = 0
        for path in sorted(path for path in sent if path.endswith(".rs") and path != "functions/testing/src/lib.rs"):
            file = pathlib.PurePosixPath(path)
            is_root = file.name in ("lib.rs", "main.rs", "build.rs") or file.parent.name == "bin"
            below = file.parent if is_root else file.with_suffix("")
            for attributes, name in modules.findall((image.ROOT / path).read_text()):
                if "cfg(test)" in attributes or "cfg(all(test" in attributes:
                    continue
                followed += 1
                self.assertTrue({f"{below}/{name}.rs", f"{below}/{name}/mod.rs"} & sent, f"{path}: mod {name}")
        self.assertGreater(followed, 300)

    def test_a_change_of_a_document_a_test_or_how_images_are_run_builds_nothing_anew(self):
        sent = image.context()
        for path in sent:
            self.assertNotRegex(path, r"\.md$|(^|/)(tests|examples)/|/tests\.rs$|compose\.yaml$|Dockerfile|^local/(man|completions)/")
        self.assertIn("functions/testing/src/lib.rs", sent, "cargo asks for each member's target")

    def test_cargo_finds_all_that_it_asks_for_in_what_is_sent(self):
        with tempfile.TemporaryDirectory() as folder:
            for path in image.context():
                target = pathlib.Path(folder, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                # cargo reads manifests, and looks whether sources are there
                target.write_text((image.ROOT / path).read_text() if path.endswith((".toml", ".lock")) else "")
            read = subprocess.run(
                ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"],
                cwd=folder, capture_output=True, text=True,
            )
            self.assertEqual(read.returncode, 0, read.stderr)

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
        base, common = self.stages["base"]
        self.assertEqual(base, "gcr.io/distroless/static-debian12:nonroot")
        # a number, which says by itself that it is not root
        self.assertIn(("USER", "65532:65532"), common)
        self.assertIn(("STOPSIGNAL", "SIGTERM"), common)
        for name in ("cicada", "stage", "stand-ins"):
            base, steps = self.stages[name]
            self.assertEqual(base, "base")
            self.assertNotIn("RUN", [keyword for keyword, _ in steps])
            # without a shell a command is an array
            for keyword, rest in steps:
                if keyword in ("CMD", "ENTRYPOINT"):
                    self.assertTrue(rest.startswith("["), rest)
        self.assertEqual(list(self.stages)[-1], "cicada", "what is built when no target is named")

    def test_each_image_has_its_own_programs_and_both_are_called_by_their_names(self):
        for stage, programs in {
            "build-cicada": {"cicada"}, "build-stand-ins": {"stand-in-targets"},
            "build-stage": {"aggregator-server", "tick-server"},
        }.items():
            steps = " ".join(rest for keyword, rest in self.stages[stage][1] if keyword == "RUN")
            self.assertEqual(set(re.findall(r"--bin (\S+)", steps)), programs)
            for program in programs:
                self.assertIn(f'target/$PROFILE/{program}', steps)
        # commands of Locust's documentation
        for name in ("locust", "printenv"):
            self.assertIn(f"ln -s cicada /out/bin/{name}", image.dockerfile())

    def test_architectures_share_no_cache_of_what_is_compiled(self):
        compiled = re.findall(r"target=/src/target,(\S+)", image.dockerfile())
        self.assertEqual(len(compiled), 3)
        for options in compiled:
            self.assertIn("id=cicada-target-$TARGETARCH", options)
        arguments = [rest for keyword, rest in self.stages["sources"][1] if keyword == "ARG"]
        self.assertIn("TARGETARCH", arguments)

    def test_glibc_is_that_of_the_system_that_the_programs_are_built_on(self):
        self.assertEqual(self.stages["glibc"][0], self.stages["sources"][0])
        # the same release, so that both follow its updates
        self.assertEqual(self.stages["sources"][0].rsplit("-", 1)[1], "bookworm")
        self.assertIn("debian12", self.stages["base"][0])

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

    def test_cicada_knows_where_its_port_is_published(self):
        for bind in ("", "0.0.0.0", "192.0.2.1"):
            service = compose(CICADA_BIND=bind, LOCUST_BASIC_AUTH="me:secret")["services"]["cicada"]
            [port] = service["ports"]
            self.assertEqual(port.split(":")[0], service["environment"]["CICADA_BIND"])
            self.assertEqual(service["environment"]["LOCUST_BASIC_AUTH"], "me:secret")

    def test_the_pages_of_the_stand_ins_are_there_for_this_machine_only(self):
        targets = compose(CICADA_BIND="0.0.0.0", CICADA_AI_AGENT_PORT="9001")["services"]["targets"]
        self.assertEqual(targets["ports"], ["127.0.0.1:8000:8000", "127.0.0.1:9001:8001"])

    def test_every_variable_of_the_env_file_is_passed_on_unless_it_would_move_the_port(self):
        services = compose()["services"]
        for name in ("cicada", "aggregator", "traffic"):
            service = services[name]
            self.assertEqual(service["env_file"], [{"path": ".env", "required": False}], name)
        text = (image.ROOT / "local/compose.yaml").read_text()
        # what is set here takes the place of the file's: it is that variable itself, or
        fixed = {
            "LOCUST_WEB_HOST", "LOCUST_WEB_PORT", "CICADA_TABLE", "CICADA_TRAFFIC", "AWS_ENDPOINT_URL", "AWS_REGION",
            "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED", "CICADA_CREATE_TABLE",
            "CICADA_WEB_HOST", "CICADA_WEB_PORT", "CICADA_LOG",
        }
        for service in services.values():
            for variable in set(service.get("environment", {})) - fixed:
                self.assertRegex(text, rf"\b{variable}: \$\{{{variable}:-[^}}]*\}}")

    def test_stand_ins_and_the_table_start_first_and_end_last(self):
        services = compose()["services"]
        well = {"condition": "service_healthy", "required": False}
        for name in ("cicada", "aggregator", "traffic"):
            self.assertEqual(services[name]["depends_on"]["targets"], well, name)
        self.assertIn("dynamodb", services["aggregator"]["depends_on"])
        self.assertEqual(services["traffic"]["depends_on"]["aggregator"], {"condition": "service_healthy"})
        steps = dict(image.stages(image.dockerfile())["stand-ins"][1])
        self.assertIn("health", steps["HEALTHCHECK"])

    def test_a_container_needs_no_more_time_to_end_than_an_engine_gives(self):
        services = [*compose()["services"].values(), *Stanza().stanza(LOCUST_BASIC_AUTH="a:b")["services"].values()]
        for service in services:
            self.assertNotIn("stop_grace_period", service)

    def test_each_container_of_ours_has_a_health_check_of_its_own(self):
        services, stages = compose()["services"], image.stages(image.dockerfile())
        for name in OURS:
            steps = dict(stages[services[name]["build"]["target"]][1])
            self.assertTrue("HEALTHCHECK" in steps or "healthcheck" in services[name], name)
        self.assertIn("CICADA_HEALTH_PORT", dict(stages["stage"][1])["ENV"])

    def test_a_run_goes_on_in_the_next_container(self):
        self.assertIn("CICADA_RESUME=true", dict(image.stages(image.dockerfile())["cicada"][1])["ENV"])
        self.assertIn("--db", compose()["services"]["cicada"]["command"])

    def test_logs_do_not_fill_the_disk(self):
        for name, service in compose()["services"].items():
            self.assertEqual(
                service["logging"], {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}, name
            )

    def test_each_service_is_built_from_its_own_target(self):
        stages = image.stages(image.dockerfile())
        targets = {"cicada": "cicada", "targets": "stand-ins", "aggregator": "stage", "traffic": "stage"}
        for name, target in targets.items():
            service = compose()["services"][name]
            self.assertEqual(service["build"]["target"], target)
            self.assertIn(target, stages)
            self.assertEqual(service["build"]["args"]["PROFILE"], "dist")

    def test_the_network_is_ours_or_the_one_that_is_named(self):
        self.assertEqual(compose()["networks"]["targets"], {"name": "cicada", "external": False})
        named = compose(CICADA_NETWORK="demo_default", CICADA_NETWORK_EXTERNAL="true")["networks"]["targets"]
        self.assertEqual(named, {"name": "demo_default", "external": True})
        services = compose()["services"]
        self.assertEqual(services["targets"]["networks"]["targets"]["aliases"], ["target-app", "ai-agent"])
        self.assertEqual(services["cicada"]["networks"]["targets"]["aliases"], ["locust"])
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
        self.assertEqual(traffic["environment"]["LOCUST_BASIC_AUTH"], "", "it serves nothing")

    def test_the_file_says_which_compose_reads_it(self):
        for path in ("local/compose.yaml", "docs/containers.md"):
            self.assertIn("Docker Compose v2.24", (image.ROOT / path).read_text(), path)


class Stanza(unittest.TestCase):
    """The service that takes the place of Locust's in a demo's own compose file."""

    document = (image.ROOT / "docs/containers.md").read_text()

    def stanza(self, **variables):
        [text] = [text for text in re.findall(r"^```yaml\n(.*?)^```$", self.document, re.M | re.S) if "aim-locust" in text]
        return yaml.safe_load(compose_file.filled(text, variables))

    def test_it_is_the_service_that_the_demo_calls(self):
        stanza = self.stanza(LOCUST_BASIC_AUTH="demo:secret")
        self.assertEqual(list(stanza["services"]), ["locust"])
        service = stanza["services"]["locust"]
        self.assertEqual((service["container_name"], service["image"]), ("aim-locust", "cicada"))
        self.assertEqual(service["deploy"]["resources"]["limits"], {"cpus": "1", "memory": "512M"})
        self.assertEqual(service["environment"]["LOCUST_BASIC_AUTH"], "demo:secret")
        self.assertEqual(service["environment"]["TARGET_APP_URL"], "http://target-app:8000")
        self.assertEqual(service["environment"]["AI_AGENT_URL"], "http://ai-agent:8001")
        self.assertNotIn("networks", service, "the demo's own network is its project's default")

    def test_its_port_is_published_where_cicada_thinks_it_is(self):
        for bind in ("", "0.0.0.0"):
            service = self.stanza(LOCUST_BASIC_AUTH="demo:secret", CICADA_BIND=bind)["services"]["locust"]
            [port] = service["ports"]
            self.assertEqual(port, f"{service['environment']['CICADA_BIND']}:8089:8089")

    def test_it_is_as_closed_as_our_own_and_keeps_its_runs(self):
        service = self.stanza(LOCUST_BASIC_AUTH="demo:secret")["services"]["locust"]
        ours = compose()["services"]["cicada"]
        for key in ("command", "read_only", "cap_drop", "security_opt", "restart", "logging", "tmpfs"):
            self.assertEqual(service[key], ours[key], key)
        mounts = dict(mount.split(":", 1) for mount in service["volumes"])
        self.assertIn("/data", mounts.values())
        self.assertIn("/locust:ro", mounts.values())

    def test_commands_in_its_container_are_programs_of_the_image(self):
        commands = re.findall(r"docker exec aim-locust (\S+)", self.document)
        self.assertEqual(set(commands), {"locust", "cicada", "printenv"})
        built = image.dockerfile()
        for command in commands:
            self.assertRegex(built, rf"/out/bin/{command}\b|--bin {command}\b")


if __name__ == "__main__":
    unittest.main()
