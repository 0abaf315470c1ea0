"""Failed handshakes: counted each time, logged with the client's address and not each time."""

import contextlib
import dataclasses
import socket
import ssl
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from structlog.typing import EventDict

from tests.server.clients import until
from tests.server.conftest import Files, settings_for
from tests.server.running import DEADLINE, Labelled, Running, running
from webhook.metrics import Metrics
from webhook.server.rejections import HandshakeFailure, Rejections, Throttle
from webhook.settings import ClientCertificates, Timeouts

FAILED = "source_ip_webhook_handshakes_failed_total"


def handshakes(events: list[EventDict]) -> list[Any]:
    """Pick the failed handshakes."""
    return [event for event in events if event["event"] == "handshake-failed"]


class Stranger:
    """A client that does as it likes before there is TLS."""

    def __init__(self, server: Running) -> None:
        self._server = server
        self.socket = socket.create_connection(("127.0.0.1", server.webhook.port), DEADLINE)
        self.address = "{}:{}".format(*self.socket.getsockname())

    def sends(self, data: bytes) -> None:
        """Send something, and wait for the end."""
        self.socket.sendall(data)
        with contextlib.suppress(ConnectionError):
            while self.socket.recv(65536):
                pass

    def resets(self) -> None:
        """End the connection as a crash does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def distrusts(self) -> None:
        """Refuse the server's certificate, and say so as TLS wants it."""
        to_us, to_them = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = ssl.create_default_context().wrap_bio(to_us, to_them, server_hostname="localhost")
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self.socket.sendall(to_them.read())
                to_us.write(self.socket.recv(65536))
            except ssl.SSLCertVerificationError:
                self.sends(to_them.read())  # the alert
                return

    def shakes_hands(self, context: ssl.SSLContext) -> bytes:
        """Do it well, and read what comes."""
        with (
            contextlib.suppress(ssl.SSLError, ConnectionError),
            context.wrap_socket(self.socket, server_hostname="localhost") as tls,
        ):
            tls.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            return tls.recv(65536)
        return b""


@pytest.mark.parametrize(
    ("does", "reason", "level"),
    [
        (lambda it: it.sends(b"GET / HTTP/1.1\r\n\r\n"), "tls", "warning"),
        (lambda it: it.sends(b"\x16\x03\x01\x00\x04\xff\xff\xff\xff"), "tls", "warning"),
        (lambda it: it.distrusts(), "refused-by-client", "warning"),
        (lambda it: it.socket.close(), "closed", "info"),
        (lambda it: it.resets(), "closed", "info"),
    ],
    ids=["plain HTTP", "broken TLS", "distrust", "looks and goes", "reset"],
)
def test_failed_handshake_is_logged_with_its_client(
    fresh_server: Running,
    events: list[EventDict],
    does: Callable[[Stranger], object],
    reason: str,
    level: str,
) -> None:
    """Whoever it was, and why, in words that are few enough for a metric."""
    with contextlib.closing((stranger := Stranger(fresh_server)).socket):
        does(stranger)
        until(lambda: handshakes(events))
    (event,) = handshakes(events)

    assert (event["reason"], event["client"]) == (reason, stranger.address)
    assert event["log_level"] == level
    assert "_ssl.c" not in event["why"]
    assert fresh_server.count(FAILED, reason=reason) == 1
    assert fresh_server.post(b"{}").status == 400


@pytest.mark.parametrize("check_interval", [0.01, 3600])
def test_silent_client_is_not_waited_for(
    files: Files, events: list[EventDict], check_interval: float
) -> None:
    """A client that does not begin loses its connection, and is named, whoever noticed it."""
    timeouts = Timeouts(handshake=0.05, check_interval=check_interval)
    settings = dataclasses.replace(settings_for(files), timeouts=timeouts)
    with running(settings, Labelled(), files.ca) as server:
        with contextlib.closing((stranger := Stranger(server)).socket):
            stranger.sends(b"")
            until(lambda: handshakes(events))

        assert handshakes(events)[0]["reason"] == "timeout"
        assert handshakes(events)[0]["client"] == stranger.address


def test_server_name_that_is_not_ascii_makes_no_noise(
    fresh_server: Running,
    events: list[EventDict],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Python's SNI callback would print a traceback; the name means nothing to us anyway."""
    noise: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", noise.append)
    hello, never = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(never, hello, server_hostname="x" * 20)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    with contextlib.closing((stranger := Stranger(fresh_server)).socket):
        stranger.socket.sendall(hello.read().replace(b"x" * 20, b"\xff\xc3\xbc\x1b" * 5))

        assert stranger.socket.recv(1) == b"\x16"  # a ServerHello, not an alert
    until(lambda: handshakes(events))

    assert handshakes(events)[0]["reason"] == "closed"
    assert noise == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("who", "reason", "why"),
    [
        ("kube-apiserver", None, ""),
        (None, "client-certificate-missing", "peer did not return a certificate"),
        ("somebody", "client-name", "its certificate is for somebody"),
        ("a stranger", "client-certificate-untrusted", "unable to get local issuer certificate"),
    ],
)
def test_strangers_are_refused_at_the_handshake(  # noqa: PLR0917  the columns of the table
    files: Files,
    tmp_path: Path,
    events: list[EventDict],
    who: str | None,
    reason: str | None,
    why: str,
) -> None:
    """Nothing that they send is read; health and metrics are for everybody; we are ready."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "clients.crt")
    clients = ClientCertificates(
        authorities=tmp_path / "clients.crt", names=frozenset({"kube-apiserver"})
    )
    settings = settings_for(files)
    listening = dataclasses.replace(settings.listening, clients=clients)
    settings = dataclasses.replace(settings, listening=listening)
    context = ssl.create_default_context(cafile=str(files.ca))
    if who is not None:
        issuer = trustme.CA() if who == "a stranger" else authority
        name = "kube-apiserver" if who == "a stranger" else who
        issuer.issue_cert(common_name=name).configure_cert(context)
    with running(settings, Labelled(), files.ca) as server:
        with contextlib.closing((stranger := Stranger(server)).socket):
            answer = stranger.shakes_hands(context)
        if reason is None:
            assert answer.startswith(b"HTTP/1.1 404 ")
            assert not handshakes(events)
        else:
            until(lambda: handshakes(events))
            (event,) = handshakes(events)
            assert (event["reason"], event["client"]) == (reason, stranger.address)
            assert event["why"] == why
            assert answer == b""
            assert not [event for event in events if event["event"] == "request-rejected"]
        assert server.ops("/readyz").status == 200
        assert server.ops("/metrics").status == 200


def test_every_reason_is_there_from_the_start(fresh_server: Running) -> None:
    """An alert that looks for an increase sees the first one, too."""
    text = fresh_server.ops("/metrics").data.decode()

    for reason in HandshakeFailure:
        assert f'{FAILED}{{reason="{reason}"}} 0.0' in text


def test_failed_handshakes_that_were_left_out_are_told_of_later(events: list[EventDict]) -> None:
    """As with requests."""
    now = [1000.0]
    rejections = Rejections(Metrics(), Throttle(clock=lambda: now[0]))
    for _ in range(15):
        rejections.handshake(("fd00::1", 2), ConnectionResetError())
    now[0] += 60
    rejections.handshake(("fd00::1", 2), ConnectionResetError())

    assert handshakes(events)[-1]["left_out"] == 5
    assert handshakes(events)[-1]["why"] == "the client closed the connection"
