"""Secret and caBundles on a real API server, with the rights that the chart gives and no more."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.controlplane import ControlPlane
from tests.e2e.conftest import DEADLINE, make_namespace
from webhook.cluster import ClusterError, Conflict, Forbidden, NotFound, transport
from webhook.cluster.answers import ObservedConfiguration
from webhook.cluster.client import Client
from webhook.cluster.objects import CaBundleClient, ObservedSecret, SecretClient

pytestmark = pytest.mark.e2e

NAME = "cluster-writes"
"""Of namespace, ServiceAccount, roles, Secret and configuration."""
SECRETS = f"/api/v1/namespaces/{NAME}/secrets"
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
PATH = f"{CONFIGURATIONS}/{NAME}"

Json = dict[str, Any]


def manifest(*names: str, timeout: int = 2) -> Json:
    """Make a configuration without caBundle, as a chart has it, that never calls anybody."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": NAME},
        "webhooks": [
            {
                "name": f"{name}.example.org",
                "clientConfig": {"service": {"namespace": NAME, "name": "hook"}},
                "rules": [
                    {
                        "operations": ["CREATE"],
                        "apiGroups": ["example.org"],
                        "apiVersions": ["v1"],
                        "resources": ["nothings"],
                    }
                ],
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "timeoutSeconds": timeout,
                "failurePolicy": "Ignore",
            }
            for name in names
        ],
    }


def rights() -> list[Json]:
    """List the account's roles and their bindings."""
    one = {"resourceNames": [NAME]}
    secrets = {"apiGroups": [""], "resources": ["secrets"]}
    configurations = {
        "apiGroups": ["admissionregistration.k8s.io"],
        "resources": ["mutatingwebhookconfigurations"],
    }
    rules = {
        "ClusterRole": [{**configurations, **one, "verbs": ["get", "watch", "patch"]}],
        "Role": [
            {**secrets, **one, "verbs": ["get", "patch"]},
            {**secrets, "verbs": ["create"]},
        ],
    }
    group = "rbac.authorization.k8s.io"
    common: Json = {"apiVersion": f"{group}/v1", "metadata": {"name": NAME}}
    account = {"kind": "ServiceAccount", "name": NAME, "namespace": NAME}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME}},
        *({**common, "kind": kind, "rules": of_kind} for kind, of_kind in rules.items()),
        *(
            {
                **common,
                "kind": f"{kind}Binding",
                "roleRef": {"apiGroup": group, "kind": kind, "name": NAME},
                "subjects": [account],
            }
            for kind in rules
        ),
    ]


@pytest.fixture(scope="module")
def client(control_plane: ControlPlane) -> Iterator[Client]:
    """Be the ServiceAccount, once its rights have reached the API server."""
    make_namespace(control_plane, NAME, {})
    text = "\n---\n".join(map(json.dumps, rights()))
    control_plane.kubectl("apply", "-f", "-", namespace=NAME, input=text)
    path = control_plane.kubeconfig_for(NAME, NAME)
    client = Client(lambda: transport.load_configuration(path))

    def allowed() -> bool:
        try:
            CaBundleClient(client, NAME).read()
            SecretClient(client, NAME, NAME).read()
        except Forbidden:
            return False
        return True

    control_plane.wait_for(allowed, DEADLINE, "the rights of the account")
    yield client
    client.close()


@pytest.fixture
def store(client: Client, control_plane: ControlPlane) -> Iterator[SecretClient]:
    """A Secret that is yet to be made, and is removed afterwards."""
    yield SecretClient(client, NAME, NAME)
    control_plane.request("DELETE", f"{SECRETS}/{NAME}")


@pytest.fixture
def bundles(client: Client, control_plane: ControlPlane) -> Iterator[CaBundleClient]:
    """The bundles of a configuration that is yet to be made, and is removed afterwards."""
    yield CaBundleClient(client, NAME)
    control_plane.request("DELETE", PATH)


def known(stored: tuple[ObservedSecret | None, object]) -> ObservedSecret:
    """Take the Secret that was read."""
    assert stored[0] is not None
    return stored[0]


def published(bundles: CaBundleClient) -> ObservedConfiguration:
    """Take the configuration that is there."""
    found, _ = bundles.read()
    assert found is not None
    return found


def pems(bundles: CaBundleClient) -> list[bytes]:
    """Tell which bundles are published."""
    return [entry.bundle for entry in published(bundles).entries]


def put(plane: ControlPlane, body: Json) -> None:
    """Replace the configuration, whatever it is now."""
    plane.kubectl("replace", "-f", "-", input=json.dumps(body))


def apply(plane: ControlPlane, body: Json, *how: str) -> None:
    """Apply the configuration."""
    plane.kubectl("apply", *how, "-f", "-", input=json.dumps(body))


