"""The demo: a real server, the guide's manifests, and what came of them."""

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import urllib3

from webhook.admission.answer import ReviewError
from webhook.admission.options import Options
from webhook.cli.offline import write_demo
from webhook.cli.shared import DeliveryError
from webhook.manifests.documents import ManifestError
from webhook.offline import demo
from webhook.offline.apiserver import Review, review
from webhook.offline.demo import ApiServer, DemoError
from webhook.server.lifecycle import assemble

GUIDE = """\
opted-in Service/sleep skipped not-load-balancer -
opted-in Deployment/sleep patched added its client
opted-in Service/httpbin skipped not-load-balancer -
opted-in Deployment/httpbin patched added its client
opted-in Service/istio-ingressgateway patched added its client
plain Service/sleep skipped namespace-not-opted-in -
plain Deployment/sleep skipped namespace-not-opted-in 127.0.0.6
plain Service/httpbin skipped namespace-not-opted-in -
plain Deployment/httpbin skipped namespace-not-opted-in 127.0.0.6
plain Service/istio-ingressgateway skipped namespace-not-opted-in a node's address
"""


def shown(names: list[str], options: Options) -> str:
    """Run the demo into a pipe."""
    stream = io.StringIO()
    write_demo(demo.run(names, options, assemble), stream)
    return stream.getvalue()


def rows(text: str) -> str:
    """Take the table's rows out of the text, one space between two columns."""
    words = [" ".join(line.split()) for line in text.splitlines()]
    return "".join(f"{line}\n" for line in words if line.startswith(("opted-in ", "plain ")))


def test_guide_is_answered_by_a_real_server() -> None:
    """Every object of the guide is shown with its outcome in both namespaces, and what to do."""
    text = shown([], Options())

    assert rows(text) == GUIDE
    assert text.startswith("10 reviews were answered over verified TLS by the server at https://")
    assert text.endswith("  kubectl label namespace NAME source-ip-preservation=enabled\n")


def test_pipe_gets_plain_text() -> None:
    """Without a terminal there is no colour."""
    assert "\x1b" not in shown([], Options())


def test_own_manifests_and_label_can_be_shown(tmp_path: Path) -> None:
    """Files take the guide's place, whatever namespace they name, and so does another label."""
    manifest = tmp_path / "pod.yaml"
    manifest.write_text(
        "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: elsewhere}, spec: {}}"
    )
    text = shown([str(manifest)], Options(label_key="example.org/keep"))

    assert rows(text) == (
        "opted-in Pod/p patched added its client\n"
        "plain Pod/p skipped namespace-not-opted-in 127.0.0.6\n"
    )
    assert "kubectl label namespace NAME example.org/keep=enabled" in text


def test_file_that_cannot_be_read_starts_nothing(tmp_path: Path) -> None:
    """A wrong file name is an error of its own."""
    with pytest.raises(ManifestError, match="cannot be read"):
        shown([str(tmp_path / "missing.yaml")], Options())


@pytest.fixture
def asked() -> Review:
    """A review of a Pod."""
    return review({"kind": "Pod", "apiVersion": "v1", "metadata": {"namespace": "x"}, "spec": {}})


class Answering(ThreadingHTTPServer):
    """A server that gives every review the same answer."""

    code = 500
    body = b"on purpose"

    @property
    def url(self) -> str:
        """Where to ask."""
        return f"http://127.0.0.1:{self.server_port}/mutate"


@pytest.fixture
def failing() -> Iterator[Answering]:
    """A server that answers every review with an error."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(server.code)
            self.end_headers()
            self.wfile.write(server.body)

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    server = Answering(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            b'{"kind": "Status", "message": "It is broken."}',
            "The server answered 500: It is broken.",
        ),
        (b"on purpose", "The server answered 500: on purpose"),
        (b'"on purpose"', 'The server answered 500: "on purpose"'),
        (b"\xff", "The server answered 500: \ufffd"),
    ],
)
def test_error_of_the_server_is_passed_on(
    failing: Answering, asked: Review, body: bytes, sentence: str
) -> None:
    """A status that is no success is shown with its sentence, whoever answered."""
    failing.body = body
    with urllib3.PoolManager(retries=False) as client, pytest.raises(DemoError) as raised:
        ApiServer(failing.url, client).ask(asked)
    assert str(raised.value) == sentence


def test_refused_object_is_an_error_about_the_review(failing: Answering, asked: Review) -> None:
    """A 400 is about what was asked."""
    failing.code, failing.body = 400, b'{"kind": "Status", "message": "No review."}'
    with urllib3.PoolManager(retries=False) as client, pytest.raises(ReviewError) as raised:
        ApiServer(failing.url, client).ask(asked)
    assert str(raised.value) == "No review."


def test_refused_object_is_named(tmp_path: Path) -> None:
    """An object that the server refuses is named with its file, its line and its field."""
    manifest = tmp_path / "pod.yaml"
    manifest.write_text(
        "# one\n{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {hostNetwork: x}}\n"
    )
    with pytest.raises(ManifestError) as raised:
        shown([str(manifest)], Options())
    assert str(raised.value) == (
        f"{manifest}:2: Pod/p has a spec.hostNetwork that the API refuses: expected `bool`, got "
        "`str`."
    )


def test_output_that_cannot_be_written() -> None:
    """A full disk is the output's error, not the server's."""
    with Path("/dev/full").open("w") as stream, pytest.raises(DeliveryError, match="No space left"):
        write_demo(demo.run([], Options(), assemble), stream)


def test_server_that_is_not_there_is_a_sentence(failing: Answering, asked: Review) -> None:
    """No connection is an error with the address in it."""
    url = failing.url.replace("http://", "https://")
    with (
        urllib3.PoolManager(retries=False) as client,
        pytest.raises(DemoError, match=r"The server at https://127.0.0.1:.* did not answer"),
    ):
        ApiServer(url, client).ask(asked)
