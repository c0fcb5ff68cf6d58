"""The manifests of docs/kubernetes: right by Kubernetes' own schemas, complete, closed, and what the programs do.

    .tools/kubernetes/bin/python -m unittest discover --start-directory tests/kubernetes
"""

import pathlib
import re
import sys
import unittest

import kubernetes_validate
import yaml
from kubernetes_validate.utils import all_versions

import kustomize

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "infra/tests"))

import compose_file  # noqa: E402  (beside the tests of the compose file)

FOLDER = ROOT / "docs/kubernetes"
STAGES = {name: kustomize.build(FOLDER / name) for name in ("base", "stage", "stage-local")}
# the oldest that has what is used here, and the newest that the validator knows
VERSIONS = ("1.29", kubernetes_validate.latest_version())
OURS = {"cicada", "cicada-stage"}


def of_kind(kind, stage):
    return {item["metadata"]["name"]: item for item in STAGES[stage] if item["kind"] == kind}


def pods(stage):
    """The Pods that Deployments make, by the Deployment's name."""
    return {name: item["spec"]["template"] for name, item in of_kind("Deployment", stage).items()}


def containers():
    """Every container, with its Pod."""
    for stage in STAGES:
        for name, pod in pods(stage).items():
            for container in pod["spec"]["containers"]:
                yield f"{stage} {name}", pod["spec"], container


def has(labels, wanted):
    return wanted.items() <= labels.items()


class Schemas(unittest.TestCase):
    def test_every_object_is_right_in_the_oldest_and_in_the_newest_version(self):
        self.assertIn(VERSIONS[0], [version.rsplit(".", 1)[0] for version in all_versions()])
        for stage, objects in STAGES.items():
            self.assertGreater(len(objects), 4)
            for item in objects:
                for version in VERSIONS:
                    with self.subTest(stage=stage, kind=item["kind"], name=item["metadata"]["name"], version=version):
                        kubernetes_validate.validate(item, version, strict=True)

    def test_a_field_that_there_is_not_is_found(self):
        deployment = next(item for item in STAGES["base"] if item["kind"] == "Deployment")
        wrong = yaml.safe_load(yaml.safe_dump(deployment))
        wrong["spec"]["template"]["spec"]["terminationGracePeriod"] = 30
        with self.assertRaises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(wrong, VERSIONS[1], strict=True)


class References(unittest.TestCase):
    def test_what_a_pod_names_is_there_or_is_the_secret_of_the_readme(self):
        made = re.findall(r"kubectl create secret generic (\S+) --from-literal=(\w+)=", (FOLDER / "README.md").read_text())
        for stage in STAGES:
            for name, pod in pods(stage).items():
                spec = pod["spec"]
                for container in spec["containers"]:
                    for source in container.get("envFrom", []):
                        self.assertIn(source["configMapRef"]["name"], of_kind("ConfigMap", stage), name)
                    for variable in container.get("env", []):
                        if "valueFrom" in variable:
                            secret = variable["valueFrom"]["secretKeyRef"]
                            self.assertIn((secret["name"], secret["key"]), made, name)
                            self.assertNotIn("optional", secret, name)
                    mounted = {mount["name"] for mount in container["volumeMounts"]}
                    self.assertEqual(mounted, {volume["name"] for volume in spec["volumes"]}, name)
                for volume in spec["volumes"]:
                    if claim := volume.get("persistentVolumeClaim"):
                        self.assertIn(claim["claimName"], of_kind("PersistentVolumeClaim", stage))
                if account := spec.get("serviceAccountName"):
                    self.assertIn(account, of_kind("ServiceAccount", stage))

    def test_services_and_policies_select_pods_and_ports_that_there_are(self):
        for stage in STAGES:
            for name, service in of_kind("Service", stage).items():
                chosen = [pod for pod in pods(stage).values()
                          if has(pod["metadata"]["labels"], service["spec"]["selector"])]
                self.assertEqual(len(chosen), 1, name)
                ports = {port["name"]: port for port in chosen[0]["spec"]["containers"][0]["ports"]}
                for port in service["spec"]["ports"]:
                    self.assertEqual(port["port"], ports[port["targetPort"]]["containerPort"], name)
            for name, policy in of_kind("NetworkPolicy", stage).items():
                labels = policy["spec"]["podSelector"]["matchLabels"]
                chosen = [pod for pod in pods(stage).values() if has(pod["metadata"]["labels"], labels)]
                self.assertTrue(chosen, f"{stage} {name}")
                self.assertTrue(set(policy["spec"]["policyTypes"]) >= {"Egress"}, name)
        services = of_kind("Service", "base")
        self.assertEqual(set(services), {"cicada", "locust"}, "the demo calls http://locust:8089")

    def test_a_deployment_selects_its_own_pods_alone(self):
        for stage in STAGES:
            for name, deployment in of_kind("Deployment", stage).items():
                wanted = deployment["spec"]["selector"]["matchLabels"]
                chosen = [other for other, pod in pods(stage).items() if has(pod["metadata"]["labels"], wanted)]
                self.assertEqual(chosen, [name])

    def test_every_pod_is_closed_but_for_what_a_policy_lets_through(self):
        for stage in STAGES:
            for name, pod in pods(stage).items():
                closed = set()
                for policy in of_kind("NetworkPolicy", stage).values():
                    if has(pod["metadata"]["labels"], policy["spec"]["podSelector"]["matchLabels"]):
                        closed |= set(policy["spec"]["policyTypes"])
                self.assertEqual(closed, {"Ingress", "Egress"}, f"{stage} {name}")


