"""What the chart refuses, and in which words."""

import re
from typing import Any

import pytest

from tests.chart.helm import CHART, Json, Refused, documents, render

TLS_TWICE: Json = {"existingSecret": "a", "certManager": {"enabled": True}}
AUTHORITY = "-----BEGIN CERTIFICATE-----"
TOO_MANY: Json = {"autoscaling": {"enabled": True, "minReplicas": 6}}
NO_REQUEST: Json = {"autoscaling": {"enabled": True}, "resources": {"requests": {"cpu": None}}}
ALL_THREE: Json = {"replicas": 3, "podDisruptionBudget": {"minAvailable": 3}}
LEAST: Json = {"autoscaling": {"enabled": True}, "podDisruptionBudget": {"minAvailable": 2}}
NOBODY: Json = {"criticalPodsQuota": {"enabled": True}, "priorityClassName": ""}
NO_REPLICA = "podDisruptionBudget.minAvailable {0} leaves no replica of {0} that may go"
MORE = "{} is more than a third of {}"
TOO_EARLY = "prometheusRule.certificateDays {} is not less than a third of {}"

OF_A_PROCESS = (
    *("autoscaling.enabled", "clientCertificates", "criticalPodsQuota.enabled"),
    *("dashboard.enabled", "hostNetwork", "prometheusRule.enabled", "serviceMonitor.enabled"),
    *("tls.certManager.enabled", "tls.existingSecret"),
)

IMPOSSIBLE: list[tuple[str, Json]] = [
    *(
        (
            f'configuration.name "{name}" does not sort before "istio"',
            {"configuration": {"name": name}},
        )
        for name in ("source-ip-webhook", "istio", "istio-a", "istio-sidecar-injector-0", "z.0")
    ),
    ("tls.existingSecret and tls.certManager.enabled are both set", {"tls": TLS_TWICE}),
    ("tls.caBundle is set without tls.existingSecret", {"tls": {"caBundle": AUTHORITY}}),
    (
        "tls.caBundle is set without tls.existingSecret",
        {"tls": {"caBundle": AUTHORITY, "certManager": {"enabled": True}}},
    ),
    (
        "tls.hosts is set with tls.existingSecret",
        {"tls": {"existingSecret": "a", "hosts": ["b"]}},
    ),
    *(
        (what, {"tls": {"managed": managed}})
        for what, managed in (
            ("tls.managed.leafLifetime 9s is less than ten seconds", {"leafLifetime": "9s"}),
            (
                MORE.format("tls.managed.leafLifetime 122d", "tls.managed.caLifetime 365d"),
                {"leafLifetime": "122d"},
            ),
            (
                MORE.format("tls.managed.propagation 31d", "tls.managed.leafLifetime 90d"),
                {"propagation": "31d"},
            ),
            (
                MORE.format("tls.managed.overlap 1h", "tls.managed.leafLifetime 1h"),
                {"leafLifetime": "1h"},
            ),
            (
                MORE.format("tls.managed.overlap 1h1s", "tls.managed.leafLifetime 2h60m"),
                {"overlap": "1h1s", "leafLifetime": "2h60m"},
            ),
            ("tls.managed.overlap 0s is no time at all", {"overlap": "0s", "propagation": "0s"}),
            (
                "tls.managed.overlap 59s is less than twice tls.managed.propagation 30s",
                {"overlap": "59s"},
            ),
        )
    ),
    (
        MORE.format("tls.certManager.duration 29201h", "tls.certManager.caDuration 87600h"),
        {"tls": {"certManager": {"enabled": True, "duration": "29201h"}}},
    ),
    (
        "clientCertificates.configMap and clientCertificates.secret are both set",
        {"clientCertificates": {"configMap": "a", "secret": "b"}},
    ),
    (
        "clientCertificates.names is set without an authority",
        {"clientCertificates": {"names": ["kube-apiserver"]}},
    ),
    ("port and opsPort are both 9000", {"port": 9000, "opsPort": 9000}),
    ("autoscaling.minReplicas 6 is more than autoscaling.maxReplicas 5", TOO_MANY),
    ("autoscaling.enabled is set without resources.requests.cpu", NO_REQUEST),
    (NO_REPLICA.format(1), {"replicas": 1}),
    (NO_REPLICA.format(3), ALL_THREE),
    (NO_REPLICA.format(2), LEAST),
    (
        'hostNetwork with 2 replicas and topologySpread.hosts "ScheduleAnyway"',
        {"hostNetwork": True},
    ),
    ("criticalPodsQuota.enabled is set without priorityClassName", NOBODY),
    (
        f"{', '.join(OF_A_PROCESS)} is set with backend policy",
        {
            "backend": "policy",
            "hostNetwork": True,
            "clientCertificates": {"configMap": "a"},
            "tls": TLS_TWICE,
            **{
                name: {"enabled": True}
                for name in (
                    *("autoscaling", "criticalPodsQuota", "dashboard"),
                    *("prometheusRule", "serviceMonitor"),
                )
            },
        },
    ),
    (
        TOO_EARLY.format(7, "tls.managed.leafLifetime 504h"),
        {"prometheusRule": {"enabled": True}, "tls": {"managed": {"leafLifetime": "504h"}}},
    ),
    (
        TOO_EARLY.format(30, "tls.certManager.duration 2160h"),
        {
            "prometheusRule": {"enabled": True, "certificateDays": 30},
            "tls": {"certManager": {"enabled": True}},
        },
    ),
]


