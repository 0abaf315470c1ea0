"""A service that the tests of this folder damage and repair, and its registration."""

import signal
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import ACCOUNT, Cluster, make_namespace
from tests.e2e.own_process import LABEL, OwnProcess
from tests.e2e.own_webhook import Webhook


@pytest.fixture(scope="module")
def process(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnProcess]:
    """A service that the tests damage and mend, with the rights that it needs."""
    process = OwnProcess(tmp_path_factory.mktemp("own"), cluster.plane.kubeconfig_for(ACCOUNT))
    process.start()
    try:
        yield process
    finally:
        process.stop(signal.SIGINT)


@pytest.fixture
def webhook(
    request: pytest.FixtureRequest, cluster: Cluster, process: OwnProcess
) -> Iterator[Webhook]:
    """A registration that works, under the policy that the test names, for a new namespace."""
    namespace = make_namespace(cluster.plane, f"failing-{cluster.number()}", {LABEL: "enabled"})
    webhook = Webhook(cluster.plane, process, namespace, request.param)
    webhook.register()
    try:
        webhook.wait_until_it_works()
        yield webhook
    finally:
        webhook.unregister()
        cluster.plane.request("DELETE", f"/api/v1/namespaces/{namespace}")
