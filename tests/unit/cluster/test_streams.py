"""Commands in containers and ports of Pods, through the API server."""

import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests import kubeconfig as kubeconfigs
from tests.unit.cluster.streaming import Handler, Streaming
from webhook import __version__
from webhook.cluster import (
    ClusterError,
    CommandFailed,
    Forbidden,
    NotFound,
    Unreachable,
    access,
    streams,
)
from webhook.cluster.access import Access
from webhook.cluster.client import Client
from webhook.cluster.streams import exec_in, port_forward
from webhook.cluster.transport import Endpoint

SUCCESS = b"\x03" + json.dumps({"status": "Success"}).encode()
GREETING = (b"\x00\x90\x1f", b"\x01\x90\x1f")
"""What begins a forwarded port: its number on each of its channels, which is 8080."""


@pytest.fixture
def api() -> Iterator[Streaming]:
    """Run an API server that speaks WebSocket."""
    with Streaming() as running:
        yield running


@pytest.fixture
def to(api: Streaming, tmp_path: Path) -> Iterator[Client]:
    """Make a client for it."""
    path = kubeconfigs.write(tmp_path / "streams", api.url, {"token": "secret-token"})
    client = Access(kubeconfig=path, user="jane", groups=("ops",)).connect()
    yield client
    client.close()


def run(client: Client, timeout: float = 10.0) -> str:
    """Run a command."""
    return exec_in(client, "shop", "web-1", "app", ["cat", "/proc/net/tcp"], timeout=timeout)


def test_output_of_a_command_is_returned(api: Streaming, to: Client) -> None:
    """What it prints comes in pieces, without what it says on standard error."""
    api.send(b"\x01first ", b"", b"\x02warning", b"\x01second", SUCCESS, close=False)

    assert run(to) == "first second"


def test_request_says_who_asks_and_for_what(api: Streaming, to: Client) -> None:
    """Command and container are in the query; credentials and impersonation in the headers."""
    api.send(SUCCESS)
    run(to)

    (asked,) = api.opened
    assert asked.path == "/api/v1/namespaces/shop/pods/web-1/exec"
    assert asked.query == [
        ("command", "cat"),
        ("command", "/proc/net/tcp"),
        ("container", "app"),
        ("stdout", "true"),
        ("stderr", "true"),
    ]
    assert asked.headers["authorization"] == "Bearer secret-token"
    assert asked.headers["impersonate-user"] == "jane"
    assert asked.headers["impersonate-group"] == "ops"
    assert asked.headers["user-agent"] == f"source-ip-webhook/{__version__}"
    assert "origin" not in asked.headers


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({"message": "command terminated with non-zero exit code"}, "terminated with non-zero"),
        ({}, "no reason given"),
    ],
)
def test_command_that_fails_is_an_error(
    api: Streaming, to: Client, status: dict[str, str], said: str
) -> None:
    """Its end is told in the API server's words, with what ran where."""
    api.send(b"\x01half", b"\x03" + json.dumps({"status": "Failure", **status}).encode())
    with pytest.raises(CommandFailed, match=f"^exec cat in web-1/app of .*: .*{said}") as caught:
        run(to)

    assert caught.value.output == "half"


def test_end_without_a_status_is_an_error(api: Streaming, to: Client) -> None:
    """A connection that closes before the command's end has not told all."""
    api.send(b"\x01half")
    with pytest.raises(Unreachable, match="the connection ended before the command did"):
        run(to)


def test_connection_that_breaks_is_an_error(api: Streaming, to: Client) -> None:
    """A stream that breaks off, or an answer that never comes, is one sentence."""
    api.stream(lambda _: None)
    with pytest.raises(Unreachable, match=r"^exec cat in web-1/app"):
        run(to)
    with pytest.raises(Unreachable, match=r"^exec cat in web-1/app"):
        run(to)


def test_silence_ends_at_the_deadline(api: Streaming, to: Client) -> None:
    """A command that does not end in time is given up."""
    api.send(close=False)
    with pytest.raises(Unreachable, match="timed out"):
        run(to, timeout=0.05)


