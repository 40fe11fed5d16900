"""The manifests of docker/kubernetes and the chart in docker/helm: right by themselves, fit for this server, and both the same.

SPDX-License-Identifier: MIT
"""

import copy
import json
import re
import shutil
import subprocess

import jsonschema
import pytest
import yaml

import kubernetes_fields
import manifests
from testenv import run_binary

FULL = {
    "ingress": {"enabled": True, "className": "nginx", "hosts": [{"host": "a.example", "paths": ["/", "/api"]}, {"host": "b.example"}],
                "tls": [{"secretName": "x", "hosts": ["a.example"]}], "annotations": {"a/b": "c"}},
    "serviceMonitor": {"enabled": True, "labels": {"release": "p"}},
    "serviceAccount": {"create": True, "annotations": {"a": "b"}},
    "autoscaling": {"enabled": False},
    "replicas": 3,
    "env": [{"name": "A", "value": "b"}, {"name": "C", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
    "envFrom": [{"secretRef": {"name": "s"}}],
    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "d"}}],
    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    "podAnnotations": {"a": "b"}, "podLabels": {"team": "shop"},
    "image": {"digest": "sha256:" + "0" * 64, "repository": "images.example/shop"},
    "service": {"type": "LoadBalancer", "annotations": {"x": "z"}},
    "imagePullSecrets": [{"name": "r"}], "nodeSelector": {"disk": "ssd"}, "tolerations": [{"key": "a", "operator": "Exists"}],
    "priorityClassName": "high", "affinity": {"nodeAffinity": {}},
    "topologySpreadConstraints": [{"maxSkew": 2, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}],
    "ports": {"http": 8000, "internal": 9000},
    "config": {"static": {"immutable": ["/build/*"]}, "http": {"keepalive_timeout_ms": "30s"}, "workers": {"count": 4}},
}  # fmt: skip
SMALL = {
    "autoscaling": {"queueWait": "", "cpuUtilization": 80}, "podDisruptionBudget": {"enabled": False}, "networkPolicy": {"enabled": False},
    "nameOverride": "web", "fullnameOverride": "site", "config": {"php": None, "proxy": None},
}  # fmt: skip
CASES = {"default": {}, "full": FULL, "small": SMALL}


