"""A process that the tests of this folder damage and repair, and its registration."""

import signal
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import ACCOUNT, Cluster, make_namespace
from tests.e2e.own_webhook import LABEL, OWN_LABEL, Webhook
from tests.e2e.webhook_with_files import WebhookWithFiles


@pytest.fixture(scope="module")
def process(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WebhookWithFiles]:
    """A process that the tests damage and repair, with the rights that it needs."""
    process = WebhookWithFiles(
        tmp_path_factory.mktemp("own"), cluster.plane.kubeconfig_for(ACCOUNT), OWN_LABEL
    )
    process.start()
    try:
        yield process
    finally:
        process.stop(signal.SIGINT)


@pytest.fixture
def webhook(
    request: pytest.FixtureRequest, cluster: Cluster, process: WebhookWithFiles
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
