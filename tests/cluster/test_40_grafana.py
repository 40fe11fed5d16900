"""The dashboard: its structure, and every query of it against a Prometheus that has looked at the cluster.

Debian carries no Grafana, so nothing here draws it.
SPDX-License-Identifier: MIT
"""

import itertools
import json
import re

import httpx
import pytest
import yaml
from parts import DOCKER, PROMETHEUS

from testenv import wait_until

GRAFANA = DOCKER / "grafana"
BOARD = json.loads((GRAFANA / "dashboards" / "phpsrv.json").read_text())
# What the cluster of this test has none of: an expression that contains this -> why it may be empty
MAY_BE_EMPTY = {
    "phpsrv_tls_certificate_expiry_timestamp_seconds": "TLS ends at the balancer",
    "phpsrv_tls_resumptions_total": "TLS ends at the balancer",
}
KEYS = {
    "id", "uid", "title", "description", "tags", "schemaVersion", "version", "editable", "graphTooltip", "timezone", "fiscalYearStartMonth",
    "liveNow", "weekStart", "style", "refresh", "time", "timepicker", "links", "annotations", "templating", "panels",
}  # fmt: skip
UNITS = {"none", "reqps", "percentunit", "s", "bytes", "Bps", "cps"}


def panels():
    return [panel for panel in BOARD["panels"] if panel["type"] != "row"]


def queries():
    """(where, expression) of all panels, annotations and variables."""
    for panel in panels():
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"]
    for annotation in BOARD["annotations"]["list"]:
        yield f"annotation {annotation['name']}", annotation["expr"]


def substitute(expression):
    """As Grafana does it with all nodes chosen, for scrapes of a second."""
    for name in ("node", "site", "balancer"):
        expression = expression.replace(f"${name}", ".*")
    expression = expression.replace("$__rate_interval", "10s")
    assert "$" not in expression, f"an unknown variable: {expression}"
    return expression


# ---- structure


def test_the_head():
    assert set(BOARD) == KEYS
    assert BOARD["id"] is None, "an id belongs to one database"
    assert BOARD["uid"] == "phpsrv" and BOARD["schemaVersion"] >= 36 and BOARD["version"] >= 1
    assert {variable["name"] for variable in BOARD["templating"]["list"]} == {"datasource", "node", "site", "balancer"}


def test_every_panel_is_whole():
    for panel in panels():
        assert panel["type"] in ("timeseries", "stat"), panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["targets"] and panel["title"] and isinstance(panel["description"], str)
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS and panel["fieldConfig"]["overrides"] == []
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert steps[0]["value"] is None and [step["value"] for step in steps[1:]] == sorted(step["value"] for step in steps[1:])
        names = [target["refId"] for target in panel["targets"]]
        assert len(set(names)) == len(names)
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"] and "legendFormat" in target
            assert 'instance=~"$node"' in target["expr"] or 'instance=~"$balancer"' in target["expr"], f"{panel['title']} is of all nodes"


def test_ids_are_unique():
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(ids)) == len(ids) and min(ids) > 0
    titles = [panel["title"] for panel in BOARD["panels"]]
    assert len(set(titles)) == len(titles)


def test_no_two_panels_overlap():
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        assert set(place) == {"h", "w", "x", "y"} and min(place.values()) >= 0 and place["w"] > 0 and place["h"] > 0
        assert place["x"] + place["w"] <= 24, panel["title"]
    for one, two in itertools.combinations(BOARD["panels"], 2):
        a, b = one["gridPos"], two["gridPos"]
        apart = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"] or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert apart, f"{one['title']} lies upon {two['title']}"


def test_rows_in_order():
    rows = [panel for panel in BOARD["panels"] if panel["type"] == "row"]
    assert [row["gridPos"]["y"] for row in rows] == sorted(row["gridPos"]["y"] for row in rows)
    assert all(row["panels"] == [] and not row["collapsed"] and row["gridPos"]["w"] == 24 for row in rows)


def test_provisioning():
    source = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text())
    provider = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "phpsrv.yml").read_text())
    assert source["apiVersion"] == provider["apiVersion"] == 1
    (prometheus,), (files,) = source["datasources"], provider["providers"]
    assert prometheus["type"] == "prometheus" and prometheus["access"] == "proxy" and prometheus["isDefault"]
    scrapes = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["global"]["scrape_interval"]
    assert prometheus["jsonData"]["timeInterval"] == scrapes, "$__rate_interval is computed from it"
    assert files["type"] == "file" and files["options"]["path"].startswith("/")


