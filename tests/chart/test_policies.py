"""The chart's policies are those that ``source-ip-webhook policy`` prints, from the same code."""

import pytest
import yaml

from tests import policy_document
from tests.chart.helm import AUDIT, POLICY, Json, Rendered, render
from tests.chart.value_sets import NAMES, every_set, rendered, values
from tests.unit.cli.running import run

FLAGS = {
    "labelKey": "--label-key",
    "serviceTrafficPolicy": "--service-traffic-policy",
    "nodePorts": "--node-ports",
    "eastWestGateways": "--east-west-gateways",
    "servicesWithoutSelector": "--services-without-selector",
    "sharedAddresses": "--shared-addresses",
    "ciliumL2": "--cilium-l2",
    "azurePlsProxyProtocol": "--azure-pls-proxy-protocol",
    "sidecarTemplates": "--sidecar-template",
    "sandboxedRuntimeClasses": "--sandboxed-runtime-class",
    "requireInjectionLabel": "--require-injection-label",
    "ignorePodSecurity": "--ignore-pod-security",
    "inboundLocalhost": "--inbound-localhost",
    "failurePolicy": "--failure-policy",
}
"""The values that policies are made of, each with its flag."""


def flags(given: Json) -> list[str]:
    """Write the flags that are equal to values."""
    found = ["--name=source-ip.x-source-ip-webhook", "--exclude-namespace=source-ip"]
    for value, flag in FLAGS.items():
        chosen = given.get(value, False)
        if isinstance(chosen, list):
            found += [f"{flag}={each}" for each in chosen]
        elif chosen is True:
            found.append(flag)
        elif chosen:
            found.append(f"{flag}={chosen}")
    return found


def printed(given: Json, only: str) -> list[Json]:
    """Print the policies with these flags."""
    result = run("policy", f"--only={only}", *flags(given))
    assert result.exit_code == 0, result.stderr
    return list(yaml.safe_load_all(result.stdout))


def policies(shown: Rendered, prefix: str) -> list[Json]:
    """Find the policies of a render, without the labels that everything of a release has."""
    return [
        {**thing, "metadata": {"name": thing["metadata"]["name"]}}
        for kind in (f"{prefix}AdmissionPolicy", f"{prefix}AdmissionPolicyBinding")
        for thing in shown.all(kind, POLICY)
    ]


def _sorted(things: list[Json]) -> list[Json]:
    return sorted(things, key=lambda thing: (thing["kind"], thing["metadata"]["name"]))


@pytest.mark.parametrize("name", policy_document.PARTS)
def test_templates_are_written_by_the_code(name: str) -> None:
    """A template is what ``python -m tests.policy_document`` writes, to the letter."""
    assert (policy_document.TEMPLATES / name).read_text() == policy_document.PARTS[name]()


@every_set
def test_same_as_the_command(name: str) -> None:
    """Values and the equal flags give equal policies; only what is asked for is there."""
    given, shown = values(name), render(values(name))
    wanted = {
        "Mutating": ("mutating", given.get("backend") == "policy"),
        "Validating": ("validating", given.get("reportPolicy", {}).get("enabled", False)),
    }
    for prefix, (only, asked) in wanted.items():
        expected = printed(given, only) if asked else []
        assert _sorted(policies(shown, prefix)) == _sorted(expected)


def test_policy_backend_runs_nothing() -> None:
    """Backend policy makes policies and bindings; roles for people who audit are apart."""
    shown = render({**values("policy"), "audit": {"clusterRoles": False}})

    assert {thing["kind"] for thing in shown.objects} == {
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
    assert shown.pods == []


def test_audit_goes_on() -> None:
    """The audit in the cluster is there with either backend, and alone where nothing serves."""
    shown = render({"backend": "policy", "audit": {"enabled": True}})

    assert shown.pods == [shown.audit_pod]
    assert [thing["metadata"]["name"] for thing in shown.all("NetworkPolicy", AUDIT)] == [
        "x-source-ip-webhook-audit"
    ]
    assert shown.all("NetworkPolicy") == []


def test_every_value_is_proved() -> None:
    """Each value that policies are made of differs from its default in some set."""
    proved = set().union(*(values(name) for name in NAMES if "policy" in name))

    assert set(FLAGS) <= proved


@pytest.mark.parametrize("name", ['it\'s "quoted" \\ {{ .Values }}', "\u00fc"])
def test_names_of_templates_are_quoted(name: str) -> None:
    """The name of a template is free text, and stays one text in CEL and in YAML."""
    given = {"backend": "policy", "sidecarTemplates": [name]}

    assert _sorted(policies(render(given), "Mutating")) == _sorted(printed(given, "mutating"))


def test_notes() -> None:
    """The notes of an installation without a process speak of none, and warn of Sidecars."""
    notes = rendered("policy").notes

    assert "reads no Sidecar resources" in notes
    assert "rollout status" not in notes
    assert "Check that the API server evaluates them" in notes
    assert "Check that the API server calls it" in rendered("default").notes
