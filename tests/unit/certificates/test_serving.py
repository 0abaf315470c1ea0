"""What connections get: the newest good pair, nothing of a bad one, and no noise without any."""

import asyncio
import os
import ssl
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography.hazmat.primitives import serialization

from certs import rotation
from certs.contents import Contents
from tests.unit.certificates.cluster import HOST
from tests.unit.certificates.conftest import POLICY, sample
from tests.unit.certificates.test_verification_handshake import NOW, STRANGER, paths_of_loads, serve
from webhook.certificates import CertificateError
from webhook.certificates.serving import ServingContext
from webhook.certificates.verification import handshake_error
from webhook.metrics import Metrics

NEWER = STRANGER.leaf
ENCRYPTED = NEWER.key.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.BestAvailableEncryption(b"secret"),
)
BAD = {
    "nothing": (b"", b"", "no PEM, or encrypted"),
    "garbage": (b"hello", b"world", "no PEM, or encrypted"),
    "no certificate": (b"", NEWER.key_pem, "no PEM, or encrypted"),
    "an encrypted key": (NEWER.certificate_pem, ENCRYPTED, "no PEM, or encrypted"),
    "all in the key": (b"", NEWER.certificate_pem + NEWER.key_pem, "no PEM certificate"),
}


def test_newest_pair_is_served(
    serving: ServingContext, contents: Contents, metrics: Metrics
) -> None:
    """A pair replaces the one before for the next handshake, and in the metric."""
    before = serve(serving, contents)
    pem = serve(serving, STRANGER)

    assert handshake_error(serving.context, pem, HOST) == ""
    assert handshake_error(serving.context, before, HOST) != ""
    assert serving.leaf == NEWER.certificate
    expires = sample(metrics, "certificate_not_after_timestamp_seconds", certificate="serving")
    assert expires == NEWER.certificate.not_valid_after_utc.timestamp()


def test_pair_whose_time_has_not_come_is_not_in_date(serving: ServingContext) -> None:
    """It is served, since nothing better is there, and it is told."""
    serve(serving, coming := rotation.create(POLICY, NOW + POLICY.leaf_lifetime))

    assert serving.leaf == coming.leaf.certificate
    assert not serving.in_date(NOW)
    assert serving.in_date(NOW + POLICY.leaf_lifetime)


def test_chain_may_have_intermediates(serving: ServingContext, contents: Contents) -> None:
    """The leaf is the first of them."""
    chain = contents.leaf.certificate_pem + contents.authority.certificate_pem
    serving.use(chain, contents.leaf.key_pem)

    assert serving.leaf == contents.leaf.certificate
    assert serving.intermediates == (contents.authority.certificate,)
    assert handshake_error(serving.context, contents.authority.certificate_pem, HOST) == ""


@pytest.mark.parametrize("how", BAD)
def test_bad_pair_changes_nothing_at_all(
    serving: ServingContext, contents: Contents, metrics: Metrics, how: str
) -> None:
    """Neither what is served nor what is told of it, and no password is asked for."""
    chain, key, why = BAD[how]
    pem = serve(serving, contents)
    before = metrics.exposition()
    with pytest.raises(CertificateError, match=f"^(?i:{why})$"):
        serving.use(chain, key)

    assert handshake_error(serving.context, pem, HOST) == ""
    assert serving.leaf == contents.leaf.certificate
    assert metrics.exposition() == before


@pytest.mark.parametrize("how", BAD)
def test_bad_pair_at_first_is_not_served_in_part(serving: ServingContext, how: str) -> None:
    """There is still nothing to serve."""
    chain, key, _ = BAD[how]
    with pytest.raises(CertificateError):
        serving.use(chain, key)

    assert serving.leaf is None
    assert (
        handshake_error(serving.context, STRANGER.authority.certificate_pem, HOST)
        == "no shared cipher"
    )


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("good", [True, False])
def test_nothing_is_left_of_the_file_of_a_key(
    serving: ServingContext, monkeypatch: pytest.MonkeyPatch, in_memory: bool, good: bool
) -> None:
    """In memory or not, and whether the pair was good or bad."""
    if not in_memory:
        monkeypatch.delattr(os, "memfd_create")
    loaded = paths_of_loads(monkeypatch)
    if good:
        serving.use(NEWER.certificate_pem, NEWER.key_pem)
    else:
        with pytest.raises(CertificateError):
            serving.use(b"bad", NEWER.key_pem)

    ((path, _),) = loaded
    assert path.startswith("/proc/self/fd/") is in_memory
    assert not Path(path).exists()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_connection_before_the_first_pair_fails_cleanly(
    serving: ServingContext,
    run: Callable[[Coroutine[Any, Any, None]], None],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The client is turned away, nobody hears of it on our side, and the next one is served."""
    noise: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", noise.append)
    client = ssl.create_default_context(cadata=STRANGER.authority.certificate_pem.decode())

    async def connect(port: int) -> None:
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client, server_hostname=HOST
        )
        writer.close()
        await writer.wait_closed()

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, what: noise.append(what))
        server = await asyncio.start_server(
            lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=serving.context
        )
        async with server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(OSError):  # noqa: PT011  an alert, or the end of the connection
                await connect(port)
            serve(serving, STRANGER)
            await connect(port)

    run(main())
    assert noise == []
    assert capfd.readouterr() == ("", "")