# ---- queries


@pytest.fixture(scope="module")
def prometheus(_cluster):
    """It has seen some traffic: good answers, bad ones, files."""
    cluster = _cluster.heal()
    prometheus = cluster.prometheus

    def ask():
        with httpx.Client(base_url=cluster.url) as client:
            for target in ("/", "/work.php?ms=1", "/missing.php", "/large.bin"):
                client.request("HEAD" if target == "/large.bin" else "GET", target)

    def has_rates():
        ask()
        rates = prometheus.query("rate(phpsrv_requests_total[10s]) > 0")
        return {labels["instance"] for labels, _ in rates} == {f"127.0.0.1:{node.internal_port}" for node in cluster.nodes}

    wait_until(has_rates, "both nodes have rates", timeout=30)
    wait_until(lambda: prometheus.query("sum(rate(haproxy_server_http_responses_total[10s])) > 0"), "and HAProxy", timeout=30)
    return prometheus


@pytest.mark.slow
@pytest.mark.parametrize("where, expression", [pytest.param(*pair, id=pair[0]) for pair in queries()])
def test_query(prometheus, where, expression):
    found = prometheus.query(substitute(expression).removesuffix("> 0"))  # it hides what is not there at this moment
    may_be_empty = "changes(" in expression or any(name in expression for name in MAY_BE_EMPTY)
    assert found or may_be_empty, f"{where}: nothing for {expression}"


@pytest.mark.slow
def test_exceptions_are_needed(prometheus):
    for name in MAY_BE_EMPTY:
        empty = [expression for _, expression in queries() if name in expression and not prometheus.query(substitute(expression).removesuffix("> 0"))]
        assert empty, f"{name} has data: it needs no exception"


@pytest.mark.slow
def test_variables_find_something(prometheus):
    for variable in BOARD["templating"]["list"]:
        if variable["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["definition"]).groups()
            assert variable["query"]["query"] == variable["definition"]
            found = {labels[label] for labels, _ in prometheus.query(metric) if label in labels}
            assert found or label == "site", "with one site there is no such label"


@pytest.mark.slow
def test_every_metric_is_on_the_dashboard_or_known(prometheus):
    """A new metric of phpsrv must be looked at: shown, or listed here with the reason why not."""
    not_shown = {
        "phpsrv_uptime_seconds": "process_start_time_seconds says it",
        "phpsrv_worker_starts_total": "restarts and recycles are shown",
        "phpsrv_last_reload_successful": "an alert says it",
        "phpsrv_last_reload_success_timestamp_seconds": "reloads are counted and marked",
        "phpsrv_php_gc_runs_total": "the time is shown",
        "phpsrv_php_gc_collected_total": "the time is shown",
        "phpsrv_php_gc_roots_total": "the time is shown",
        "phpsrv_compressed_bodies_total": "what it saves is shown",
        "phpsrv_request_bodies_spilled_total": "sizes of requests are shown",
        "phpsrv_php_threads": "workers are shown",
        "phpsrv_proxy_headers_total": "refused ones close their connection: reason error",
        "phpsrv_response_spilled_total": "held bytes are shown",
        "phpsrv_static_encodings_total": "the bytes are shown",
        "phpsrv_rate_limit_evictions_total": "for whoever sets the limit up",
        "phpsrv_tls_reloads_total": "an alert says it",
        "phpsrv_opcache_interned_used_bytes": "part of used",
        "phpsrv_opcache_interned_free_bytes": "part of used",
        "phpsrv_opcache_scripts": "keys are shown",
        "phpsrv_opcache_interned_strings": "part of used",
        "phpsrv_opcache_enabled": "phpsrv_build_info says it",
        "phpsrv_opcache_full": "an alert says it",
        "phpsrv_opcache_last_restart_timestamp_seconds": "restarts are shown",
        "phpsrv_opcache_jit_enabled": "phpsrv_build_info says it",
        "phpsrv_opcache_jit_buffer_bytes": "the JIT is off by default",
        "phpsrv_opcache_jit_free_bytes": "the JIT is off by default",
    }
    names = {name for name in prometheus.api("label/__name__/values") if name.startswith("phpsrv_")}
    names = {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}
    text = " ".join(expression for _, expression in queries())
    missing = {name for name in names if not re.search(rf"\b{name}(_bucket)?\b", text)}
    assert missing <= set(not_shown), f"neither shown nor listed: {missing - set(not_shown)}"
    assert set(not_shown) & names <= missing, f"listed for nothing: {set(not_shown) & names - missing}"
