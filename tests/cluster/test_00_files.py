"""The shipped files as their own programs judge them, and whether they fit each other and the documents.

SPDX-License-Identifier: MIT
"""

import re
import subprocess

import pytest
import yaml
from services import DOCKER, HAPROXY_CFG, need

from testenv.server import ROOT, environment

PROMETHEUS = DOCKER / "prometheus"
MONITORING = ROOT / "docs" / "monitoring.md"


def check(*command, env=None, cwd=None):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment(env), cwd=cwd, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def certificate(tmp_path):
    check(
        need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
        "-keyout", tmp_path / "key", "-out", tmp_path / "cert",
    )  # fmt: skip
    pem = tmp_path / "site.pem"
    pem.write_bytes((tmp_path / "cert").read_bytes() + (tmp_path / "key").read_bytes())
    return pem


def test_haproxy_as_shipped():
    """Nodes whose names are not known yet are no error: the only thing that there is to say."""
    said = check(need("haproxy"), "-c", "-f", HAPROXY_CFG)
    warnings = [line for line in said.splitlines() if "WARNING" in line or "ALERT" in line]
    assert all("could not resolve address 'phpsrv" in line for line in warnings), said
    assert "Configuration file is valid" in said


def test_haproxy_with_everything(certificate):
    env = {"PHPSRV_1": "127.0.0.1:1001", "PHPSRV_2": "127.0.0.1:1002", "HAPROXY_TLS_PEM": str(certificate), "PHPSRV_SEND_PROXY": "1"}
    said = check(need("haproxy"), "-c", "-f", HAPROXY_CFG, env=env)
    assert "WARNING" not in said and "ALERT" not in said and "Configuration file is valid" in said


def test_prometheus_files():
    said = check(need("promtool"), "check", "config", "--lint=all", PROMETHEUS / "prometheus.yml")
    said += check(need("promtool"), "check", "rules", "--lint=all", PROMETHEUS / "rules.yml", PROMETHEUS / "alerts.yml")
    assert "FAILED" not in said
    said = check(need("promtool"), "test", "rules", "alerts_test.yml", cwd=PROMETHEUS)
    assert "SUCCESS" in said and "FAILED" not in said


def alerts():
    groups = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def anchors(path):
    """Headings of a page as links name them."""
    return {re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in path.read_text().splitlines() if line.startswith("#")}


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_each_alert_is_complete(rule):
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert ROOT / page == MONITORING and anchor in anchors(MONITORING), f"{page} has no section {anchor}"
    tests = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"] if case["alertname"] == rule["alert"]]
    assert any(case["exp_alerts"] for case in cases), "no test in which it fires"
    assert any(not case["exp_alerts"] for case in cases), "no test in which it is silent"


def test_no_runbook_without_an_alert():
    sections = {anchor for anchor in anchors(MONITORING) if anchor.startswith("phpsrv")}
    assert sections == {rule["alert"].lower() for rule in alerts()}
