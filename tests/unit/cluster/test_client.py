"""Requests, their credentials, and what becomes of errors."""

import datetime as dt
import logging
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
import trustme
from kubernetes.config import incluster_config

from tests import kubeconfig as kubeconfigs
from tests.unit.cluster.api_server import COLLECTION, ApiServer
from webhook import __version__
from webhook.cluster import (
    ClusterError,
    ConfigurationError,
    Expired,
    Forbidden,
    NotFound,
    Unreachable,
    transport,
)
from webhook.cluster.answers import Event
from webhook.cluster.client import Client


def test_get_returns_the_body(server: ApiServer, client: Client) -> None:
    """A request carries credentials, media type, query and our name, and returns bytes."""
    server.put("a")
    answer = client.get(f"{COLLECTION}/a", {"resourceVersion": "0"}, accept="application/x")
    assert b'"name": "a"' in answer.body
    request = server.requests[0]
    assert request.params == {"resourceVersion": "0"}
    assert request.headers["accept"] == "application/x"
    assert request.headers["authorization"] == "Bearer secret-token"
    assert request.headers["user-agent"] == f"source-ip-webhook/{__version__}"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (400, Unreachable),
        (401, Forbidden),
        (403, Forbidden),
        (404, NotFound),
        (409, Unreachable),
        (410, Expired),
        (429, Unreachable),
        (500, Unreachable),
        ("drop", Unreachable),
        ("cut", Unreachable),
    ],
)
def test_error_has_a_kind(
    server: ApiServer, client: Client, fault: int | str, kind: type[ClusterError]
) -> None:
    """Each way to fail is the error that says what the caller can do."""
    server.faults["list"] = fault
    with pytest.raises(kind, match=f"^get {COLLECTION}"):
        client.get(COLLECTION)


def test_forbidden_names_verb_and_resource(server: ApiServer, client: Client) -> None:
    """The sentence tells an admin which right is missing."""
    server.faults["list"] = 403
    with pytest.raises(Forbidden, match=r'HTTP 403, .* cannot list resource "namespaces"'):
        client.get(COLLECTION)


@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b"[" * 100_000, b""])
def test_error_without_a_status_has_a_sentence(
    server: ApiServer, client: Client, body: bytes
) -> None:
    """What a proxy in between says does not get into the sentence."""
    server.faults["list"] = 502
    server.bodies[502] = body
    with pytest.raises(Unreachable, match=r"HTTP 502, no reason given$"):
        client.get(COLLECTION)


def test_error_that_breaks_off_keeps_its_kind(server: ApiServer, client: Client) -> None:
    """The HTTP status counts where its explanation is lost on the way."""
    server.faults["list"] = 403
    server.bodies[403] = b"cut"
    with pytest.raises(Forbidden, match="HTTP 403, no reason given"):
        client.get(COLLECTION)


def test_silent_server_is_unreachable(server: ApiServer, client: Client) -> None:
    """A request waits no longer than it was told to."""
    server.faults["list"] = "hang"
    with pytest.raises(Unreachable, match="timed out"):
        client.get(COLLECTION, timeout=0.1)
    server.release()


def test_closed_port_is_unreachable(server: ApiServer, client: Client) -> None:
    """A server that is not there is said to be not there."""
    server.stop()
    with pytest.raises(Unreachable, match="Connection refused"):
        client.get(COLLECTION)


def test_refused_token_is_read_again(server: ApiServer, client: Client, kubeconfig: Path) -> None:
    """A rotated token works from the first request after the rotation, the old one not twice."""
    server.tokens = {"new-token"}
    with pytest.raises(Forbidden, match="Unauthorized"):
        client.get(COLLECTION)
    kubeconfigs.write(kubeconfig, server.url, {"token": "new-token"})
    client.get(COLLECTION)
    client.get(COLLECTION)
    sent = [request.headers["authorization"].split()[1] for request in server.requests]
    assert sent == ["secret-token"] * 3 + ["new-token"] * 2


@pytest.mark.parametrize("token", ["secret\ntoken", "secret-tökén-€"])
def test_broken_token_is_not_shown(server: ApiServer, tmp_path: Path, token: str) -> None:
    """A token that does not fit into a header makes an error that does not quote it."""
    path = kubeconfigs.write(tmp_path / "broken", server.url, {"token": token})
    client = Client(lambda: transport.load_configuration(path))
    with pytest.raises(Unreachable, match="the token does not fit into a header") as caught:
        client.get(COLLECTION)
    assert caught.value.__suppress_context__
    client.close()


