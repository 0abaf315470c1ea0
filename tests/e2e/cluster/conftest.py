"""A client with the rights that the chart gives and no more."""

import json
from collections.abc import Iterator

import pytest

from tests.controlplane import ControlPlane
from tests.e2e.cluster.account import NAME, PATH, SECRETS, rights
from tests.e2e.conftest import DEADLINE, make_namespace
from webhook.cluster import Forbidden, access
from webhook.cluster.client import Client
from webhook.cluster.objects import CaBundleClient, SecretClient


@pytest.fixture(scope="session")
def client(control_plane: ControlPlane) -> Iterator[Client]:
    """Be the ServiceAccount, once its rights have reached the API server."""
    make_namespace(control_plane, NAME, {})
    text = "\n---\n".join(map(json.dumps, rights()))
    control_plane.kubectl("apply", "-f", "-", namespace=NAME, input=text)
    path = control_plane.kubeconfig_for(NAME, NAME)
    client = Client(lambda: access.load(path))

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
