"""What every case finds: the guide's sleep and httpbin in the mesh, and once more outside of it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import webhook.offline
from tests.lab.lab import READY_SECONDS, Lab
from tests.waiting import wait_for

APPS = Path(webhook.offline.__file__).parent / "guide"
"""The guide's own manifests of its two applications, which the product carries for its demo."""

LEGACY = "legacy"
"""A namespace that is no part of the mesh: no sidecars there."""


def wait_until_known(lab: Lab, url: str) -> None:
    """Wait until sleep in ``default`` gets an answer: its sidecar has to be told of endpoints."""
    wait_for(
        lambda: lab.curl(url, "--fail").startswith("{"), READY_SECONDS, f"{url} to answer sleep"
    )


def deploy(lab: Lab) -> None:
    """Apply the guide's applications in ``default``, as the guide says, and in `LEGACY`.

    Nothing is labelled for source-ip-webhook.
    """
    lab.kubectl("label", "namespace", "default", "istio-injection=enabled")
    lab.make_namespace(LEGACY, injected=False)
    for namespace in ("default", LEGACY):
        for app in ("sleep", "httpbin"):
            lab.apply(APPS / f"{app}.yaml", namespace)
    with ThreadPoolExecutor() as both:
        for waiting in [
            both.submit(lab.wait_until_running, namespace, "deployment/sleep", "deployment/httpbin")
            for namespace in ("default", LEGACY)
        ]:
            waiting.result()
    for namespace in ("default", LEGACY):
        lab.wait_until_answering(namespace, "httpbin")
