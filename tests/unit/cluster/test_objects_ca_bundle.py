"""The caBundles of a configuration: what is read, and what is sent to change them."""

import datetime as dt
from typing import Any

import pytest

from tests.unit.cluster.scripted import Scripted
from webhook.cluster import Conflict, Forbidden, NotFound, Unreachable
from webhook.cluster.answers import ConfigurationEntry, ObservedConfiguration
from webhook.cluster.client import Client
from webhook.cluster.objects import CaBundleClient

Json = dict[str, Any]

COLLECTION = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
PATH = f"{COLLECTION}/0-ours"
TIME = dt.datetime(2015, 10, 21, 7, 28, tzinfo=dt.UTC)
SERVICE = {"service": {"namespace": "system", "name": "hook", "path": "/mutate", "port": 443}}
PUBLISHED = ObservedConfiguration(
    (ConfigurationEntry("pods", "h", b"old"), ConfigurationEntry("services", "h", b"")), "42"
)


@pytest.fixture
def bundles(writer: Client) -> CaBundleClient:
    """Name a configuration."""
    return CaBundleClient(writer, "0-ours")


def configuration(*client_configs: dict[str, Any]) -> dict[str, object]:
    """Make a configuration as the API server answers it."""
    webhooks = [{"name": f"n{i}", "clientConfig": c} for i, c in enumerate(client_configs)]
    return {"metadata": {"resourceVersion": "42"}, "webhooks": webhooks}


def test_entries_keep_their_order(scripted: Scripted, bundles: CaBundleClient) -> None:
    """Name, verified host and decoded bundle of each entry, one without a bundle included."""
    scripted.answer(200, configuration({**SERVICE, "caBundle": "UEVN"}, SERVICE))
    host = "hook.system.svc"
    entries = ConfigurationEntry("n0", host, b"PEM"), ConfigurationEntry("n1", host, b"")
    assert bundles.read() == (ObservedConfiguration(entries, "42"), TIME)
    assert [asked[:2] for asked in scripted.asked] == [("GET", PATH)]


def test_writers_of_a_bundle_are_told(scripted: Scripted, bundles: CaBundleClient) -> None:
    """The last one first, and nobody who wrote anything else."""
    entry: Json = {"f:webhooks": {'k:{"name":"n0"}': {"f:clientConfig": {"f:caBundle": {}}}}}
    rules: Json = {"f:webhooks": {'k:{"name":"n0"}': {"f:rules": {}}}}
    metadata = {
        "resourceVersion": "42",
        "managedFields": [
            {"manager": "we", "time": "2015-10-20T07:28:00Z", "fieldsV1": entry},
            {"manager": "helm", "time": "2015-10-22T07:28:00Z", "fieldsV1": rules},
            {"manager": "they", "time": "2015-10-21T07:28:00Z", "fieldsV1": entry},
            {"manager": "nobody"},
        ],
    }
    scripted.answer(200, {"metadata": metadata})
    published, _ = bundles.read()
    assert published is not None
    assert published.writers == ("they 2015-10-21T07:28:00Z", "we 2015-10-20T07:28:00Z")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://example.org/mutate", "example.org"),
        ("https://127.0.0.1:8443/mutate", "127.0.0.1"),
        ("https://[::1]:8443/mutate", "::1"),
        ("https://[nonsense]/mutate", ""),
        ("https:///mutate", ""),
    ],
)
def test_host_of_a_url(scripted: Scripted, bundles: CaBundleClient, url: str, host: str) -> None:
    """Of a URL the host is verified, without port and brackets."""
    scripted.answer(200, configuration({"url": url}))
    published, _ = bundles.read()
    assert published is not None
    assert [entry.host for entry in published.entries] == [host]


def test_configuration_without_webhooks(scripted: Scripted, bundles: CaBundleClient) -> None:
    """The list may be absent."""
    scripted.answer(200, {"metadata": {"resourceVersion": "42"}}, date=None)
    assert bundles.read() == (ObservedConfiguration((), "42"), None)