def test_token_is_not_logged(
    server: ApiServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even with everything at DEBUG does the token reach a log."""
    caplog.set_level(logging.DEBUG)
    server.faults["list"] = 403
    with pytest.raises(Forbidden):
        client.get(COLLECTION)
    assert caplog.text
    assert "secret-token" not in caplog.text
    assert "secret-token" not in repr(client)


class _Pod:
    """The files and variables that a pod's ServiceAccount has."""

    def __init__(self, server: ApiServer, token: Path, ca: Path) -> None:
        self.server = server
        self.token = token
        self.ca = ca


@pytest.fixture
def pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[_Pod]:
    """Run an API server with TLS, and be a pod."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    server = ApiServer(tls=tls)
    token, ca = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("first")
    authority.cert_pem.write_to_path(str(ca))
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(ca))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
    yield _Pod(server, token, ca)
    server.stop()


def test_pod_uses_its_service_account(pod: _Pod, kubeconfig: Path) -> None:
    """In a pod the ServiceAccount's token and CA are used, unless a kubeconfig is named."""
    client = Client()
    client.get(COLLECTION)
    assert pod.server.requests[0].headers["authorization"] == "bearer first"
    assert transport.load_configuration(kubeconfig).host.startswith("http://")
    client.close()


def test_rotated_service_account_token_is_read(pod: _Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a minute the official client's hook, which our calls trigger, reads the file again."""
    client = Client()
    client.get(COLLECTION)
    pod.token.write_text("second")

    class Later(dt.datetime):
        """A wall clock that is a minute ahead."""

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Self:
            return super().now(tz) + dt.timedelta(seconds=61)

    monkeypatch.setattr(dt, "datetime", Later)  # the module that the official client reads
    client.get(COLLECTION)
    assert pod.server.requests[1].headers["authorization"] == "bearer second"
    assert len(pod.server.requests) == 2
    client.close()


def test_clock_that_jumped_back_does_not_keep_an_old_token(pod: _Pod) -> None:
    """The hook does not fire, but the refusal makes us read the token file."""
    client = Client()
    pod.token.write_text("second")
    pod.server.tokens = {"second"}
    client.get(COLLECTION)
    assert [r.headers["authorization"] for r in pod.server.requests] == [
        "bearer first",
        "bearer second",
    ]
    client.close()


def test_unreadable_token_is_a_cluster_error(pod: _Pod) -> None:
    """A token file that vanished while we run is an error that is worth another try."""
    client = Client()
    pod.token.unlink()
    pod.server.tokens = set()
    with pytest.raises(ConfigurationError, match="ServiceAccount: Service token file does not"):
        client.get(COLLECTION)
    client.close()


def test_server_with_another_certificate_is_unreachable(pod: _Pod) -> None:
    """Whoever answers in place of the API server gets no token."""
    trustme.CA().cert_pem.write_to_path(str(pod.ca))
    client = Client()
    with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        client.get(COLLECTION)
    assert pod.server.requests == []
    client.close()


def test_watch_over_tls_closes_at_once(pod: _Pod) -> None:
    """Closing wakes a thread that waits for an encrypted event, too."""
    client = Client()
    watch = client.watch(COLLECTION, {"resourceVersion": "1"})
    pod.server.put("a")
    events = watch.events(lambda: None)
    assert next(events).type == "ADDED"
    left: list[Event] = []
    reader = threading.Thread(target=lambda: left.extend(events))
    reader.start()
    watch.close()
    reader.join(timeout=60)
    assert not reader.is_alive()
    assert left == []
    client.close()


def test_generated_models_are_not_loaded(kubeconfig: Path, server: ApiServer) -> None:
    """A process that reads and writes has none of the generated models, which cost 25 MiB."""
    server.put("a")
    program = f"""
import sys, pathlib
import webhook.cluster.objects, webhook.namespaces.cluster
from webhook.cluster import transport
from webhook.cluster.client import Client
from webhook.cluster.answers import Event
client = Client(lambda: transport.load_configuration(pathlib.Path({str(kubeconfig)!r})))
client.get({COLLECTION!r})
watch = client.watch({COLLECTION!r}, {{"resourceVersion": "1"}})
next(watch.events(lambda: None))
watch.close()
generated = ("kubernetes.client.models.", "kubernetes.client.api.", "webhook.manifests")
print([name for name in sys.modules if name.startswith(generated)])
"""
    done = subprocess.run(  # noqa: S603  our own interpreter and program
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
