"""Starting and stopping: addresses, and parts in the background."""

import asyncio
import gc
import os
import signal
import socket

import pytest

from tests.server.conftest import Files, settings_for
from tests.server.running import DEADLINE, Labelled, running
from webhook.certificates.files import FileCertificate
from webhook.metrics import Metrics
from webhook.server import lifecycle
from webhook.server.lifecycle import WebhookServer
from webhook.server.listening import ListenError, listen


class FailingOnce(Labelled):
    """A source of labels whose background part fails the first time."""

    runs = 0

    async def run(self) -> None:
        """Fail, and the second time go on."""
        self.runs += 1
        if self.runs == 1:
            raise LookupError("on purpose")
        await super().run()


def test_part_that_fails_is_started_again(
    files: Files, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A failure in the background is logged, takes nothing with it, and is not the end of it."""
    monkeypatch.setattr(lifecycle, "_RESTART", 0.001)
    namespaces = FailingOnce()
    with running(settings_for(files), namespaces, files.ca) as server:
        for _ in range(10_000):
            assert server.ops("/readyz").status == 200
            if namespaces.runs > 1:
                break

    assert namespaces.runs == 2
    assert "on purpose" in capfd.readouterr().out


def test_what_stays_is_left_out_of_collections(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the process listens, Python's garbage collector looks at what comes later only."""
    metrics = Metrics()
    webhook = WebhookServer(
        settings_for(files), FileCertificate(files.pair, None, metrics), Labelled(), metrics
    )
    ports = []

    def freeze() -> None:
        ports.append(webhook.port)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(gc, "freeze", freeze)

    async def main() -> None:
        async with asyncio.timeout(DEADLINE):
            await webhook.run()

    asyncio.run(main())
    assert ports == [webhook.port] != [0]


@pytest.mark.parametrize(
    ("host", "addresses"),
    [("127.0.0.1", ["127.0.0.1"]), ("::1", ["::1"]), ("", ["127.0.0.1", "::1"])],
)
def test_every_kind_of_address_is_listened_on(host: str, addresses: list[str]) -> None:
    """IPv4, IPv6, and without a host both, because a cluster may be either."""
    with listen(host, 0) as listening:
        for address in addresses:
            socket.create_connection((address, listening.getsockname()[1]), DEADLINE).close()


def test_machine_without_ipv6_listens_on_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no IPv6, all addresses are those of IPv4."""
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    with listen("", 0) as listening:
        assert listening.family is socket.AF_INET


def test_address_of_another_machine_is_a_sentence() -> None:
    """An address that is not ours is named, with what to do."""
    with pytest.raises(ListenError, match=r"Port 0 of 192\.0\.2\.1 cannot be listened on: "):
        listen("192.0.2.1", 0)