def test_missing_configuration_tells_the_time(scripted: Scripted, bundles: CaBundleClient) -> None:
    """A configuration that is not there is no error."""
    scripted.answer(404, {})
    assert bundles.read() == (None, TIME)


@pytest.mark.parametrize("body", [configuration({"caBundle": "*"}), {}, b"<html>"])
def test_nonsense_is_unreachable(scripted: Scripted, bundles: CaBundleClient, body: object) -> None:
    """What no API server answers is no configuration."""
    scripted.answer(200, body)
    with pytest.raises(Unreachable, match=f"get {PATH}: the answer makes no sense"):
        bundles.read()


def test_other_errors_are_raised(scripted: Scripted, bundles: CaBundleClient) -> None:
    """A right that is missing does not look like a configuration that is missing."""
    scripted.answer(403, {"message": "no"})
    with pytest.raises(Forbidden, match="HTTP 403, no"):
        bundles.read()


def test_all_that_differ_are_one_patch(scripted: Scripted, bundles: CaBundleClient) -> None:
    """Each bundle is set on condition that the entry is the one that was read."""
    scripted.answer(200, {})
    bundles.publish(PUBLISHED, [b"PEM", b"PEM"])
    (asked,) = scripted.asked
    assert (asked.method, asked.path) == ("PATCH", PATH)
    assert asked.params == {"fieldManager": "source-ip-webhook"}
    assert asked.headers["content-type"] == "application/json-patch+json"
    assert asked.body == [
        {"op": "test", "path": "/webhooks/0/name", "value": "pods"},
        {"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "UEVN"},
        {"op": "test", "path": "/webhooks/1/name", "value": "services"},
        {"op": "add", "path": "/webhooks/1/clientConfig/caBundle", "value": "UEVN"},
        {"op": "add", "path": "/metadata/resourceVersion", "value": "42"},
    ]


def test_only_what_differs_is_sent(scripted: Scripted, bundles: CaBundleClient) -> None:
    """A bundle that is right stays untouched, and nothing is sent where all are."""
    scripted.answer(200, {})
    bundles.publish(PUBLISHED, [b"old", b"PEM"])
    assert [operation["path"] for operation in scripted.asked[0].body] == [
        "/webhooks/1/name",
        "/webhooks/1/clientConfig/caBundle",
        "/metadata/resourceVersion",
    ]
    bundles.publish(PUBLISHED, [b"old", b""])
    assert len(scripted.asked) == 1


def test_a_bundle_for_each_entry(scripted: Scripted, bundles: CaBundleClient) -> None:
    """Too few bundles are a mistake of the caller."""
    with pytest.raises(ValueError, match="shorter"):
        bundles.publish(PUBLISHED, [b"PEM"])
    assert scripted.asked == []


def test_change_since_is_a_conflict(scripted: Scripted, bundles: CaBundleClient) -> None:
    """Changed or reordered entries are a conflict, a deleted configuration is missing."""
    scripted.answer(409, {"message": "modified", "reason": "Conflict"})
    scripted.answer(422, {"message": "rejected", "details": {}})
    scripted.answer(200, {"metadata": {"resourceVersion": "43"}})
    scripted.answer(404, {"message": "gone"})
    for kind in (Conflict, Conflict, NotFound):
        with pytest.raises(kind, match=f"patch {PATH}: HTTP"):
            bundles.publish(PUBLISHED, [b"PEM", b"PEM"])


def test_watch_selects_one_name(scripted: Scripted, bundles: CaBundleClient) -> None:
    """The watch begins with what there is and asks for one name, as its right does."""
    scripted.answer(200, {"type": "MODIFIED", "object": {"kind": "x"}})
    watch = bundles.watch()
    assert scripted.asked == []
    assert [event.type for event in watch.events(lambda: None)] == ["MODIFIED"]
    (asked,) = scripted.asked
    assert asked.path == COLLECTION
    assert asked.params == {
        "watch": "true",
        "fieldSelector": "metadata.name=0-ours",
        "allowWatchBookmarks": "true",
    }
