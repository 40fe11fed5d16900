"""Builds the image with buildah and runs it with podman, both from Debian, in a storage of their own.

The bases of docker/Dockerfile come from a registry, or, where there is none, are made with debootstrap from the machine's own Debian
mirror; PHPSRV_TEST_DEBIAN_IMAGE and PHPSRV_TEST_BUILD_IMAGE name others, PHPSRV_TEST_IMAGE a finished image to test as it is.
Containers share the machine's network (a build machine may allow no other) and listen on free ports of 127.0.0.1.
SPDX-License-Identifier: MIT
"""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid

import pytest

from testenv import scaled, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = "bookworm"
BASE = f"localhost/phpsrv-base:{RELEASE}"


def cache():
    return pathlib.Path(os.environ.get("PHPSRV_CACHE_DIR") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "phpsrv"))


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def mirror():
    """(address, keyring) of the machine's first Debian archive."""
    lists = [pathlib.Path("/etc/apt/sources.list"), *pathlib.Path("/etc/apt/sources.list.d").glob("*")]
    text = "\n".join(path.read_text() for path in lists if path.is_file())
    found = re.search(r"^(?:URIs:|deb(?: \[[^\]]*\])?) +(http\S+/debian/?)(?:\s|$)", text, re.M)
    if found is None:
        pytest.skip("no mirror of Debian is known, to make a base image from")
    return found.group(1)


class Engine:
    def __init__(self):
        for program in ("buildah", "podman"):
            if shutil.which(program) is None:
                pytest.fail(f"{program} is not here: run ./dev setup images")
        if os.geteuid() != 0:
            pytest.skip("images are built as root")
        self.folder = cache() / "images"
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\nrunroot = "{self.folder}/run"\ngraphroot = "{self.folder}/graph"\n'
        )
        self.environment = {**os.environ, "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"), "BUILDAH_ISOLATION": "chroot"}
        # crun wants version 2 of the control groups; runc takes both.
        is_version_2 = pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists()
        self.podman = ["podman", "--log-level=fatal", "--cgroup-manager=cgroupfs", *([] if is_version_2 else ["--runtime=runc"])]

    def run(self, *command, check=True, **options):
        done = subprocess.run([*map(str, command)], env=self.environment, capture_output=True, text=True, check=False, **options)
        assert not check or done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done

    def has(self, image):
        return self.run("buildah", "inspect", "--type=image", image, check=False).returncode == 0

    def debian(self):
        """The base of the last stage: a given one, or one made here."""
        given = os.environ.get("PHPSRV_TEST_DEBIAN_IMAGE")
        if given or self.has(BASE):
            return given or BASE
        if shutil.which("debootstrap") is None:
            pytest.fail("debootstrap is not here: run ./dev setup images")
        tree = self.folder / "base"
        shutil.rmtree(tree, ignore_errors=True)
        self.run("debootstrap", "--variant=minbase", RELEASE, tree, mirror())
        # as Debian's own slim images: no documentation, and archives that are unpacked do not stay
        (tree / "etc/dpkg/dpkg.cfg.d/slim").write_text("path-exclude /usr/share/doc/*\npath-exclude /usr/share/man/*\npath-exclude /usr/share/locale/*\n")
        (tree / "etc/apt/apt.conf.d/slim").write_text('Binary::apt-get::APT::Keep-Downloaded-Packages "false";\nAPT::Keep-Downloaded-Packages "false";\n')
        for part in ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists"):
            shutil.rmtree(tree / part, ignore_errors=True)
            (tree / part).mkdir()
        (tree / "etc/apt/sources.list").write_text(
            f"deb {mirror()} {RELEASE} main\ndeb {mirror()} {RELEASE}-updates main\ndeb {mirror().rstrip('/')}-security {RELEASE}-security main\n"
        )
        container = self.run("buildah", "from", "scratch").stdout.strip()
        self.run("buildah", "add", "-q", container, tree, "/")
        self.run("buildah", "config", "--cmd", "bash", container)
        self.run("buildah", "commit", "-q", container, BASE)
        self.run("buildah", "rm", container)
        shutil.rmtree(tree)
        return BASE

    def build(self, tag, *arguments):
        """Takes as long as PHP takes to build, the first time; then seconds."""
        base = self.debian()
        bases = {"DEBIAN_IMAGE": base, "BUILD_IMAGE": os.environ.get("PHPSRV_TEST_BUILD_IMAGE") or base}
        named = [word for name, image in bases.items() for word in ("--build-arg", f"{name}={image}")]
        log = self.folder / f"build-{tag.rpartition('/')[2].replace(':', '-')}.log"
        with log.open("w") as out:
            done = subprocess.run(
                ["buildah", "bud", "--format=docker", "--layers", "--network=host", *named, *arguments, "-t", tag, "-f", "docker/Dockerfile", "."],
                cwd=ROOT, env=self.environment, stdout=out, stderr=subprocess.STDOUT, check=False,
            )  # fmt: skip
        assert done.returncode == 0, f"the build failed ({log}): {log.read_text()[-3000:]}"
        return tag

    def image(self):
        return os.environ.get("PHPSRV_TEST_IMAGE") or self.build("localhost/phpsrv:test")

    def inspect(self, image):
        return json.loads(self.run(*self.podman, "image", "inspect", image).stdout)[0]


