"""The shipped files as their own programs judge them, and whether they fit each other and the documents.

SPDX-License-Identifier: MIT
"""

import re

import pytest
import yaml
from parts import HAPROXY_CFG, PROMETHEUS, alerts, check, need

from testenv.server import ROOT

MONITORING = ROOT / "docs" / "monitoring.md"


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
