"""The API server refuses what replicas need, or is not there at all."""

import json

import pytest

from tests.e2e.certificates.deployment import Deployment
from tests.e2e.certificates.failures import failures_of, wait_for_failures
from tests.e2e.certificates.prober import shown, verifies
from tests.e2e.certificates.scenario import Record, under_load
from tests.e2e.conftest import DEADLINE

pytestmark = pytest.mark.e2e


def test_rights_taken_away(steady: Deployment, record: Record) -> None:
    """A rotation stops before anybody could notice, the log names the right, and it goes on."""
    before = steady.secret()
    with under_load(steady, record) as scenario:
        failures = failures_of(steady)
        steady.allow("get", "watch")
        steady.command("rotate", "--ca")
        wait_for_failures(
            steady, failures, "cannot patch", "mutatingwebhookconfigurations", steady.name
        )
        assert steady.published() == [before["ca.crt"]] * 2
        steady.allow()
        steady.wait_until_settled()
    scenario.assert_unharmed()
    assert steady.secret()["ca.crt"] != before["ca.crt"]


def policy(name: str, message: str, reason: str) -> list[dict[str, object]]:
    """Write a policy of somebody's that lets nobody change a configuration, and its binding."""
    kind = "ValidatingAdmissionPolicy"
    common = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    rule = {
        "apiGroups": ["admissionregistration.k8s.io"],
        "apiVersions": ["*"],
        "operations": ["UPDATE"],
        "resources": ["mutatingwebhookconfigurations"],
        "resourceNames": [name],
    }
    spec = {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": "false", "message": message, "reason": reason}],
    }
    binding = {"policyName": name, "validationActions": ["Deny"]}
    return [
        {**common, "kind": kind, "spec": spec},
        {**common, "kind": f"{kind}Binding", "spec": binding},
    ]


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("Invalid", "HTTP 422, ValidatingAdmissionPolicy '{0}' with binding '{0}' denied request"),
        ("Forbidden", "HTTP 403, "),
    ],
)
def test_policy_of_somebody(steady: Deployment, record: Record, reason: str, says: str) -> None:
    """It is no conflict: replicas count it, and say once whose it is, until it is gone."""
    name, api = steady.name, "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic"
    before = steady.secret()
    objects = policy(name, "Nobody may", reason)
    with under_load(steady, record) as scenario:
        steady.plane.kubectl("apply", "-f", "-", input="\n---\n".join(map(json.dumps, objects)))
        try:
            steady.plane.wait_for(
                lambda: (
                    steady.plane.kubectl(
                        *("label", "--dry-run=server", "mutatingwebhookconfiguration", name, "a=b"),
                        check=False,
                    ).returncode
                ),
                DEADLINE,
                "the policy to take effect",
            )
            failures = failures_of(steady)
            steady.command("rotate", "--ca")
            wait_for_failures(steady, failures, says.format(name))
            told = [len(replica.events("certificates-stuck")) for replica in steady.replicas]
            wait_for_failures(steady, failures_of(steady), says.format(name))
            assert told == [len(each.events("certificates-stuck")) for each in steady.replicas]
            assert steady.published() == [before["ca.crt"]] * 2
        finally:
            for kind in ("ybindings", "ies"):
                steady.plane.request("DELETE", f"{api}{kind}/{name}")
        steady.wait_until_settled()
    scenario.assert_unharmed()
    assert steady.secret()["ca.crt"] != before["ca.crt"]


def test_api_server_away(steady: Deployment, record: Record) -> None:
    """Replicas stay ready and serve what they have, and go on when it is back."""
    (bundle,) = {*steady.published()}
    failures = failures_of(steady)
    steady.plane.stop_apiserver()
    try:
        wait_for_failures(steady, failures)
        for replica in steady.replicas:
            assert verifies(bundle, shown(replica.port))
    finally:
        steady.plane.start_apiserver()
    with under_load(steady, record) as scenario:
        steady.command("rotate")
        steady.wait_until_settled()
        scenario.wait_for_leaves(2)
    scenario.assert_unharmed()
