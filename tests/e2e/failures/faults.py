"""What can be wrong with a webhook: a context manager for each, which mends it again."""

import contextlib
import dataclasses
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from certs.contents import CA_CERTIFICATE, CERTIFICATE, KEY
from tests.e2e.own_webhook import Webhook
from tests.server.running import Labelled, Running, running
from webhook.settings import (
    CertificateFiles,
    Certificates,
    Limits,
    Listening,
    Settings,
    Shutdown,
)

Inflict = Callable[[Webhook], AbstractContextManager[object]]


@dataclasses.dataclass(frozen=True)
class Fault:
    """One row of the table: what is wrong, and what a user reads under Fail."""

    name: str
    inflict: Inflict
    message: str


@contextlib.contextmanager
def stopped(webhook: Webhook) -> Iterator[None]:
    """Let the process be there, and its connections, and nothing else happen."""
    with webhook.process.held():
        yield


@contextlib.contextmanager
def hung(webhook: Webhook) -> Iterator[None]:
    """Let the process hang for longer than the configuration waits for it."""
    webhook.register_anew(timeout=1)
    with stopped(webhook):
        began = time.monotonic()
        yield
        waited = time.monotonic() - began
    webhook.register()
    assert waited > 0.9


@contextlib.contextmanager
def killed(webhook: Webhook) -> Iterator[None]:
    """Let there be no process, and nobody on its port."""
    webhook.process.stop(signal.SIGKILL)
    # The API server may try a connection that was open before it notices that it has ended, and
    # then says "broken pipe" or "EOF": this request takes it.
    webhook.create("before")
    try:
        yield
    finally:
        webhook.process.start()


def certified(*hosts: str, days_ago: int = 0) -> Inflict:
    """Serve with a certificate of the right authority that is wrong otherwise."""

    @contextlib.contextmanager
    def inflict(webhook: Webhook) -> Iterator[None]:
        process = webhook.process
        # Restarted: an open connection would go on with the certificate that it began with.
        process.stop(signal.SIGINT)
        process.certify(hosts, days_ago=days_ago)
        process.start()
        try:
            yield
        finally:
            process.certify()  # found by the process within two seconds

    return inflict


def registered(**how: Any) -> Inflict:
    """Register the service wrongly."""

    @contextlib.contextmanager
    def inflict(webhook: Webhook) -> Iterator[None]:
        answer = webhook.register(**how)
        assert answer.status == 200, answer.data
        webhook.wait_until_it_fails()
        yield
        webhook.register()

    return inflict


@contextlib.contextmanager
def on_the_plain_port(webhook: Webhook) -> Iterator[None]:
    """Register the port of health and metrics, which has no TLS."""
    with registered(port=webhook.process.ops_port)(webhook):
        yield


@contextlib.contextmanager
def in_process(
    webhook: Webhook, namespaces: Labelled, limits: Limits | None = None
) -> Iterator[Running]:
    """Let the real application answer, in this process, with a source of labels of our own."""
    folder = webhook.process.folder
    pair = CertificateFiles(certificate=folder / CERTIFICATE, key=folder / KEY)
    own = Settings(
        certificates=Certificates(source=pair),
        listening=Listening(host="127.0.0.1", port=0, ops_port=0),
        limits=limits or Limits(),
        shutdown=Shutdown(grace=5),
    )
    with running(own, namespaces, folder / CA_CERTIFICATE) as server:
        webhook.register(port=server.webhook.port)
        yield server
        webhook.register()


@contextlib.contextmanager
def raising(webhook: Webhook) -> Iterator[Running]:
    """Raise in the middle of a review."""
    with in_process(webhook, Labelled(error=RuntimeError("on purpose"))) as server:
        webhook.wait_until_it_fails()
        yield server
        assert server.count("source_ip_webhook_rejected_requests_total", code="500")


@contextlib.contextmanager
def small(webhook: Webhook) -> Iterator[Running]:
    """Take no body that a review could have."""
    with in_process(webhook, Labelled(), Limits(body=100)) as server:
        webhook.wait_until_it_fails()
        yield server
        assert server.count("source_ip_webhook_rejected_requests_total", code="413")