def test_secret_is_made_read_and_replaced(store: SecretClient) -> None:
    """What was written is read, keys that are left out are gone, and the clock is told always."""
    missing, first = store.read()
    assert missing is None
    store.create({"a": b"\x00\xff", "empty": b""})
    made, second = store.read()
    assert made is not None
    assert made.data == {"a": b"\x00\xff", "empty": b""}
    store.replace({"b": b"2"}, made.resource_version)
    assert known(store.read()).data == {"b": b"2"}
    now = dt.datetime.now(dt.UTC)
    for date in (first, second):
        assert date is not None
        assert abs(now - date) < dt.timedelta(seconds=60)


def test_first_writer_of_a_secret_wins(store: SecretClient) -> None:
    """Who makes it second or replaces what was changed since learns so, and nothing is lost."""
    store.create({"a": b"1"})
    with pytest.raises(Conflict, match=r"HTTP 409, .*already exists"):
        store.create({"a": b"2"})
    old = known(store.read())
    store.replace({"a": b"3"}, old.resource_version)
    with pytest.raises(Conflict, match=r"HTTP 409, .*the object has been modified"):
        store.replace({"a": b"4"}, old.resource_version)
    assert known(store.read()).data == {"a": b"3"}


def test_secret_that_was_deleted_is_missing(
    store: SecretClient, control_plane: ControlPlane
) -> None:
    """Replacing does not bring it back; a successor of the same name is a conflict."""
    store.create({"a": b"1"})
    old = known(store.read())
    control_plane.request("DELETE", f"{SECRETS}/{NAME}")
    with pytest.raises(NotFound):
        store.replace({"a": b"2"}, old.resource_version)
    store.create({"a": b"3"})
    with pytest.raises(Conflict):
        store.replace({"a": b"2"}, old.resource_version)


def test_secret_of_others_keeps_what_they_gave_it(
    store: SecretClient, control_plane: ControlPlane
) -> None:
    """Type, labels and annotations stay, and a Secret without data gets some."""
    metadata = {"name": NAME, "labels": {"a": "b"}, "annotations": {"c": "d"}}
    control_plane.api.json("POST", SECRETS, {"metadata": metadata, "type": "example.org/t"})
    empty = known(store.read())
    assert empty.data == {}
    store.replace({"a": b"1"}, empty.resource_version)
    secret = control_plane.get("Secret", NAME, NAME)
    assert secret["type"] == "example.org/t"
    assert secret["data"] == {"a": "MQ=="}
    assert secret["metadata"]["labels"] == metadata["labels"]
    assert secret["metadata"]["annotations"] == metadata["annotations"]


def test_null_of_others_is_empty(store: SecretClient, control_plane: ControlPlane) -> None:
    """The API server stores a null as nothing at all, so that every value has bytes."""
    control_plane.api.json("POST", SECRETS, {"metadata": {"name": NAME}, "data": {"a": None}})
    assert known(store.read()).data == {"a": b""}


def test_refusal_does_not_quote_the_secret(store: SecretClient, client: Client) -> None:
    """The API server quotes the whole Secret where a patch makes no Secret; our error does not."""
    store.create({"old": b"confidential"})
    value = {"old": "Y29uZmlkZW50aWFs", "new": "no base64!"}
    with pytest.raises(ClusterError) as caught:
        client.send(
            "PATCH",
            f"{SECRETS}/{NAME}",
            [{"op": "add", "path": "/data", "value": value}],
            content_type="application/json-patch+json",
        )
    assert str(caught.value).endswith("HTTP 422, patch is not valid")


def test_other_names_are_forbidden(client: Client) -> None:
    """The rights end at one Secret and one configuration."""
    other, elsewhere = SecretClient(client, NAME, "other"), SecretClient(client, "default", NAME)
    for secret in (other, elsewhere):
        with pytest.raises(Forbidden, match='cannot get resource "secrets"'):
            secret.read()
        with pytest.raises(Forbidden, match='cannot patch resource "secrets"'):
            secret.replace({"a": b"1"}, "1")
    with pytest.raises(Forbidden, match='cannot create resource "secrets"'):
        elsewhere.create({"a": b"1"})
    bundles = CaBundleClient(client, "other")
    with pytest.raises(Forbidden, match="cannot get resource"):
        bundles.read()
    with pytest.raises(Forbidden, match="cannot watch resource"):
        next(bundles.watch().events(lambda: None))
    for path in (SECRETS, CONFIGURATIONS):
        with pytest.raises(Forbidden, match="cannot list resource"):
            client.get(path)
    with pytest.raises(Forbidden, match="cannot watch resource"):
        next(client.watch(CONFIGURATIONS, {}).events(lambda: None))


