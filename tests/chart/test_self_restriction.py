"""What a stolen token of the ServiceAccount is good for, tried on a real API server.

The account gets every right on configurations and Secrets here, so that it is the policies and not
RBAC that refuse.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chart.changes import FIXED, OF_ENTRY, OF_LIST, OF_METADATA, OF_SECRET, Change
from tests.chart.fields import fields_of
from tests.chart.helm import NAMESPACE, Cluster, Json
from tests.chart.thief import (
    ACCOUNT,
    CONFIGURATION,
    CONFIGURATION_NAME,
    CONFIGURATIONS,
    SECRET,
    WRITTEN,
    Thief,
    denied,
)
from tests.controlplane import ControlPlane
from tests.controlplane.absence import skipped_without_binaries
from webhook.cluster.client import Client
from webhook.cluster.objects import CaBundleClient

pytestmark = pytest.mark.e2e

ROLES = ("admin", "edit", "view")


def test_every_field_has_its_change(plane: ControlPlane) -> None:
    """The tables have a change for each field of the kinds: a new field is noticed here."""
    group = "admissionregistration.k8s.io"
    configurations = fields_of(plane, f"apis/{group}/v1", "MutatingWebhookConfiguration")
    secrets = fields_of(plane, "api/v1", "Secret")

    written = {f"metadata.{name}" for name in WRITTEN} | {"webhooks.clientConfig.caBundle"}
    for fields, changes in ((configurations, [*OF_ENTRY, *OF_METADATA]), (secrets, OF_SECRET)):
        assert fields == {change.field for change in changes} | (FIXED | written) & fields


@pytest.mark.parametrize("change", [*OF_ENTRY, *OF_METADATA], ids=str)
def test_configuration_cannot_be_changed(restricted: ControlPlane, change: Change) -> None:
    """No field of the configuration but caBundle can be changed, in whatever way it is tried."""
    thief = Thief(restricted.api, CONFIGURATION)

    assert {"JSON patch", "update"} <= thief.refused(change.made(thief.read()))


@pytest.mark.parametrize("change", OF_LIST.values(), ids=OF_LIST)
def test_entries_cannot_be_changed(
    restricted: ControlPlane, change: Callable[[list[Json]], list[Json]]
) -> None:
    """No entry can be added, removed or moved."""
    thief = Thief(restricted.api, CONFIGURATION)
    before = thief.read()

    assert {"JSON patch", "update"} <= thief.refused(
        {**before, "webhooks": change(before["webhooks"])}
    )


def test_configurations_cannot_be_made_or_deleted(restricted: ControlPlane) -> None:
    """Neither ours nor another, neither one by one nor all, and ours not anew once it is gone."""
    thief = Thief(restricted.api, CONFIGURATION)
    ours = thief.read()
    other = {
        "apiVersion": ours["apiVersion"],
        "kind": ours["kind"],
        "metadata": {"name": "istio-sidecar-injector"},
        "webhooks": ours["webhooks"],
    }
    restricted.api.json("POST", CONFIGURATIONS, other)
    others = f"{CONFIGURATIONS}/istio-sidecar-injector"
    bundle = [{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "YQ=="}]

    for path in (CONFIGURATION, others, CONFIGURATIONS):
        assert denied(thief.request("DELETE", path))
    assert denied(
        thief.request("PATCH", others, bundle, content_type="application/json-patch+json")
    )
    restricted.api.json("DELETE", others)
    assert denied(thief.request("POST", CONFIGURATIONS, other))
    apply_it = ("PATCH", f"{others}?fieldManager=a", other)
    assert denied(thief.request(*apply_it, content_type="application/apply-patch+yaml"))
    restricted.api.json("DELETE", CONFIGURATION)
    anew = {**ours, "metadata": {"name": ours["metadata"]["name"]}}
    assert denied(thief.request("POST", CONFIGURATIONS, anew))
    Cluster(restricted.kubeconfig).apply()
    assert _entries(thief.read()) == _entries(ours)


def test_service_publishes(client: Client) -> None:
    """What the service itself does is let through: it sets the caBundle of each entry."""
    bundles = CaBundleClient(client, CONFIGURATION_NAME)
    published, _ = bundles.read()
    assert published is not None
    bundles.publish(published, [b"one", b"two"])
    after, _ = bundles.read()
    assert after is not None
    assert [entry.bundle for entry in after.entries] == [b"one", b"two"]


def test_refusals_are_counted(restricted: ControlPlane) -> None:
    """The API server counts what the policies refuse, by the names that the alert asks for."""
    for path in (CONFIGURATION, SECRET):
        assert denied(Thief(restricted.api, path).request("DELETE", path))

    name = "apiserver_validating_admission_policy_check_total"
    sample = rf'^{name}\{{.*enforcement_action="deny".*policy="(\S+?)".*\}} [1-9]'
    metrics = restricted.request("GET", "/metrics").data.decode()
    counted = set(re.findall(sample, metrics, re.MULTILINE))
    assert {f"{NAMESPACE}.{ACCOUNT}.configuration", f"{NAMESPACE}.{ACCOUNT}.secret"} <= counted


def test_built_in_roles_cannot_opt_in(plane: ControlPlane) -> None:
    """Who has Kubernetes' role "admin" or "edit" in a namespace cannot label it."""
    roles = [plane.get("ClusterRole", f"system:aggregate-to-{name}") for name in ROLES]
    verbs = {
        verb
        for role in roles
        for rule in role["rules"]
        if "namespaces" in rule["resources"] and "" in rule["apiGroups"]
        for verb in rule["verbs"]
    }

    assert verbs == {"get", "list", "watch"}


def test_api_server_without_policies(tmp_path: Path) -> None:
    """Where the API server was told not to serve the kind, the chart installs without it."""
    group = "admissionregistration.k8s.io/v1"
    kinds = ("validatingadmissionpolicies", "validatingadmissionpolicybindings")
    flags = [
        f"--runtime-config={','.join(f'{group}/{kind}=false' for kind in kinds)}",
        "--disable-admission-plugins=ValidatingAdmissionPolicy",
    ]
    with skipped_without_binaries():
        described = ControlPlane(tmp_path / "plane", controllers=False, apiserver_args=flags)
    with described as plane:
        plane.kubectl("create", "namespace", NAMESPACE)
        Cluster(plane.kubeconfig).apply()

        assert plane.find("MutatingWebhookConfiguration", CONFIGURATION_NAME)
        with pytest.raises(LookupError, match="no kind"):
            plane.find("ValidatingAdmissionPolicy", "any")


def test_nobody_else_is_restricted(restricted: ControlPlane) -> None:
    """Another account of the same namespace makes and deletes Secrets and configurations."""
    config: Json = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": "theirs"}}
    secret: Json = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "theirs"}}
    things = [{**config, "kind": "MutatingWebhookConfiguration", "webhooks": []}, secret]
    text = "\n---\n".join(map(json.dumps, things))
    who = (f"--as=system:serviceaccount:{NAMESPACE}:default", "--as-group=system:masters")

    restricted.kubectl("create", "-f", "-", *who, namespace=NAMESPACE, input=text)
    restricted.kubectl("delete", "-f", "-", *who, namespace=NAMESPACE, input=text)


def _entries(thing: Json) -> list[str]:
    return [webhook["name"] for webhook in thing["webhooks"]]