@pytest.mark.parametrize(("what", "values"), IMPOSSIBLE)
def test_impossible(what: str, values: Json) -> None:
    """What cannot work is refused by one sentence that says what, why, and what to do."""
    with pytest.raises(Refused) as caught:
        render(values)

    assert re.search(rf"{re.escape(what)}: [^;]+; [^;]+\.", str(caught.value))


def test_every_refusal_is_proved() -> None:
    """Each refusal of the chart has a case above."""
    refusals = (CHART / "templates" / "checks.yaml").read_text().count("{{- fail ")
    values = r'\d+[smhd\d]*|"[^"]*"|tls[.]\S+ \w+$'

    assert refusals == len({re.sub(values, "_", what) for what, _ in IMPOSSIBLE})


@pytest.mark.parametrize("name", ["0-a", "00", "a", "hook", "istin", "isti0", "i.stio"])
def test_names_before_istio(name: str) -> None:
    """Whatever does sort before Istio's names is taken."""
    shown = render({"configuration": {"name": name}})

    assert name.encode() < b"istio"
    assert shown.one("MutatingWebhookConfiguration")["metadata"]["name"] == name


SCHEMA_REFUSES: list[tuple[str, Json]] = [
    ("additional properties 'replica' not allowed", {"replica": 3}),
    ("additional properties 'enable' not allowed", {"tls": {"certManager": {"enable": True}}}),
    ("additional properties 'Name' not allowed", {"configuration": {"Name": "0-a"}}),
    ("additional properties 'pullpolicy' not allowed", {"image": {"pullpolicy": "Always"}}),
    (
        "additional properties 'labels' not allowed",
        {"networkPolicy": {"opsFrom": [{"labels": {}}]}},
    ),
    ("at '/backend': value must be one of", {"backend": "policies"}),
    ("at '/failurePolicy': value must be one of", {"failurePolicy": "ignore"}),
    ("at '/serviceTrafficPolicy': value must be one of", {"serviceTrafficPolicy": "Local"}),
    *(
        ("at '/audit/schedule': ", {"audit": {"schedule": wrong}})
        for wrong in ("", "hourly", "@often", "17 * * *", "17 * * * * *")
    ),
    ("at '/logLevel': value must be one of", {"logLevel": "trace"}),
    ("at '/topologySpread/hosts': value must be one of", {"topologySpread": {"hosts": "Never"}}),
    ("at '/timeoutSeconds': maximum: got 31", {"timeoutSeconds": 31}),
    ("at '/timeoutSeconds': minimum: got 0", {"timeoutSeconds": 0}),
    ("at '/drain': minimum: got -1", {"drain": -1}),
    ("at '/port': minimum: got 443", {"port": 443}),
    ("at '/port': got string, want integer", {"port": "8443"}),
    ("at '/replicas': minimum: got 0", {"replicas": 0}),
    ("at '/replicas': got number, want integer", {"replicas": 1.5}),
    ("at '/nodePorts': got string, want boolean", {"nodePorts": "true"}),
    ("at '/runAsUser': minimum: got 0", {"runAsUser": 0}),
    ("at '/labelKey': 'a b' does not match pattern", {"labelKey": "a b"}),
    ("at '/labelKey': '' does not match pattern", {"labelKey": ""}),
    ("'Upper' does not match pattern", {"configuration": {"name": "Upper"}}),
    ("'md5:0' does not match pattern", {"image": {"digest": "md5:0"}}),
    ("'a:1' does not match pattern", {"image": {"repository": "a:1"}}),
    ("'90 days' does not match pattern", {"tls": {"managed": {"leafLifetime": "90 days"}}}),
    ("'90d' does not match pattern", {"tls": {"certManager": {"duration": "90d"}}}),
    ("'ca.crt' does not match pattern", {"tls": {"caBundle": "ca.crt"}}),
    ("'10.0.0.1' does not match pattern", {"networkPolicy": {"apiServerCIDRs": ["10.0.0.1"]}}),
    ("invalid propertyName 'helm.sh/chart'", {"labels": {"helm.sh/chart": "mine"}}),
    (
        "invalid propertyName 'sidecar.istio.io/inject'",
        {"podLabels": {"sidecar.istio.io/inject": "true"}},
    ),
    *(
        (f"missing property '{name}'", {name: None})
        for name in ("audit", "backend", "reportPolicy")
    ),
    ("missing property 'name'", {"extraEnv": [{"value": "a"}]}),
    ("missing property 'name'", {"imagePullSecrets": [{}]}),
    ("missing property 'name'", {"global": {"imagePullSecrets": [{}]}}),
    ("at '/global/imageRegistry': 'https://a' does", {"global": {"imageRegistry": "https://a"}}),
    ("at '/prometheusRule/runbookURL': 'a.md'", {"prometheusRule": {"runbookURL": "a.md"}}),
]


