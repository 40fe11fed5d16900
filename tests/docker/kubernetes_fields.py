"""The fields of Kubernetes' objects that our manifests and our chart use, with their types: a misspelt or misplaced one is found.

Not the whole of the API: a field that is used for the first time is added here, after a look into its reference (v1.27 and newer).
SPDX-License-Identifier: MIT
"""

import re

QUANTITY = re.compile(r"^\d+(\.\d+)?([EPTGMk]i?|m)?$")
NAME = re.compile(r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")


class Required(dict):
    """Of a map's fields, those that must be there."""

    def __init__(self, names, fields):
        super().__init__(fields)
        self.names = names.split()


def quantity(value):
    return isinstance(value, (str, int)) and not isinstance(value, bool) and bool(QUANTITY.match(str(value)))


def port(value):
    return isinstance(value, int) and 0 < value < 65536


def port_name(value):
    return isinstance(value, str) and bool(re.match(r"^[a-z0-9-]{1,15}$", value))


def port_or_name(value):
    return port(value) or port_name(value)


def number_or_percent(value):
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and bool(re.match(r"^\d+%$", value)))


def one_of(*values):
    return lambda value: value in values


def name(value):
    return isinstance(value, str) and bool(NAME.match(value))


ANY = object()
TEXTS = {"*": str}
META = Required("name", {"name": name, "labels": TEXTS, "annotations": TEXTS})
SELECTOR = {"matchLabels": TEXTS}
PROBE = Required("httpGet", {"httpGet": Required("path port", {"path": str, "port": port_or_name}),
         "periodSeconds": int, "timeoutSeconds": int, "failureThreshold": int, "initialDelaySeconds": int})  # fmt: skip
CONTAINER = Required("name image ports securityContext startupProbe livenessProbe readinessProbe resources", {
    "name": name, "image": str, "imagePullPolicy": one_of("Always", "IfNotPresent", "Never"),
    "env": [Required("name", {"name": str, "value": str, "valueFrom": ANY})], "envFrom": [ANY],
    "ports": [Required("name containerPort", {"name": port_name, "containerPort": port})],
    "securityContext": {"allowPrivilegeEscalation": bool, "readOnlyRootFilesystem": bool, "capabilities": {"drop": [str]}},
    "startupProbe": PROBE, "livenessProbe": PROBE, "readinessProbe": PROBE,
    "resources": {"requests": {"*": quantity}, "limits": {"*": quantity}},
    "volumeMounts": [Required("name mountPath", {"name": name, "mountPath": str, "readOnly": bool})],
})  # fmt: skip
SPREAD = Required("maxSkew topologyKey whenUnsatisfiable", {
    "maxSkew": int, "topologyKey": str, "whenUnsatisfiable": one_of("ScheduleAnyway", "DoNotSchedule"), "labelSelector": SELECTOR,
})  # fmt: skip
POD = Required("containers", {
    "enableServiceLinks": bool, "automountServiceAccountToken": bool, "serviceAccountName": name, "terminationGracePeriodSeconds": int,
    "priorityClassName": str, "imagePullSecrets": [{"name": name}], "nodeSelector": TEXTS, "tolerations": [ANY], "affinity": ANY,
    "securityContext": {"runAsNonRoot": bool, "runAsUser": int, "runAsGroup": int, "fsGroup": int, "seccompProfile": {"type": str}},
    "topologySpreadConstraints": [SPREAD], "containers": [CONTAINER],
    "volumes": [Required("name", {"name": name, "configMap": {"name": name}, "emptyDir": {"sizeLimit": quantity}, "persistentVolumeClaim": ANY})],
})  # fmt: skip
DEPLOYMENT = Required("selector template", {
    "replicas": int, "minReadySeconds": int, "revisionHistoryLimit": int, "selector": SELECTOR,
    "strategy": {"type": one_of("RollingUpdate"), "rollingUpdate": {"maxUnavailable": number_or_percent, "maxSurge": number_or_percent}},
    "template": {"metadata": {"labels": TEXTS, "annotations": TEXTS}, "spec": POD},
})  # fmt: skip
SERVICE = Required("selector ports", {
    "type": one_of("ClusterIP", "NodePort", "LoadBalancer"), "clusterIP": one_of("None"), "publishNotReadyAddresses": bool,
    "selector": TEXTS, "ports": [Required("name port targetPort", {"name": port_name, "port": port, "targetPort": port_or_name})],
})  # fmt: skip
PATH = Required("path pathType backend", {
    "path": str, "pathType": one_of("Prefix", "Exact"), "backend": {"service": Required("name port", {"name": name, "port": {"name": port_name}})},
})  # fmt: skip
INGRESS = Required("rules", {
    "ingressClassName": str, "tls": [{"hosts": [str], "secretName": name}], "rules": [Required("host http", {"host": str, "http": {"paths": [PATH]}})],
})  # fmt: skip
POLICY = {"type": one_of("Percent", "Pods"), "value": int, "periodSeconds": int}
SCALING = {"stabilizationWindowSeconds": int, "policies": [POLICY]}
METRIC = Required("type", {
    "type": one_of("Pods", "Resource"),
    "pods": Required("metric target", {"metric": {"name": str}, "target": {"type": one_of("AverageValue"), "averageValue": quantity}}),
    "resource": Required("name target", {"name": one_of("cpu", "memory"), "target": {"type": one_of("Utilization"), "averageUtilization": int}}),
})  # fmt: skip
AUTOSCALER = Required("scaleTargetRef minReplicas maxReplicas metrics", {
    "scaleTargetRef": Required("apiVersion kind name", {"apiVersion": str, "kind": str, "name": name}),
    "minReplicas": int, "maxReplicas": int, "metrics": [METRIC], "behavior": {"scaleUp": SCALING, "scaleDown": SCALING},
})  # fmt: skip
BUDGET = Required("selector", {"maxUnavailable": number_or_percent, "unhealthyPodEvictionPolicy": one_of("AlwaysAllow", "IfHealthyBudget"), "selector": SELECTOR})
NETWORK = Required("podSelector policyTypes", {
    "podSelector": SELECTOR, "policyTypes": [one_of("Ingress", "Egress")],
    "ingress": [{"from": [{"namespaceSelector": SELECTOR, "podSelector": SELECTOR}], "ports": [Required("port", {"port": port_or_name})]}],
})  # fmt: skip
MONITOR = Required("selector endpoints", {"selector": SELECTOR, "endpoints": [{"port": port_name, "path": str, "interval": str, "scrapeTimeout": str}]})


