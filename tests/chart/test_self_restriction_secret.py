"""Of which Secrets, and of what in them, a stolen token of the ServiceAccount is good for."""

from http import HTTPStatus

import pytest

from certs import contents
from tests.chart.changes import OF_SECRET, OWNER, Change
from tests.chart.helm import NAMESPACE, Json
from tests.chart.thief import ACCOUNT, SECRET, SECRET_NAME, SECRETS, Thief, denied
from tests.controlplane import ControlPlane
from webhook.cluster.client import Client
from webhook.cluster.objects import SecretClient

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("change", OF_SECRET, ids=str)
def test_secret_cannot_be_changed(restricted: ControlPlane, change: Change) -> None:
    """Of the Secret nothing but its data can be changed, and no key is added that is not known."""
    thief = Thief(restricted.api, SECRET)

    assert {"JSON patch", "update"} <= thief.refused(change.made(thief.read()))


@pytest.mark.parametrize(
    ("name", "namespace", "more"),
    [
        pytest.param("other", NAMESPACE, {}, id="name"),
        pytest.param(SECRET_NAME, "default", {}, id="namespace"),
        pytest.param(SECRET_NAME, NAMESPACE, {"type": "kubernetes.io/tls"}, id="type"),
        pytest.param(SECRET_NAME, NAMESPACE, {"stringData": {"a": "b"}}, id="key"),
        pytest.param(SECRET_NAME, NAMESPACE, {"immutable": True}, id="immutable"),
        *(
            pytest.param(SECRET_NAME, NAMESPACE, {"metadata": change}, id=next(iter(change)))
            for change in (
                {"labels": {"a": "b"}},
                {"annotations": {"a": "b"}},
                {"finalizers": ["example.org/a"]},
                {"generateName": "a"},
                {"ownerReferences": [{**OWNER}]},
            )
        ),
    ],
)
def test_other_secrets_cannot_be_made(
    restricted: ControlPlane, name: str, namespace: str, more: Json
) -> None:
    """A Secret has to have our name, type and keys: above all it is no ServiceAccount's token."""
    thief = Thief(restricted.api, SECRET)
    before = thief.read()
    restricted.api.json("DELETE", SECRET)
    body: Json = {"apiVersion": "v1", "kind": "Secret", "data": {"tls.key": "YQ=="}, **more}
    if body.get("type") == "kubernetes.io/tls":
        body["data"]["tls.crt"] = "YQ=="
    body["metadata"] = {"name": name, **more.get("metadata", {})}
    path = f"/api/v1/namespaces/{namespace}/secrets"

    assert restricted.request("POST", f"{path}?dryRun=All", body).status == HTTPStatus.CREATED
    assert denied(thief.request("POST", path, body))

    before["metadata"] = {key: before["metadata"][key] for key in ("name", "labels", "annotations")}
    restricted.api.json("POST", SECRETS, before)


def test_token_of_another_account_cannot_be_made(restricted: ControlPlane) -> None:
    """A Secret that the API server would fill with another ServiceAccount's token is refused."""
    thief = Thief(restricted.api, SECRET)
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/service-account-token",
        "metadata": {
            "name": "token",
            "annotations": {"kubernetes.io/service-account.name": ACCOUNT},
        },
    }

    assert restricted.request("POST", f"{SECRETS}?dryRun=All", body).status == HTTPStatus.CREATED
    assert denied(thief.request("POST", SECRETS, body))


def test_secrets_cannot_be_deleted(restricted: ControlPlane) -> None:
    """Neither ours nor another one, neither one by one nor all."""
    thief = Thief(restricted.api, SECRET)

    for path in (SECRET, SECRETS):
        assert denied(thief.request("DELETE", path))


def test_service_keeps_its_secret(restricted: ControlPlane, client: Client) -> None:
    """What the service itself does is let through: it fills, changes and makes its Secret."""
    store = SecretClient(client, NAMESPACE, SECRET_NAME)
    found, _ = store.read()
    assert found is not None
    data = {key: key.encode() for key in contents.KEYS}
    store.replace(data, found.resource_version)
    restricted.api.json("DELETE", SECRET)
    store.create(data)
    found, _ = store.read()
    assert found is not None
    assert found.data == data
    store.replace({}, found.resource_version)
