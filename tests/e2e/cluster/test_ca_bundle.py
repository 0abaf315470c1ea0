"""The caBundles on a real API server, with the rights that the chart gives and no more."""

from collections.abc import Iterator

import msgspec
import pytest

from tests.controlplane import ControlPlane
from tests.e2e.cluster.account import NAME, PATH, Json
from tests.e2e.cluster.configurations import apply, manifest, pems, published, put
from webhook.cluster import Conflict, NotFound
from webhook.cluster.answers import Event, ObservedConfiguration
from webhook.cluster.objects import CaBundleClient

pytestmark = pytest.mark.e2e


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
    dropped = published(bundles)
    assert type_of(events, dropped) == "MODIFIED"
    assert [entry.bundle for entry in dropped.entries] == [b""]
    bundles.publish(dropped, [b"1"])
    assert type_of(events, published(bundles)) == "MODIFIED"
    assert pems(bundles) == [b"1"]
    control_plane.request("DELETE", PATH)
    assert next(events).type == "DELETED"
    watch.close()
    assert list(events) == []


def type_of(events: Iterator[Event], version: ObservedConfiguration) -> str:
    """Tell by which event a watch brings a version.

    Older ones may come before: the API server begins with what its cache holds, which may lag.
    """
    return next(
        event.type
        for event in events
        if msgspec.json.decode(event.object)["metadata"]["resourceVersion"]
        == version.resource_version
    )
