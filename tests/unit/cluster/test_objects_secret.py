"""One Secret: what is read, and what is sent to write it."""

import datetime as dt

import pytest

from tests.unit.cluster.scripted import Scripted
from webhook.cluster import Conflict, Forbidden, NotFound, Unreachable
from webhook.cluster.client import Client
from webhook.cluster.objects import ObservedSecret, SecretClient

PATH = "/api/v1/namespaces/system/secrets"
TIME = dt.datetime(2015, 10, 21, 7, 28, tzinfo=dt.UTC)
MANAGER = {"fieldManager": "source-ip-webhook"}


@pytest.fixture
def store(writer: Client) -> SecretClient:
    """Name a Secret."""
    return SecretClient(writer, "system", "tls")


def secret(**fields: object) -> dict[str, object]:
    """Make a Secret as the API server answers it."""
    return {"metadata": {"name": "tls", "resourceVersion": "42"}, "type": "Opaque", **fields}


def test_data_is_decoded(scripted: Scripted, store: SecretClient) -> None:
    """Values are bytes, empty ones too, and come with resourceVersion and time."""
    scripted.answer(200, secret(data={"a": "AAH/", "b": ""}))
    assert store.read() == (ObservedSecret({"a": b"\x00\x01\xff", "b": b""}, "42"), TIME)
    assert [asked[:2] for asked in scripted.asked] == [("GET", f"{PATH}/tls")]


def test_secret_without_data_is_empty(scripted: Scripted, store: SecretClient) -> None:
    """A Secret may have none, and two that are read share none."""
    scripted.answer(200, secret())
    scripted.answer(200, secret(), date=None)
    first, second = store.read()[0], store.read()
    assert second == (ObservedSecret({}, "42"), None)
    assert first is not None
    assert second[0] is not None
    assert first.data is not second[0].data


def test_missing_secret_tells_the_time(scripted: Scripted, store: SecretClient) -> None:
    """Where there is none, the clock for the first one is known all the same."""
    scripted.answer(404, {})
    assert store.read() == (None, TIME)


@pytest.mark.parametrize(
    "body", [secret(data={"a": "c2VjcmV0*"}), secret(data={"a": 1}), {}, b"<html>"]
)
def test_nonsense_is_unreachable(scripted: Scripted, store: SecretClient, body: object) -> None:
    """What no API server answers is no Secret, and is not quoted."""
    scripted.answer(200, body)
    with pytest.raises(Unreachable, match=f"get {PATH}/tls: the answer makes no sense") as caught:
        store.read()
    assert "c2VjcmV0" not in str(caught.value)


def test_other_errors_are_raised(scripted: Scripted, store: SecretClient) -> None:
    """A right that is missing does not look like a Secret that is missing."""
    scripted.answer(403, {"message": "no"})
    with pytest.raises(Forbidden, match="HTTP 403, no"):
        store.read()


def test_create_sends_a_whole_secret(scripted: Scripted, store: SecretClient) -> None:
    """A Secret of type Opaque is posted to its namespace, in our name."""
    scripted.answer(201, secret())
    store.create({"a": b"\x00\x01\xff"})
    (asked,) = scripted.asked
    assert (asked.method, asked.path, asked.params) == ("POST", PATH, MANAGER)
    assert asked.body == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "tls", "namespace": "system"},
        "type": "Opaque",
        "data": {"a": "AAH/"},
    }


def test_replace_changes_nothing_but_data(scripted: Scripted, store: SecretClient) -> None:
    """All data is replaced, on condition that the Secret is the one that was read."""
    scripted.answer(200, secret())
    store.replace({"a": b"\x00\x01\xff"}, "42")
    (asked,) = scripted.asked
    assert (asked.method, asked.path, asked.params) == ("PATCH", f"{PATH}/tls", MANAGER)
    assert asked.headers["content-type"] == "application/json-patch+json"
    assert asked.body == [
        {"op": "add", "path": "/data", "value": {"a": "AAH/"}},
        {"op": "add", "path": "/metadata/resourceVersion", "value": "42"},
    ]


def test_second_writer_learns_it(scripted: Scripted, store: SecretClient) -> None:
    """A Secret that somebody made or changed first is a conflict, a deleted one is missing."""
    for reason in ("AlreadyExists", "Conflict"):
        scripted.answer(409, {"message": "first come", "reason": reason})
    scripted.answer(404, {"message": "gone"})
    with pytest.raises(Conflict, match=f"post {PATH}: HTTP 409, first come"):
        store.create({"a": b"1"})
    with pytest.raises(Conflict, match=f"patch {PATH}/tls: HTTP 409"):
        store.replace({"a": b"1"}, "42")
    with pytest.raises(NotFound):
        store.replace({"a": b"1"}, "42")


def test_names_cannot_leave_their_path(scripted: Scripted, writer: Client) -> None:
    """Whatever a Secret is called by mistake, no other object is asked for."""
    scripted.answer(404, {})
    assert SecretClient(writer, "a/b", "../c?d").read()[0] is None
    assert scripted.asked[0][1:3] == ("/api/v1/namespaces/a%2Fb/secrets/..%2Fc%3Fd", {})


def test_name_for_people(store: SecretClient) -> None:
    """In sentences it is called by namespace and name."""
    assert str(store) == "Secret system/tls"


def test_data_is_not_in_representations() -> None:
    """Keys are told, values are not."""
    assert (
        repr(ObservedSecret({"b": b"1", "a": b"2"}, "42"))
        == "ObservedSecret(['a', 'b'], resource_version='42')"
    )