class Container:
    """A running container, as one is run in production: nothing writable but /tmp, no capabilities."""

    def __init__(self, engine, image, *options, environment=None, arguments=()):
        self.engine = engine
        self.name = f"phpsrv-test-{uuid.uuid4().hex[:12]}"
        self.port, self.internal_port = free_ports(2)
        variables = {"PHPSRV_LISTEN": f"127.0.0.1:{self.port}", "PHPSRV_INTERNAL": f"127.0.0.1:{self.internal_port}", **(environment or {})}
        self.log_path = engine.folder / f"{self.name}.log"
        self.started_at = time.monotonic()
        with self.log_path.open("w") as log:
            self.process = subprocess.Popen(
                [*engine.podman, "run", "--rm", "--name", self.name, "--network=host", "--read-only", "--read-only-tmpfs=false",
                 "--tmpfs=/tmp:rw,mode=1777,size=256m", "--cap-drop=all", "--security-opt=no-new-privileges", "--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096",
                 *[f"--env={name}={value}" for name, value in variables.items()], *map(str, options), image, *map(str, arguments)],
                env=engine.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                cwd=engine.folder,  # when memory runs out, conmon leaves a file named oom where it was started
            )  # fmt: skip

    def __enter__(self):
        try:
            wait_until(lambda: self.is_ready() or self.process.poll() is not None, "the container is ready", timeout=scaled(60))
            assert self.process.poll() is None, self.log()
        except BaseException:
            self.__exit__()
            raise
        self.ready_after = time.monotonic() - self.started_at
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.engine.run(*self.engine.podman, "rm", "--force", "--time=0", self.name, check=False)
            self.process.wait(30)
        self.log_path.unlink(missing_ok=True)

    def log(self):
        return self.log_path.read_text()

    def is_ready(self):
        try:
            return self.internal("/ready")[0] == 200
        except OSError:
            return False

    def get(self, path, port=None, data=None, headers=None):
        """(status, text)"""
        request = urllib.request.Request(f"http://127.0.0.1:{port or self.port}{path}", data=data, headers=headers or {})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=scaled(30)) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def internal(self, path):
        return self.get(path, self.internal_port)

    def metric(self, name):
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.internal("/metrics")[1], re.M)
        return float(found.group(1))

    def exec(self, *command, check=True):
        return self.engine.run(*self.engine.podman, "exec", self.name, *command, check=check)

    def send(self, name):
        self.engine.run(*self.engine.podman, "kill", f"--signal={name}", self.name)

    def wait(self, timeout=60):
        return self.process.wait(scaled(timeout))
