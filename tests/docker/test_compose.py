"""docker/compose.yaml: what Compose's own schema says of it, and what we want of each service.

SPDX-License-Identifier: MIT
"""

import json
import os
import pathlib
import re
import subprocess

import jsonschema
import pytest
import yaml

from testenv import run_binary

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = ROOT / "docker/compose.yaml"
SCHEMA = pathlib.Path("/usr/lib/python3/dist-packages/compose/config/compose_spec.json")
DATA = yaml.safe_load(FILE.read_text())
SERVICES = DATA["services"]


def test_schema():
    """Debian's docker-compose brings the specification's schema with it."""
    if not SCHEMA.exists():
        pytest.skip("Compose's schema is not here (package docker-compose)")
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(DATA)


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_closed(name):
    service = SERVICES[name]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"]
    assert "cap_add" not in service and "privileged" not in service
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"} and service["pids_limit"] > 0
    assert service["restart"] == "unless-stopped"
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:") or name == "haproxy" and port.startswith("${HTTP_PORT"), port
    for variable in service.get("environment", {}):
        assert "PASSWORD" not in variable or variable.endswith("_FILE"), "passwords come by file"


@pytest.mark.parametrize("name", [name for name in SERVICES if not name.startswith("phpsrv")])
def test_other_images_are_pinned_and_watched(name):
    match = re.fullmatch(r"\$\{(\w+)_IMAGE:-([\w./-]+):([\w.-]+)\}", SERVICES[name]["image"])
    assert match and match.group(1).lower() == name and match.group(3) != "latest"
    assert SERVICES[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


def test_who_waits_for_whom():
    waits = {name: {other: how["condition"] for other, how in service.get("depends_on", {}).items()} for name, service in SERVICES.items()}
    nodes = {"phpsrv1": "service_healthy", "phpsrv2": "service_healthy"}
    assert waits == {
        "haproxy": nodes, "prometheus": nodes, "grafana": {"prometheus": "service_healthy"}, "valkey": {}, "mariadb": {},
        "phpsrv1": {"valkey": "service_healthy", "mariadb": "service_healthy"}, "phpsrv2": {"valkey": "service_healthy", "mariadb": "service_healthy"},
    }  # fmt: skip
    for name, others in waits.items():
        for other in others:
            assert set(SERVICES[name]["networks"]) & set(SERVICES[other]["networks"]), f"{name} cannot reach {other}"


def test_data_is_out_of_reach():
    assert DATA["networks"]["data"]["internal"] and {name for name, service in SERVICES.items() if "data" in service["networks"]} == {"phpsrv1", "phpsrv2", "valkey", "mariadb"}


def test_everything_mounted_is_there():
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            source = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", volume).split(":")[0]
            if source.startswith("."):
                assert (FILE.parent / source).exists(), f"{name}: {source}"
            else:
                assert source in DATA["volumes"], f"{name}: {source}"
        for secret in service.get("secrets", []):
            assert (secret if isinstance(secret, str) else secret["source"]) in DATA["secrets"]


def test_secrets_are_made(tmp_path):
    made = tmp_path / "secrets"
    subprocess.run([ROOT / "docker/make_secrets.sh", made], check=True, stdout=subprocess.DEVNULL)
    names = {path.name: path.read_text() for path in made.iterdir()}
    assert {pathlib.PurePath(secret["file"]).name for secret in DATA["secrets"].values()} == set(names)
    assert made.stat().st_mode & 0o777 == 0o700 and all(path.stat().st_mode & 0o777 == 0o444 for path in made.iterdir())
    passwords = [names[name].strip() for name in names if name.endswith("_password")]
    assert all(re.fullmatch(r"[0-9a-f]{48}", password) for password in passwords) and len(set(passwords)) == 3
    password = re.fullmatch(r"requirepass ([0-9a-f]{48})\n", names["valkey.conf"]).group(1)
    assert f"auth={password}\"" in names["session.ini"]
    subprocess.run([ROOT / "docker/make_secrets.sh", made], check=True)
    assert names == {path.name: path.read_text() for path in made.iterdir()}, "what is there stays"
    (made / "session.ini").unlink()
    subprocess.run([ROOT / "docker/make_secrets.sh", made], check=True, stdout=subprocess.DEVNULL)
    assert names["valkey.conf"] != (made / "valkey.conf").read_text(), "one password in both"
    ignored = subprocess.run(["git", "check-ignore", "-q", "docker/secrets/mariadb_password"], cwd=ROOT, check=False)
    assert ignored.returncode == 0 or not (ROOT / ".git").exists()


def test_options_of_the_server(tmp_path):
    environment = {key: value for key, value in SERVICES["phpsrv1"]["environment"].items() if key.startswith("PHPSRV_")}
    done = run_binary("--check-config", "--config", ROOT / "docker/image/phpsrv.toml", "--docroot", tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    dump = run_binary("--dump-config", "--config", ROOT / "docker/image/phpsrv.toml", env=environment).stdout
    drain = sum(int(re.search(rf'^{name} = "(\d+)s"', dump, re.M).group(1)) for name in ("drain_delay_ms", "drain_timeout_ms"))
    assert int(SERVICES["phpsrv1"]["stop_grace_period"].rstrip("s")) > drain


def test_compose_takes_it():
    """The program itself, where it is there; it reads files only."""
    for command in (["docker", "compose"], ["docker-compose"]):
        try:
            if subprocess.run([*command, "version"], capture_output=True, check=False).returncode != 0:
                continue
            done = subprocess.run([*command, "-f", str(FILE), "config", "-q"], capture_output=True, text=True, env={**os.environ, "COMPOSE_PROJECT_NAME": "phpsrv"}, check=False)
        except FileNotFoundError:
            continue
        assert done.returncode == 0, done.stderr
        return
    pytest.skip("there is no Compose here")
