"""What `kubectl kustomize FOLDER` makes of the kustomizations in docs/kubernetes: the objects, in one list.

It knows what those use: resources, generated ConfigMaps, and images. Anything else is an error, so that no setting is
passed over. ConfigMaps keep their name, where kustomize appends a hash of what is in them.
"""

import pathlib

import yaml

KNOWN = {"apiVersion", "kind", "resources", "configMapGenerator", "images"}


class Mistake(Exception):
    pass


def build(folder):
    """The objects of a kustomization."""
    folder = pathlib.Path(folder).resolve()
    file = folder / "kustomization.yaml"
    wanted = yaml.safe_load(file.read_text())
    if unknown := set(wanted) - KNOWN:
        raise Mistake(f"{file}: {sorted(unknown)} are not known here")
    if (wanted["apiVersion"], wanted["kind"]) != ("kustomize.config.k8s.io/v1beta1", "Kustomization"):
        raise Mistake(f"{file} is not a kustomization")
    objects = []
    for name in wanted["resources"]:
        path = folder / name
        objects += build(path) if path.is_dir() else list(yaml.safe_load_all(path.read_text()))
    for generator in wanted.get("configMapGenerator", []):
        generate(objects, folder, generator)
    for image in wanted.get("images", []):
        if not rename(objects, image):
            raise Mistake(f"{file}: nothing has the image {image['name']}")
    names = [(item["kind"], item["metadata"]["name"]) for item in objects]
    if twice := {name for name in names if names.count(name) > 1}:
        raise Mistake(f"{file}: {sorted(twice)} are there twice")
    return objects


def generate(objects, folder, generator):
    if unknown := set(generator) - {"name", "behavior", "envs"}:
        raise Mistake(f"{folder}: {sorted(unknown)} of a generator are not known here")
    data = {}
    for name in generator["envs"]:
        data.update(variables(folder / name))
    same = [item for item in objects
            if item["kind"] == "ConfigMap" and item["metadata"]["name"] == generator["name"]]
    if (generator.get("behavior", "create") == "merge") != bool(same):
        raise Mistake(f"{folder}: the ConfigMap {generator['name']} is merged if and only if it is there")
    if same:
        same[0]["data"].update(data)
    else:
        objects.append({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": data,
        })


def variables(file):
    """The variables of a file of lines NAME=VALUE."""
    lines = [line.strip() for line in file.read_text().splitlines()]
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    if any(len(pair) != 2 for pair in pairs):
        raise Mistake(f"{file} has a line without a value")
    return dict(pairs)


def rename(objects, image):
    """Gives an image its place and version; false if nobody has it."""
    containers = [
        container for item in objects if item["kind"] == "Deployment"
        for container in item["spec"]["template"]["spec"]["containers"]
        if container["image"].partition(":")[0] == image["name"]
    ]
    for container in containers:
        container["image"] = f"{image.get('newName', image['name'])}:{image['newTag']}"
    return bool(containers)
