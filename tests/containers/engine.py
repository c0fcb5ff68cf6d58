"""A Docker engine, the images of local/Dockerfile in it, and what tests do with containers.

Images are built the short way: the last stages of local/Dockerfile as they stand, with the programs that cargo has
built already in place of the stages that build them. No image is pulled: base images are made of this machine's files.
"""

import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "infra/tests"))
import image  # noqa: E402

TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / os.environ.get("CICADA_BUILT", "debug")
PROGRAMS = {
    "cicada": ["cicada"],
    "stand-ins": ["stand-in-targets"],
    "stage": ["aggregator-server", "tick-server"],
}
IMAGES = {"cicada": "cicada", "stand-ins": "cicada-stand-ins", "stage": "cicada-stage"}
DYNAMODB = "amazon/dynamodb-local:2.5.2"

# what the engine needs, and where; set when it starts
environment = dict(os.environ)
process = None


def start(folder, wanted=tuple(IMAGES)):
    """Starts the engine with everything that it keeps in `folder`, and makes the images of these stages."""
    global process
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    config = folder / "config"
    config.mkdir()
    (config / "cli-plugins").symlink_to(ROOT / ".tools/docker/cli-plugins")
    socket = f"unix://{folder}/docker.sock"
    environment.update(DOCKER_HOST=socket, DOCKER_CONFIG=str(config), PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    for name in ("DOCKER_CONTEXT", "DOCKER_BUILDKIT", "COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES"):
        environment.pop(name, None)
    with open(folder / "dockerd.log", "wb") as log:
        process = subprocess.Popen(
            ["dockerd", "--host", socket, "--data-root", folder / "data", "--exec-root", folder / "exec",
             "--pidfile", folder / "docker.pid", "--storage-driver=overlay2", "--bridge=none",
             "--cgroup-parent", f"/{folder.name}"],
            env=environment, stdout=log, stderr=log,
        )
    try:
        until(lambda: process.poll() is not None or docker("version", check=False).returncode == 0, "the engine answers")
        if process.poll() is not None:
            raise RuntimeError((folder / "dockerd.log").read_text()[-3000:])
        make_images(folder, wanted)
    except BaseException:
        stop()
        raise


def stop():
    for container in docker("ps", "--all", "--quiet", check=False).stdout.split():
        docker("rm", "--force", "--volumes", container, check=False)
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()


def docker(*arguments, check=True, **variables):
    """Calls the client; what it says is in `stdout`, errors and progress in `stderr`."""
    done = subprocess.run(
        ["docker", *map(str, arguments)], env={**environment, **variables}, capture_output=True, text=True, timeout=240,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"docker {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")
    return done


def inspect(container):
    [found] = json.loads(docker("inspect", container).stdout)
    return found


def is_healthy(container):
    """That its health check says so."""
    return inspect(container)["State"].get("Health", {}).get("Status") == "healthy"


def crash(container):
    """Ends its program as a crash does, after which the engine starts it again."""
    subprocess.run(["kill", "-9", str(inspect(container)["State"]["Pid"])], check=True)


def threads(container):
    """How many threads its program has."""
    return len(list(pathlib.Path(f"/proc/{inspect(container)['State']['Pid']}/task").iterdir()))


def remove(*containers):
    docker("rm", "--force", "--volumes", *containers)


def until(condition, what, seconds=60):
    """Waits for what must come about; returns what the condition did."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.1)
    return found


class Api:
    """A web API, by its base URL."""

    def __init__(self, url, password=None):
        self.url = url
        self.headers = {"Authorization": "Basic " + base64.b64encode(password.encode()).decode()} if password else {}

    def text(self, path, form=None, method=None):
        request = urllib.request.Request(self.url + path, form and form.encode(), self.headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()

    def get(self, path, form=None, method=None):
        return json.loads(self.text(path, form, method))

    def status(self, path):
        """The status of an answer; 0 if there is none."""
        try:
            self.text(path)
            return 200
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def swarm(self, form):
        answer = self.get("/swarm", form)
        assert answer["success"], answer

    def total(self):
        """The statistics' last row, of all requests."""
        return self.get("/stats/requests")["stats"][-1]

    def requests(self):
        return self.total()["num_requests"]

    def failures(self):
        return self.total()["num_failures"]

    def state(self):
        return self.get("/stats/requests")["state"]

    def grows(self, by, what, seconds=60):
        """Waits for so many more requests that succeed."""
        good = lambda: self.requests() - self.failures()
        before = good()
        until(lambda: good() >= before + by, what, seconds)

    def ledger(self):
        """The ledger, which adds up, without anything that was sent twice or that was not planned."""
        ledger = self.get("/ledger")
        accounted = sum(ledger[figure] for figure in ("recorded", "skipped", "missing", "pending"))
        assert ledger["planned"] == accounted, ledger
        assert (ledger["duplicates"], ledger["unplanned"]) == (0, 0), ledger
        return ledger

    def settled(self):
        """The ledger when nothing is pending any more."""
        return until(lambda: (ledger := self.ledger())["pending"] == 0 and ledger, "nothing is pending")


def make_images(folder, wanted):
    context = folder / "context"
    context.mkdir()
    base(context / "base")
    imported(context / "base", "static-debian12", image.stages(image.dockerfile())["base"][0])
    if "stage" in wanted:
        java(context / "java")
        imported(
            context / "java", "dynamodb", DYNAMODB, "USER 1000", "WORKDIR /home/dynamodblocal",
            f'ENTRYPOINT ["{shutil.which("java")}"]', 'CMD ["-jar", "DynamoDBLocal.jar", "-inMemory"]',
        )
    image.ByHand(context).build("glibc")
    links = re.findall(r"ln -s (\S+) /out/bin/(\S+)", image.dockerfile())
    for stage in wanted:
        programs = PROGRAMS[stage]
        out = context / f"build-{stage}/out"
        (out / "bin").mkdir(parents=True)
        (out / "data").mkdir()
        for program in programs:
            subprocess.run(["strip", "-o", out / "bin" / program, TARGET / program], check=True)
        for program, link in links:
            if program in programs:
                (out / "bin" / link).symlink_to(program)
    (context / "Dockerfile").write_text(short_dockerfile(wanted))
    (context / ".dockerignore").write_text("base\njava\n")
    for stage in wanted:
        docker("build", "--target", stage, "--tag", IMAGES[stage], context, DOCKER_BUILDKIT="0")
    shutil.rmtree(context)


def short_dockerfile(wanted):
    """The stages of local/Dockerfile that make images, as they stand, on what is there in place of what they build."""
    stages = image.stages(image.dockerfile())
    lines = []
    for name in ("glibc", *(f"build-{stage}" for stage in wanted)):
        lines += [f"FROM scratch AS {name}", f"COPY {name}/out/ /out/"]
    for name in ("base", *wanted):
        origin, steps = stages[name]
        lines += [f"FROM {origin} AS {name}", *(f"{keyword} {rest}" for keyword, rest in steps)]
    return "\n".join(lines)


def base(root):
    """What distroless' static image has: users, root certificates, time zones, a folder for temporary files."""
    for path in ("etc/ssl/certs", "home/nonroot", "tmp", "usr/share"):
        (root / path).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n")
    (root / "etc/group").write_text("root:x:0:\nnonroot:x:65532:\n")
    certificates = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
    shutil.copy(certificates, root / certificates.relative_to("/"))
    if (zones := pathlib.Path("/usr/share/zoneinfo")).is_dir():
        shutil.copytree(zones, root / "usr/share/zoneinfo", symlinks=True)


def java(root):
    """This machine's Java with the libraries that it is linked with, and DynamoDB Local."""
    root.mkdir()
    home = pathlib.Path(shutil.which("java")).resolve().parents[1]
    needless = shutil.ignore_patterns("jmods", "man", "docs", "include", "legal", "src.zip")
    shutil.copytree(home, root / home.relative_to("/"), ignore=needless, ignore_dangling_symlinks=True)
    programs = [home / "bin/java", *home.glob("lib/**/*.so")]
    linked = subprocess.run(["ldd", *programs], capture_output=True, text=True).stdout
    for library in set(re.findall(r"(/\S+\.so[.\d]*)", linked)) - {str(program) for program in programs}:
        copy = root / library.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, copy)
    called = root / shutil.which("java").lstrip("/")
    called.parent.mkdir(parents=True, exist_ok=True)
    if not called.exists():
        called.symlink_to(home / "bin/java")
    (root / "tmp").mkdir(mode=0o1777)
    (root / "tmp").chmod(0o1777)
    shutil.copytree(ROOT / ".tools/dynamodb", root / "home/dynamodblocal")


def imported(root, name, tag, *changes):
    archive = root.with_name(f"{name}.tar")
    with tarfile.open(archive, "w") as tar:
        tar.add(root, ".")
    docker("import", *(part for change in changes for part in ("--change", change)), archive, tag)
    archive.unlink()
    shutil.rmtree(root)