def kind(fields):
    return Required("apiVersion kind metadata", {"apiVersion": str, "kind": str, "metadata": META, **fields})


OBJECTS = {
    ("apps/v1", "Deployment"): kind({"spec": DEPLOYMENT}),
    ("v1", "Service"): kind({"spec": SERVICE}),
    ("v1", "ConfigMap"): kind({"data": TEXTS}),
    ("v1", "ServiceAccount"): kind({"automountServiceAccountToken": bool}),
    ("networking.k8s.io/v1", "Ingress"): kind({"spec": INGRESS}),
    ("networking.k8s.io/v1", "NetworkPolicy"): kind({"spec": NETWORK}),
    ("autoscaling/v2", "HorizontalPodAutoscaler"): kind({"spec": AUTOSCALER}),
    ("policy/v1", "PodDisruptionBudget"): kind({"spec": BUDGET}),
    ("monitoring.coreos.com/v1", "ServiceMonitor"): kind({"spec": MONITOR}),
}


def problems(value, expected, where):
    """Sentences about what is wrong with the value."""
    if expected is ANY:
        return []
    if isinstance(expected, dict):
        if not isinstance(value, dict):
            return [f"{where}: a map is needed, not {value!r}"]
        found = [f"{where}: {missing} is missing" for missing in getattr(expected, "names", []) if missing not in value]
        for field, inner in value.items():
            if field in expected or "*" in expected:
                found += problems(inner, expected.get(field, expected.get("*")), f"{where}.{field}")
            else:
                found.append(f"{where}: no field is named {field}")
        return found
    if isinstance(expected, list):
        if not isinstance(value, list) or not value:
            return [f"{where}: a list with something in it is needed, not {value!r}"]
        return [problem for i, inner in enumerate(value) for problem in problems(inner, expected[0], f"{where}[{i}]")]
    if isinstance(expected, type):
        is_right = isinstance(value, expected) and not (expected is int and isinstance(value, bool))
    else:
        is_right = expected(value)
    return [] if is_right else [f"{where}: {value!r} is not possible"]


def check(thing):
    key = (thing.get("apiVersion"), thing.get("kind"))
    if key not in OBJECTS:
        return [f"{key} is not known"]
    return problems(thing, OBJECTS[key], "/".join((thing["kind"], thing.get("metadata", {}).get("name", "?"))))