class Pods(unittest.TestCase):
    def test_they_are_as_restricted_as_kubernetes_knows(self):
        for name, pod, container in containers():
            self.assertIs(pod["securityContext"]["runAsNonRoot"], True, name)
            self.assertGreater(pod["securityContext"]["runAsUser"], 0, name)
            self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"}, name)
            self.assertEqual(
                container["securityContext"],
                {
                    "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                name,
            )
            self.assertEqual(container["resources"]["limits"], {"cpu": "1", "memory": "512Mi"}, name)
            # variables such as CICADA_PORT would be taken for settings
            self.assertIs(pod["enableServiceLinks"], False, name)

    def test_no_secret_is_in_a_manifest(self):
        for stage in STAGES:
            self.assertEqual(of_kind("Secret", stage), {})
            for settings in of_kind("ConfigMap", stage).values():
                secret = {name: value for name, value in settings["data"].items()
                          if re.search("PASSWORD|SECRET|AUTH|TOKEN", name)}
                # any will do there
                allowed = {"AWS_SECRET_ACCESS_KEY": "local"} if stage == "stage-local" else {}
                self.assertEqual(secret, allowed)

    def test_one_process_at_a_time_has_the_database(self):
        spec = of_kind("Deployment", "base")["cicada"]["spec"]
        self.assertEqual((spec["replicas"], spec["strategy"]), (1, {"type": "Recreate"}))
        arguments = spec["template"]["spec"]["containers"][0]["args"]
        mounts = {mount["name"]: mount["mountPath"] for mount in spec["template"]["spec"]["containers"][0]["volumeMounts"]}
        self.assertEqual(pathlib.PurePosixPath(arguments[arguments.index("--db") + 1]).parent.as_posix(), mounts["data"])
        self.assertEqual(spec["template"]["spec"]["securityContext"]["fsGroup"], 65532)

    def test_they_have_longer_to_end_than_the_programs_take(self):
        # each program holds the sum of its waits below this in a test of its own
        longest = 9
        for source in ("functions/tick/src/server/tests.rs", "local/src/ending.rs"):
            self.assertIn(f"< Duration::from_secs({longest})", (ROOT / source).read_text())
        for stage in STAGES:
            for name, pod in pods(stage).items():
                # Kubernetes' own default
                self.assertGreater(pod["spec"].get("terminationGracePeriodSeconds", 30), longest, name)


class Programs(unittest.TestCase):
    """What runs is what the images hold, set up as the compose file has it."""

    def test_what_serves_is_asked_for_its_health(self):
        asked = set()
        for name, _, container in containers():
            probes = {kind: container[kind] for kind in container if kind.endswith("Probe")}
            if not container["image"].partition(":")[0] in OURS or "ports" not in container:
                continue
            self.assertEqual(set(probes), {"startupProbe", "readinessProbe", "livenessProbe"}, name)
            for probe in probes.values():
                self.assertEqual(probe["httpGet"], {"path": "/health", "port": "http"}, name)
                # the programs' own check waits three seconds
                self.assertGreater(probe["timeoutSeconds"], 3, name)
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            self.assertEqual(ports, {"http": 8089}, name)
            # a full disk is no reason to lose what is in memory
            alive = probes["livenessProbe"]
            self.assertGreaterEqual(alive["periodSeconds"] * alive["failureThreshold"], 600, name)
            asked.add(name)
        self.assertEqual(asked, {"base cicada", "stage cicada-aggregator", "stage-local cicada-aggregator"})

    def test_programs_and_images_are_those_of_the_compose_file(self):
        services = compose_file.read()["services"]
        version = re.search(r'^version = "([\d.]+)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
        for stage, deployment, service in [
            ("base", "cicada", "cicada"), ("stage", "cicada-aggregator", "aggregator"),
            ("stage", "cicada-traffic", "traffic"), ("stage-local", "dynamodb", "dynamodb"),
        ]:
            [container] = pods(stage)[deployment]["spec"]["containers"]
            wanted = services[service]
            self.assertEqual(container.get("command", container.get("args")), wanted["command"], deployment)
            ours = wanted["image"] in OURS
            self.assertEqual(container["image"], f"{wanted['image']}:{version}" if ours else wanted["image"])

    def test_the_stage_on_dynamodb_local_has_the_variables_of_the_compose_file(self):
        services = compose_file.read()["services"]
        for deployment, service in [("cicada-aggregator", "aggregator"), ("cicada-traffic", "traffic")]:
            [container] = pods("stage-local")[deployment]["spec"]["containers"]
            settings = dict(of_kind("ConfigMap", "stage-local")["cicada-stage"]["data"])
            own = {variable["name"]: variable.get("value", "") for variable in container["env"]}
            wanted = {name: value for name, value in services[service]["environment"].items() if value}
            given = {**settings, **{name: value for name, value in own.items() if value}}
            self.assertEqual(given, wanted, deployment)
            self.assertEqual("LOCUST_BASIC_AUTH" in own, service == "aggregator")

    def test_the_pod_of_one_process_refuses_to_start_without_a_password(self):
        [container] = pods("base")["cicada"]["spec"]["containers"]
        variables = {variable["name"]: variable for variable in container["env"]}
        self.assertEqual(variables["CICADA_BIND"]["value"], "0.0.0.0")
        self.assertIn("secretKeyRef", variables["LOCUST_BASIC_AUTH"]["valueFrom"])


class Builder(unittest.TestCase):
    def test_what_it_does_not_know_is_an_error(self):
        import tempfile

        head = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n"
        for text in ("namePrefix: a-\n", "images: [{name: none, newTag: '1'}]\n",
                     "configMapGenerator: [{name: a, behavior: merge, envs: []}]\n",
                     "configMapGenerator: [{name: a, envs: [], literals: []}]\n"):
            with tempfile.TemporaryDirectory() as folder:
                pathlib.Path(folder, "kustomization.yaml").write_text(head + text)
                with self.assertRaises(kustomize.Mistake):
                    kustomize.build(folder)

    def test_every_file_is_used(self):
        for kustomization in FOLDER.glob("*/kustomization.yaml"):
            self.assertIn(kustomization.parent.name, STAGES)
            text = kustomization.read_text()
            for file in kustomization.parent.iterdir():
                if file.name != "kustomization.yaml":
                    self.assertIn(file.name, text)


if __name__ == "__main__":
    unittest.main()
