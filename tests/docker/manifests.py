"""The objects of docker/kubernetes and of the rendered chart.

SPDX-License-Identifier: MIT
"""

import os
import pathlib
import shutil
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "docker/kubernetes"
CHART = ROOT / "docker/helm/phpsrv"
LIBRARIES = pathlib.Path("/usr/share/gocode")


def kustomized():
    """What "kubectl kustomize" prints; where there is no kubectl, the same of the parts that are used here."""
    if shutil.which("kubectl"):
        done = subprocess.run(["kubectl", "kustomize", str(KUBERNETES)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return list(yaml.safe_load_all(done.stdout))
    about = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    things = [thing for name in about["resources"] for thing in yaml.safe_load_all((KUBERNETES / name).read_text())]
    for made in about["configMapGenerator"]:
        data = {name: (KUBERNETES / name).read_text() for name in made["files"]}
        things.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": made["name"]}, "data": data})
    for thing in things:
        for labels in about["labels"]:
            thing["metadata"].setdefault("labels", {}).update(labels["pairs"])
        for container in thing["spec"].get("template", {}).get("spec", {}).get("containers", []) if "spec" in thing else []:
            for image in about["images"]:
                if container["image"] == image["name"]:
                    container["image"] += ":" + image["newTag"]
    return things


def renderer(folder):
    """Builds helm_render; where Go or its libraries are missing the tests are skipped."""
    if shutil.which("go") is None or not (LIBRARIES / "src/github.com/Masterminds/sprig").exists():
        if shutil.which("apt-get") is None:
            pytest.skip("Go and sprig are not here")
        pytest.fail("Go and sprig are not here: run ./dev setup images")
    program = folder / "render"
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(LIBRARIES), "GOCACHE": str(folder / "cache"), "GOFLAGS": ""}
    subprocess.run(["go", "build", "-o", str(program), "./tests/docker/helm_render"], check=True, env=environment, cwd=ROOT)
    return program


def render(program, folder, values=None, release="shop"):
    """(objects, text of NOTES.txt) of the chart with these values."""
    path = folder / "values.yaml"
    path.write_text(yaml.safe_dump(values or {}))
    done = subprocess.run([str(program), str(CHART), release, "web", str(path)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ValueError(done.stderr)
    objects, _, notes = done.stdout.partition("---\n# Source: NOTES.txt\n")
    return [thing for thing in yaml.safe_load_all(objects) if thing], notes