@pytest.fixture(scope="session")
def chart(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chart")
    program = manifests.renderer(folder)
    return lambda values=None, release="shop": manifests.render(program, folder, values, release)


@pytest.fixture(scope="module")
def plain():
    return manifests.kustomized()


def of_kind(things, kind):
    return [thing for thing in things if thing["kind"] == kind]


def config_of(things):
    (made,) = of_kind(things, "ConfigMap")
    return made["data"]["phpsrv.toml"]


# ---- right by themselves


def test_manifests_have_no_wrong_fields(plain):
    assert [problem for thing in plain for problem in kubernetes_fields.check(thing)] == []
    monitor = yaml.safe_load((manifests.KUBERNETES / "servicemonitor.yaml").read_text())
    assert kubernetes_fields.check(monitor) == []


@pytest.mark.parametrize("case", CASES)
def test_chart_has_no_wrong_fields(chart, case):
    things, _ = chart(CASES[case])
    assert [problem for thing in things for problem in kubernetes_fields.check(thing)] == []


@pytest.mark.parametrize(("path", "value", "message"), [
    (("spec", "strategy", "rollingUpdate", "maxUnavailble"), 0, "no field is named maxUnavailble"),
    (("spec", "template", "spec", "enableServiceLinks"), "no", "'no' is not possible"),
    (("spec", "template", "spec", "containers", 0, "resources", "limits", "memory"), "1GiB", "'1GiB' is not possible"),
    (("spec", "template", "spec", "containers", 0, "ports", 0, "containerPort"), "8080", "'8080' is not possible"),
    (("spec", "template", "spec", "containers", 0, "livenessProbe"), {"periodSeconds": 1}, "httpGet is missing"),
    (("metadata", "name"), "Phpsrv", "'Phpsrv' is not possible"),
    (("apiVersion",), "extensions/v1beta1", "is not known"),
])  # fmt: skip
def test_wrong_fields_are_found(plain, path, value, message):
    thing = copy.deepcopy(of_kind(plain, "Deployment")[0])
    place = thing
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert any(message in problem for problem in kubernetes_fields.check(thing))


# ---- fit for this server


def everything(chart, plain):
    return [plain, *(chart(values)[0] for values in CASES.values())]


def test_configurations_are_valid(chart, plain, tmp_path):
    for things in everything(chart, plain):
        path = tmp_path / "phpsrv.toml"
        path.write_text(config_of(things))
        done = run_binary("--check-config", "--config", path, "--docroot", tmp_path)
        assert done.returncode == 0, done.stderr
    image = manifests.ROOT / "docker/image/phpsrv.toml"
    assert run_binary("--check-config", "--config", image, "--docroot", tmp_path).returncode == 0


def effective(text, tmp_path):
    """Value by option."""
    path = tmp_path / "phpsrv.toml"
    path.write_text(text)
    dump = run_binary("--dump-config", "--config", path).stdout
    found, section = {}, ""
    for line in dump.splitlines():
        if match := re.match(r"^\[(\w+)\]", line):
            section = match.group(1)
        elif match := re.match(r"^(\w+) = (.*?)\s+# ", line):
            found[f"{section}.{match.group(1)}"] = match.group(2).strip('"')
    return found


def seconds(text):
    number, unit = re.match(r"(\d+)(ms|s|m|h)?", text).groups()
    return int(number) * {"ms": 0.001, None: 0.001, "s": 1, "m": 60, "h": 3600}[unit]


def bytes_of(text):
    number, unit = re.match(r"(\d+)(K|M|G)i?", text).groups()
    return int(number) << {"K": 10, "M": 20, "G": 30}[unit]


def test_numbers_fit_together(chart, plain, tmp_path):
    for things in everything(chart, plain):
        options = effective(config_of(things), tmp_path)
        (deployment,) = of_kind(things, "Deployment")
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        assert options["listen.address"].endswith(f":{ports['http']}") and options["internal.listen"].endswith(f":{ports['internal']}")
        drain = seconds(options["server.drain_delay_ms"]) + seconds(options["server.drain_timeout_ms"])
        assert drain > 0 and pod["terminationGracePeriodSeconds"] > drain
        # replaced by ourselves before the kernel does it
        assert 0 < bytes_of(options["supervisor.memory_max_bytes"]) < bytes_of(container["resources"]["limits"]["memory"])
        probes = [container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")]
        assert [(probe["path"], probe["port"]) for probe in probes] == [("/ready", "internal"), ("/health", "internal"), ("/ready", "internal")]


def test_pods_are_closed(chart, plain):
    for things in everything(chart, plain):
        pod = of_kind(things, "Deployment")[0]["spec"]["template"]["spec"]
        assert pod["enableServiceLinks"] is False and pod["automountServiceAccountToken"] is False
        assert pod["securityContext"] == {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
        (container,) = pod["containers"]
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
        assert set(container["resources"]) == {"requests", "limits"}


def test_the_variables_of_a_service_would_stop_the_start(tmp_path):
    """Why enableServiceLinks is false: what Kubernetes sets for a Service named phpsrv."""
    done = run_binary("--check-config", "--docroot", tmp_path, env={"PHPSRV_SERVICE_HOST": "10.0.0.1", "PHPSRV_PORT": "tcp://10.0.0.1:80"})
    assert done.returncode == 2


def test_names_lead_where_they_should(chart, plain):
    for things in everything(chart, plain):
        (deployment,) = of_kind(things, "Deployment")
        template = deployment["spec"]["template"]
        labels = template["metadata"]["labels"]
        names = {(thing["kind"], thing["metadata"]["name"]) for thing in things}

        def covers(selector):
            return selector and selector.items() <= labels.items()

        assert covers(deployment["spec"]["selector"]["matchLabels"])
        for spread in template["spec"]["topologySpreadConstraints"]:
            assert "labelSelector" not in spread or covers(spread["labelSelector"]["matchLabels"])
        for service in of_kind(things, "Service"):
            assert covers(service["spec"]["selector"])
        for thing in of_kind(things, "PodDisruptionBudget"):
            assert covers(thing["spec"]["selector"]["matchLabels"])
        for thing in of_kind(things, "NetworkPolicy"):
            assert covers(thing["spec"]["podSelector"]["matchLabels"])
            ports = {port["port"]: "from" in rule for rule in thing["spec"]["ingress"] for port in rule["ports"]}
            assert ports == {"http": False, "internal": True}
        for thing in of_kind(things, "HorizontalPodAutoscaler"):
            assert ("Deployment", thing["spec"]["scaleTargetRef"]["name"]) in names and "replicas" not in deployment["spec"]
        for thing in of_kind(things, "Ingress"):
            for rule in thing["spec"]["rules"]:
                for path in rule["http"]["paths"]:
                    assert ("Service", path["backend"]["service"]["name"]) in names
        for thing in of_kind(things, "ServiceMonitor"):
            chosen = [service for service in of_kind(things, "Service") if thing["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()]
            assert len(chosen) == 1 and chosen[0]["spec"]["ports"][0]["name"] == thing["spec"]["endpoints"][0]["port"]
        for volume in template["spec"]["volumes"]:
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in names


def test_the_plain_service_monitor_finds_its_service(plain):
    wanted = yaml.safe_load((manifests.KUBERNETES / "servicemonitor.yaml").read_text())["spec"]["selector"]["matchLabels"]
    assert [service["metadata"]["name"] for service in of_kind(plain, "Service") if wanted.items() <= service["metadata"]["labels"].items()] == ["phpsrv-internal"]


def test_the_adapter_makes_the_metric_from_one_that_there_is(server, plain, tmp_path):
    (rule,) = yaml.safe_load((manifests.KUBERNETES / "prometheus-adapter.yaml").read_text())["rules"]["custom"]
    series = re.match(r"^(\w+)\{", rule["seriesQuery"]).group(1)
    made = re.sub(rule["name"]["matches"], rule["name"]["as"].replace("${1}", r"\1"), series)
    (scaler,) = of_kind(plain, "HorizontalPodAutoscaler")
    assert made == scaler["spec"]["metrics"][0]["pods"]["metric"]["name"]
    query = re.sub(r"<<.LabelMatchers>>", 'namespace="a"', rule["metricsQuery"]).replace("<<.GroupBy>>", "pod")
    if shutil.which("promtool"):
        (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "a", "rules": [{"record": "a", "expr": query}]}]}))
        subprocess.run(["promtool", "check", "rules", tmp_path / "rules.yml"], check=True, stdout=subprocess.DEVNULL)
    server.fetch("/")
    text = server.internal("/metrics").body.decode()
    for name in set(re.findall(r"phpsrv_\w+", rule["metricsQuery"])):
        assert re.search(rf"^{name}(\{{| )", text, re.M), name


# ---- both the same


def comparable(things):
    """Without what a release adds: names, labels and selectors, the text of the configuration."""
    found = {}
    for thing in copy.deepcopy(things):
        if thing["kind"] in ("ConfigMap", "Ingress"):
            continue
        text = json.dumps(thing["spec"], sort_keys=True)
        text = re.sub(r'"app\.kubernetes\.io/instance": "[^"]*",? ?|"app\.kubernetes\.io/(version|managed-by)": "[^"]*",? ?|"helm\.sh/chart": "[^"]*"', "", text)
        text = re.sub(r'"annotations": \{"checksum/config": "[^"]*"\}, |, "serviceAccountName": "default"', "", text)
        text = re.sub(r"shop-phpsrv|phpsrv-config-\w+|phpsrv-config", "phpsrv", text).replace(", }", "}")
        found[thing["kind"], thing["metadata"]["name"].replace("shop-", "")] = json.loads(text)
    return found


def test_chart_and_manifests_say_the_same(chart, plain, tmp_path):
    ours, theirs = comparable(plain), comparable(chart()[0])
    assert set(ours) == set(theirs)
    for key in ours:
        assert ours[key] == theirs[key], key
    assert effective(config_of(plain), tmp_path) == effective(config_of(chart()[0]), tmp_path)


# ---- the chart


def test_values_follow_their_schema():
    schema = json.loads((manifests.CHART / "values.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    values = yaml.safe_load((manifests.CHART / "values.yaml").read_text())
    jsonschema.validate(values, schema)
    assert set(schema["properties"]) - {"global"} == set(values)
    for case in CASES.values():
        jsonschema.validate({**values, **{key: value for key, value in case.items() if key != "config"}}, schema)


@pytest.mark.parametrize("wrong", [
    {"replica": 2}, {"replicas": -1}, {"replicas": "2"}, {"image": {"repo": "x"}}, {"image": {"repository": "x", "digest": "abc"}}, {"ports": {"http": 80}},
    {"config": {"listen": {"address": ":1"}}}, {"config": {"workers": 8}}, {"config": {"workers": {"count": 1.5}}}, {"tmpSizeLimit": "1 GB"},
    {"ingress": {"hosts": [{"paths": ["/"]}]}}, {"service": {"type": "External"}}, {"resources": {"limit": {}}}, {"autoscaling": {"queueWait": "fast"}},
], ids=range(14))  # fmt: skip
def test_wrong_values_are_refused(wrong):
    schema = json.loads((manifests.CHART / "values.schema.json").read_text())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema)


@pytest.mark.parametrize(("values", "message"), [
    ({"ingress": {"enabled": True}}, "at least one host"), ({"autoscaling": {"queueWait": "", "cpuUtilization": 0}}, "queueWait or cpuUtilization"),
])  # fmt: skip
def test_what_cannot_work_says_so(chart, values, message):
    with pytest.raises(ValueError, match=message):
        chart(values)


def test_a_new_configuration_makes_new_pods(chart):
    def checksum(values):
        (deployment,) = of_kind(chart(values)[0], "Deployment")
        return deployment["spec"]["template"]["metadata"]["annotations"]["checksum/config"]

    assert checksum({}) == checksum({"replicas": 5}) != checksum({"config": {"workers": {"count": 2}}})


@pytest.mark.parametrize(("release", "name"), [("shop", "shop-phpsrv"), ("phpsrv", "phpsrv"), ("my-phpsrv", "my-phpsrv"), ("a" * 53, "a" * 53 + "-phpsrv")])
def test_names(chart, release, name):
    things, notes = chart(release=release)
    assert of_kind(things, "Deployment")[0]["metadata"]["name"] == name
    assert all(len(thing["metadata"]["name"]) <= 63 for thing in things) and name in notes


def test_notes(chart):
    assert "https://a.example/" in chart(FULL)[1] and "port-forward" in chart()[1]
    assert "phpsrv_queue_wait_seconds_average" in chart()[1] and "phpsrv_queue_wait" not in chart(SMALL)[1]


def test_versions_agree():
    about = yaml.safe_load((manifests.CHART / "Chart.yaml").read_text())
    project = re.search(r"project\(phpsrv VERSION (\S+)", (manifests.ROOT / "CMakeLists.txt").read_text()).group(1)
    tag = yaml.safe_load((manifests.KUBERNETES / "kustomization.yaml").read_text())["images"][0]["newTag"]
    assert about["appVersion"] == tag == project