def test_missing_configuration(bundles: CaBundleClient, control_plane: ControlPlane) -> None:
    """It is told with the time, and publishing to one that was deleted says so."""
    missing, date = bundles.read()
    assert missing is None
    assert date is not None
    apply(control_plane, manifest("a"))
    old = published(bundles)
    control_plane.request("DELETE", PATH)
    with pytest.raises(NotFound):
        bundles.publish(old, [b"1"])


def test_bundles_are_published(bundles: CaBundleClient, control_plane: ControlPlane) -> None:
    """Each entry gets its own, only what differs is changed, and the field is known as ours."""
    apply(control_plane, manifest("a", "b"))
    before = published(bundles)
    assert [entry.host for entry in before.entries] == [f"hook.{NAME}.svc"] * 2
    assert pems(bundles) == [b"", b""]
    bundles.publish(before, [b"1", b"2"])
    after = published(bundles)
    assert [entry.bundle for entry in after.entries] == [b"1", b"2"]
    bundles.publish(after, [b"1", b"2"])
    assert published(bundles).resource_version == after.resource_version
    metadata = control_plane.get("MutatingWebhookConfiguration", NAME)["metadata"]
    (ours,) = [f for f in metadata["managedFields"] if f["manager"] == "source-ip-webhook"]
    entry: Json = {"f:clientConfig": {"f:caBundle": {}}}
    assert ours["fieldsV1"] == {
        "f:webhooks": {f'k:{{"name":"{name}.example.org"}}': entry for name in "ab"}
    }


def test_host_of_a_url(bundles: CaBundleClient, control_plane: ControlPlane) -> None:
    """A webhook that is called by its URL is verified by the URL's host."""
    body = manifest("a", "b")
    for webhook, url in zip(
        body["webhooks"], ("https://[::1]:8443/mutate", "https://example.org/"), strict=True
    ):
        webhook["clientConfig"] = {"url": url}
    apply(control_plane, body)
    assert [entry.host for entry in published(bundles).entries] == ["::1", "example.org"]


def test_first_publisher_wins(bundles: CaBundleClient, control_plane: ControlPlane) -> None:
    """A configuration that was changed since it was read stays as it is."""
    apply(control_plane, manifest("a"))
    old = published(bundles)
    bundles.publish(old, [b"1"])
    with pytest.raises(Conflict, match=r"HTTP 409, .*the object has been modified"):
        bundles.publish(old, [b"2"])
    assert pems(bundles) == [b"1"]


@pytest.mark.parametrize("names", ["ba", "b", "cab", ""])
def test_other_entries_are_a_conflict(
    bundles: CaBundleClient, control_plane: ControlPlane, names: str
) -> None:
    """No entry gets what was meant for the one that had its place before."""
    apply(control_plane, manifest("a", "b"))
    old = published(bundles)
    put(control_plane, manifest(*names))
    with pytest.raises(Conflict, match="HTTP 422"):
        bundles.publish(old, [b"1", b"2"])
    assert not any(pems(bundles))


@pytest.mark.parametrize("how", [[], ["--server-side", "--field-manager=helm"]])
def test_applying_without_bundle_keeps_ours(
    bundles: CaBundleClient, control_plane: ControlPlane, how: list[str]
) -> None:
    """An upgrade by a chart that has no caBundle keeps it, reordered and added entries included."""
    apply(control_plane, manifest("a", "b"), *how)
    bundles.publish(published(bundles), [b"1", b"2"])
    apply(control_plane, manifest("a", "b", timeout=3), *how)
    assert pems(bundles) == [b"1", b"2"]
    apply(control_plane, manifest("c", "b", "a", timeout=4), *how)
    entries = {entry.name[0]: entry.bundle for entry in published(bundles).entries}
    assert entries == {"a": b"1", "b": b"2", "c": b""}
    webhooks = control_plane.get("MutatingWebhookConfiguration", NAME)["webhooks"]
    assert {webhook["timeoutSeconds"] for webhook in webhooks} == {4}


def test_watch_wakes_for_a_change(bundles: CaBundleClient, control_plane: ControlPlane) -> None:
    """Replacing it, which does drop the bundle, wakes who watches and can publish it again."""
    apply(control_plane, manifest("a"))
    bundles.publish(published(bundles), [b"1"])
    watch = bundles.watch()
    events = (event for event in watch.events(lambda: None) if event.type != "BOOKMARK")
    assert next(events).type == "ADDED"
    put(control_plane, manifest("a", timeout=3))
    assert next(events).type == "MODIFIED"
    dropped = published(bundles)
    assert [entry.bundle for entry in dropped.entries] == [b""]
    bundles.publish(dropped, [b"1"])
    assert next(events).type == "MODIFIED"
    assert pems(bundles) == [b"1"]
    control_plane.request("DELETE", PATH)
    assert next(events).type == "DELETED"
    watch.close()
    assert list(events) == []
