"""What growth is measured with: reviews that are due, reviews one by one, and handshakes."""

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from concurrent import futures
from pathlib import Path

import pytest

from benchmarks import BenchmarkError, certificate, servers
from benchmarks.growth import handshakes, one_by_one, paced
from benchmarks.reviews import REVIEWS, Review
from benchmarks.servers import Server
from tests.controlplane.ports import free_port
from tests.fuzz.cases import Case
from tests.fuzz.client import Answer, Connection

pytestmark = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="a measurement needs two cores"
)
SMALL = REVIEWS["pod-2k"]
BROKEN = Review("broken", b"{", patched=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run the webhook."""
    with servers.ours(tmp_path_factory.mktemp("growth") / "server") as running:
        yield running


def send(server: Server, review: Review) -> int:
    """Send a review a few times, each when it is due, and return how many were answered."""
    ca = server.folder / "tls" / "ca.crt"
    return paced.run(server.port, ca, review, rate=1000, seconds=0.02, bar=60).reviews


def test_reviews_that_are_due(server: Server) -> None:
    """Each of them is sent and answered, whatever became of the one before."""
    assert send(server, SMALL) == 20


def test_reviews_one_by_one(server: Server) -> None:
    """There are as many as asked for, and the first one is not among them."""
    took = one_by_one.run(server.port, server.folder / "tls", SMALL, seconds=0, fewest=3)

    assert len(took) == 3
    assert min(took) > 0


def test_answers_that_are_refusals(server: Server) -> None:
    """A review that is not answered with 200 is told, and nothing is measured."""
    with pytest.raises(BenchmarkError, match="with status 400"):
        send(server, BROKEN)
    with pytest.raises(BenchmarkError, match="broken was answered with status 400"):
        one_by_one.run(server.port, server.folder / "tls", BROKEN, seconds=0, fewest=1)


def test_refusal_while_others_connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one review is refused, no other connection is cancelled amid its handshake."""
    tls = tmp_path / "tls"
    certificate.write(tls)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls / "tls.crt", tls / "tls.key")
    refused = threading.Event()
    ends = []

    class Watched(Connection):
        async def exchange(self, cases: Sequence[Case]) -> list[Answer]:
            try:
                answers = await super().exchange(cases)
            except BaseException as error:
                ends.append(repr(error))
                raise
            ends.append(f"status {answers[0].status}")
            refused.set()
            return answers

    def refuse(listening: socket.socket) -> None:
        with contextlib.ExitStack() as stack:
            for plain in [stack.enter_context(listening.accept()[0]) for _ in range(8)]:
                connection = stack.enter_context(context.wrap_socket(plain, server_side=True))
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
                refused.wait(30)

    monkeypatch.setattr(paced, "Connection", Watched)
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        futures.ThreadPoolExecutor(1) as thread,
    ):
        server = thread.submit(refuse, listening)
        with pytest.raises(BenchmarkError, match="with status 400"):
            paced.run(listening.getsockname()[1], tls / "ca.crt", SMALL, rate=1, seconds=1, bar=60)
        server.result(30)

    assert ends == ["status 400"] * 8


@pytest.mark.parametrize("resumed", [False, True])
def test_handshakes(server: Server, monkeypatch: pytest.MonkeyPatch, resumed: bool) -> None:
    """Handshakes are counted, and each is of the kind that was asked for."""
    monkeypatch.setattr(handshakes, "_WARM_UP", 0.01)
    monkeypatch.setattr(handshakes, "_SECONDS", 0.1)

    row = handshakes.measured(server, resumed=resumed)

    assert row["handshakes_per_second"] > 0
    assert row["resumed"] is resumed


def test_nobody_answers(tmp_path: Path) -> None:
    """Where no server is, that is said in one sentence."""
    gone = Server("gone", free_port(), os.getpid(), 0.0, tmp_path)
    certificate.write(tmp_path / "tls")

    with pytest.raises(BenchmarkError, match="A small review was not answered"):
        send(gone, SMALL)
    with pytest.raises(BenchmarkError, match="A handshake failed"):
        handshakes.measured(gone, resumed=False)
    with pytest.raises(BenchmarkError, match="pod-2k was not answered"):
        one_by_one.run(gone.port, tmp_path / "tls", SMALL, seconds=0, fewest=1)