def test_output_has_a_bound(api: Streaming, to: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that prints without end does not fill our memory."""
    monkeypatch.setattr(streams, "_MOST_OUTPUT", 9)
    api.send(b"\x01" + b"x" * 10, close=False)
    with pytest.raises(Unreachable, match="prints more than 9 bytes"):
        run(to)


@pytest.mark.parametrize(
    ("code", "kind"), [(403, Forbidden), (404, NotFound), (500, Unreachable), (401, Forbidden)]
)
def test_refusal_is_told_in_the_api_servers_words(
    api: Streaming, to: Client, code: int, kind: type[ClusterError]
) -> None:
    """A right that is missing, or a Pod that is gone, is the error that it is elsewhere."""
    for _ in range(1 + (code == 401)):
        api.refuse(code, {"message": 'user "jane" cannot create pods/exec'})
    with pytest.raises(kind, match=f'HTTP {code}, user "jane" cannot create pods/exec$'):
        run(to)


def test_refusal_without_a_body_has_a_sentence(api: Streaming, to: Client) -> None:
    """What says nothing is told as such."""
    api.refuse(403)
    with pytest.raises(Forbidden, match="HTTP 403, no reason given"):
        run(to)


def test_refused_credentials_are_read_again(api: Streaming, tmp_path: Path) -> None:
    """A token that was rotated is read once more, as for any other request."""
    tokens = iter(["old", "new"])

    def load() -> Endpoint:
        token = next(tokens)
        path = kubeconfigs.write(tmp_path / token, api.url, {"token": token})
        return access.load(path)

    api.refuse(401)
    api.send(b"\x01x", SUCCESS)

    assert run(Client(load)) == "x"
    assert [each.headers["authorization"] for each in api.opened] == ["Bearer old", "Bearer new"]


def test_redirect_is_not_followed(api: Streaming, to: Client) -> None:
    """The token is for the API server, and goes nowhere else."""
    api.refuse(302, location=f"{api.url.replace('http', 'ws')}/elsewhere")
    with pytest.raises(Unreachable, match=r"^exec cat"):
        run(to)

    assert len(api.opened) == 1


def test_token_that_does_not_fit_is_not_told(api: Streaming, tmp_path: Path) -> None:
    """A token of two lines would be two headers; it is not sent, and not in the error."""
    path = kubeconfigs.write(tmp_path / "config", api.url, {"token": "secret\nX-Other: 1"})
    with pytest.raises(Unreachable, match="the token does not fit into a header") as caught:
        run(Client(lambda: access.load(path)))

    assert "secret" not in str(caught.value)
    assert api.opened == []


def test_api_server_is_verified(tmp_path: Path) -> None:
    """Streams trust whom the kubeconfig trusts, and nobody else."""
    authority, other = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Streaming(context) as api:
        trusting = kubeconfigs.write(
            tmp_path / "a", api.url, {"token": "x"}, authority.cert_pem.bytes()
        )
        strange = kubeconfigs.write(tmp_path / "b", api.url, {"token": "x"}, other.cert_pem.bytes())
        api.send(b"\x01x", SUCCESS)

        assert run(Client(lambda: access.load(trusting))) == "x"
        with pytest.raises(Unreachable, match="certificate verify failed"):
            run(Client(lambda: access.load(strange)))


def test_proxy_is_gone_through(
    api: Streaming, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a proxy leads to the API server, a stream goes through it too, and TLS within."""
    authority = trustme.CA()
    api.tunnelled = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("api.example").configure_cert(api.tunnelled)
    monkeypatch.setenv("HTTPS_PROXY", api.url)
    path = kubeconfigs.write(
        tmp_path / "config", "https://api.example", {"token": "x"}, authority.cert_pem.bytes()
    )
    api.send(b"\x01x", SUCCESS)

    assert run(Client(lambda: access.load(path))) == "x"
    assert api.opened[0].headers["host"] == "api.example"


def test_nobody_there_is_a_sentence(tmp_path: Path) -> None:
    """An API server that is away is told with what was wanted."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        path = kubeconfigs.write(tmp_path / "config", url, {"token": "x"})
        with pytest.raises(Unreachable, match=r"^connect /api/v1/namespaces/shop/pods/web-1/exec:"):
            run(Client(lambda: access.load(path)))


def echo(handler: Handler) -> None:
    """Send back what comes in."""
    for frame in GREETING:
        handler.send(frame)
    while content := handler.receive():
        handler.send(content)


def test_forwarded_port_carries_bytes(api: Streaming, to: Client) -> None:
    """What is sent arrives at the port, and what comes back is received in the sizes asked for."""
    api.stream(echo)
    with port_forward(to, "shop", "web-1", 8080) as forwarded:
        forwarded.sendall(b"hello")

        assert forwarded.recv(2) == b"he"
        assert forwarded.recv(100) == b"llo"
    assert api.opened[0].path == "/api/v1/namespaces/shop/pods/web-1/portforward"
    assert api.opened[0].query == [("ports", "8080")]


def test_forwarded_port_ends(api: Streaming, to: Client) -> None:
    """Where the peer closes there are no more bytes; an empty frame is no end."""
    api.send(*GREETING, b"\x00", b"\x00x")
    with port_forward(to, "shop", "web-1", 8080) as forwarded:
        assert (forwarded.recv(9), forwarded.recv(9)) == (b"x", b"")


def test_port_that_nobody_listens_on_is_an_error(api: Streaming, to: Client) -> None:
    """What the kubelet says about it is told."""
    api.send(*GREETING, b"\x01connection refused\n")
    with (
        port_forward(to, "shop", "web-1", 8080) as forwarded,
        pytest.raises(
            Unreachable, match=r"^connect to port 8080 of web-1 of namespace shop: .* refused$"
        ),
    ):
        forwarded.recv(9)


def test_closed_connection_takes_nothing(api: Streaming, to: Client) -> None:
    """Bytes for a connection that is closed are an error, not lost."""
    api.stream(echo)
    forwarded = port_forward(to, "shop", "web-1", 8080)
    forwarded.close()
    with pytest.raises(Unreachable, match=r"^connect to port 8080"):
        forwarded.sendall(b"x")
