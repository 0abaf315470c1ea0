"""Requests, their credentials, and what becomes of errors."""

import logging
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests import kubeconfig as kubeconfigs
from tests.unit.cluster.api_server import COLLECTION, ApiServer
from webhook import __version__
from webhook.cluster import (
    ClusterError,
    Expired,
    Forbidden,
    NotFound,
    Unreachable,
    access,
)
from webhook.cluster.access import Access
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
    client = Client(lambda: access.load(path))
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

    def __init__(self, server: ApiServer, folder: Path) -> None:
        self.server = server
        self.token = folder / "token"
        self.ca = folder / "ca.crt"


@pytest.fixture
def pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[_Pod]:
    """Run an API server with TLS, and be a pod."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    pod = _Pod(ApiServer(tls=tls), tmp_path)
    pod.token.write_text("first")
    authority.cert_pem.write_to_path(str(pod.ca))
    monkeypatch.setattr(access, "_SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(pod.server.port))
    yield pod
    pod.server.stop()


def test_pod_uses_its_service_account(pod: _Pod, kubeconfig: Path) -> None:
    """In a pod the ServiceAccount's token and CA are used, unless a kubeconfig is named."""
    client = Access().connect()
    client.get(COLLECTION)
    assert pod.server.requests[0].headers["authorization"] == "Bearer first"
    assert access.load(kubeconfig).host.startswith("http://")
    client.close()


def test_rotated_service_account_token_is_sent(pod: _Pod) -> None:
    """The file is read for each request, so no old token is sent after a rotation."""
    client = Access().connect()
    client.get(COLLECTION)
    pod.token.write_text("second\n")
    client.get(COLLECTION)
    sent = [request.headers["authorization"] for request in pod.server.requests]
    assert sent == ["Bearer first", "Bearer second"]
    client.close()


def test_token_that_vanished_is_worth_another_try(pod: _Pod) -> None:
    """A token file that cannot be read while we run is an error that may pass."""
    client = Access().connect()
    pod.token.unlink()
    with pytest.raises(Unreachable, match=f"^get {COLLECTION}: .*No such file.*/token"):
        client.get(COLLECTION)
    pod.token.write_text("first")
    client.get(COLLECTION)
    client.close()


def test_server_with_another_certificate_is_unreachable(pod: _Pod) -> None:
    """Whoever answers in place of the API server gets no token."""
    trustme.CA().cert_pem.write_to_path(str(pod.ca))
    client = Access().connect()
    with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        client.get(COLLECTION)
    assert pod.server.requests == []
    client.close()


def test_watch_over_tls_closes_at_once(pod: _Pod) -> None:
    """Closing wakes a thread that waits for an encrypted event, too."""
    client = Access().connect()
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


@pytest.mark.usefixtures("pod")
def test_watch_is_kept_alive() -> None:
    """TCP itself asks whether a silent peer is still there, as client-go has it."""
    client = Access().connect()
    connection = client.dial(COLLECTION, 10.0).connection
    assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30
    assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    connection.close()
    client.close()


def test_pod_goes_through_the_proxy_of_its_environment(
    pod: _Pod, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy is used, and left out for what NO_PROXY says, ranges of addresses too."""
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    with pytest.raises(Unreachable, match=f"^get {COLLECTION}"):  # it knows no CONNECT
        Access().connect().get(COLLECTION)
    monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
    client = Access().connect()
    client.get(COLLECTION)
    assert len(pod.server.requests) == 1
    client.close()


def test_official_client_is_not_loaded_in_a_pod(pod: _Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replica has nothing of what reads kubeconfigs, which costs 10 MiB, and no YAML."""
    monkeypatch.setenv("NO_PROXY", "10.0.0.0/8")  # some clusters set it in every Pod
    pod.server.put("a")
    program = f"""
import sys, pathlib
import webhook.server.lifecycle
from webhook.cluster import access
access._SERVICE_ACCOUNT = pathlib.Path({str(pod.token.parent)!r})
access.Access().connect().get({COLLECTION!r})
costly = {{"kubernetes", "requests", "oauthlib", "dateutil", "websocket", "yaml"}}
print(sorted(costly & set(sys.modules)))
"""
    done = subprocess.run(  # noqa: S603  our own interpreter and program
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_generated_models_are_not_loaded(kubeconfig: Path, server: ApiServer) -> None:
    """A process that reads and writes has none of the generated models, which cost 25 MiB."""
    server.put("a")
    program = f"""
import sys, pathlib
import webhook.cluster.objects, webhook.namespaces.cluster
from webhook.cluster import access
from webhook.cluster.answers import Event
client = access.Access(kubeconfig=pathlib.Path({str(kubeconfig)!r})).connect()
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
