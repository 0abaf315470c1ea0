"""Secret and caBundles on a real API server, with the rights that the chart gives and no more."""

import datetime as dt

import pytest

from tests.controlplane import ControlPlane
from tests.e2e.cluster.account import CONFIGURATIONS, NAME, SECRETS
from webhook.cluster import ClusterError, Conflict, Forbidden, NotFound
from webhook.cluster.client import Client
from webhook.cluster.objects import CaBundleClient, ObservedSecret, SecretClient

pytestmark = pytest.mark.e2e


def known(stored: tuple[ObservedSecret | None, object]) -> ObservedSecret:
    """Take the Secret that was read."""
    assert stored[0] is not None
    return stored[0]


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
