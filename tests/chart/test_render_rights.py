"""What the chart lets the service do, with its defaults and with every documented set of values."""

import re
from typing import Any

import pytest

from certs import contents
from tests.chart.helm import CHART, render
from tests.chart.value_sets import every_serving_set, every_set, rendered

TEMPLATES = CHART / "templates"


@every_set
def test_restricted(name: str) -> None:
    """Every Pod is as Pod Security "restricted" asks, and cannot write to its own image."""
    for pod in rendered(name).pods:
        spec = pod["spec"]
        (container,) = spec["containers"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_least_rights_of_managed_certificates() -> None:
    """The service may read namespaces and Sidecars, mend its configuration, and keep its Secret."""
    cluster, own = rendered("default").one("ClusterRole"), rendered("default").one("Role")

    assert cluster["rules"] == [
        _rule("", "namespaces", "get", "list", "watch"),
        _rule("networking.istio.io", "sidecars", "list", "watch"),
        _rule(
            "admissionregistration.k8s.io",
            "mutatingwebhookconfigurations",
            *("get", "watch", "patch"),
            only="0-source-ip-webhook",
        ),
    ]
    assert own["rules"] == [
        _rule("", "secrets", "get", "patch", only="x-source-ip-webhook-tls"),
        _rule("", "secrets", "create"),
    ]


@pytest.mark.parametrize("name", ["cert-manager", "existing-secret"])
def test_least_rights_of_files(name: str) -> None:
    """Where others look after the certificate the service may change nothing in the cluster."""
    cluster = rendered(name).one("ClusterRole")

    assert cluster["rules"] == [
        _rule("", "namespaces", "get", "list", "watch"),
        _rule("networking.istio.io", "sidecars", "list", "watch"),
        _rule(
            "admissionregistration.k8s.io",
            "mutatingwebhookconfigurations",
            *("get", "watch"),
            only="0-source-ip-webhook",
        ),
    ]
    assert not rendered(name).all("Role")
    assert not rendered(name).all("RoleBinding")


def test_no_right_to_what_is_ignored() -> None:
    """Where Sidecars are ignored there is no right to read them."""
    rules = rendered("every-flag").one("ClusterRole")["rules"]

    assert [rule["resources"] for rule in rules] == [
        ["namespaces"],
        ["mutatingwebhookconfigurations"],
    ]


@every_serving_set
def test_self_restriction(name: str) -> None:
    """Where the service may write there is a policy for each kind that it may write, in force."""
    render = rendered(name)
    account = render.one("ServiceAccount")["metadata"]["name"]
    policies = render.all("ValidatingAdmissionPolicy")
    bindings = [thing["spec"] for thing in render.all("ValidatingAdmissionPolicyBinding")]

    assert len(policies) == (2 if render.all("Role") else 0)
    assert bindings == [
        {"policyName": policy["metadata"]["name"], "validationActions": ["Deny"]}
        for policy in policies
    ]
    for policy in policies:
        assert policy["spec"]["failurePolicy"] == "Fail"
        (condition,) = policy["spec"]["matchConditions"]
        user = f"system:serviceaccount:source-ip:{account}"
        assert condition["expression"] == f"request.userInfo.username == '{user}'"


def test_self_restriction_knows_the_keys() -> None:
    """The keys that the policy lets the service write are those that its certificates have."""
    text = str(rendered("default").all("ValidatingAdmissionPolicy"))
    (listed,) = re.findall(r"key in \[(.*?)\]", text)

    assert set(re.findall(r"[\w.-]+", listed)) == contents.KEYS


def test_self_restriction_can_be_left_out() -> None:
    """An admin who may not make policies can install without them."""
    shown = render({"selfRestriction": {"enabled": False}})

    assert not shown.all("ValidatingAdmissionPolicy")


def _rule(group: str, resource: str, *verbs: str, only: str | None = None) -> dict[str, Any]:
    rule: dict[str, Any] = {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}
    return rule if only is None else {**rule, "resourceNames": [only]}