@pytest.mark.parametrize(("says", "values"), SCHEMA_REFUSES)
def test_schema(says: str, values: Json) -> None:
    """A value that is unknown, of a wrong type, or out of range is refused by its place."""
    with pytest.raises(Refused) as caught:
        render(values)

    assert says in str(caught.value)


def test_parent_chart() -> None:
    """A parent chart may hand down what it likes under ``global``, and nowhere else."""
    assert render({"global": {"anything": {"at": "all"}}}).objects
    page = (CHART.parents[1] / "docs" / "install" / "README.md").read_text()
    assert "`global`" in page


def test_schema_and_defaults_have_the_same_values() -> None:
    """Every default has a schema and every value of the schema a default, on all levels."""
    (defaults,) = documents((CHART / "values.yaml").read_text())
    (schema,) = documents((CHART / "values.schema.json").read_text())

    assert _keys(defaults) == _properties(schema)


def test_schema_is_closed() -> None:
    """No object of the schema whose fields are named takes others, but for ``global``."""
    (schema,) = documents((CHART / "values.schema.json").read_text())

    assert [place for place, node in _nodes(schema) if "properties" in node] == [
        place
        for place, node in _nodes(schema)
        if node.get("additionalProperties") is False or place == "/properties/global"
    ]


FREE = {
    *(f"{prefix}resources.{part}" for prefix in ("", "audit.") for part in ("requests", "limits")),
    "dashboard.labels",
    "nodeSelector",
}
"""Defaults that an admin replaces by keys of any name."""


def _keys(values: Json, prefix: str = "") -> set[str]:
    """Name every value that has a default, on all levels."""
    found = set()
    for key, value in values.items():
        found.add(f"{prefix}{key}")
        if isinstance(value, dict) and f"{prefix}{key}" not in FREE:
            found |= _keys(value, f"{prefix}{key}.")
    return found


def _properties(schema: Json, prefix: str = "") -> set[str]:
    """Name every value that the schema knows, on all levels."""
    found = set()
    for key, node in schema.get("properties", {}).items():
        found |= {f"{prefix}{key}", *_properties(node, f"{prefix}{key}.")}
    return found


def _nodes(schema: Any, place: str = "") -> list[tuple[str, Json]]:
    """List every object of the schema with its place."""
    found = []
    if isinstance(schema, dict):
        if not place.endswith("/properties"):
            found.append((place, schema))
        for key, value in schema.items():
            found += _nodes(value, f"{place}/{key}")
    elif isinstance(schema, list):
        for number, value in enumerate(schema):
            found += _nodes(value, f"{place}/{number}")
    return found
