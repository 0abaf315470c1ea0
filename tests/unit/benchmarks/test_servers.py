"""The webhook runs as it is measured."""

import os
from pathlib import Path

import pytest

from benchmarks import BenchmarkError, certificate, machine, servers, usage
from benchmarks.reviews import REVIEWS
from benchmarks.servers import Server
from tests.controlplane.ports import free_port


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="a measurement needs two cores")
def test_webhook_has_a_core_and_a_log(tmp_path: Path) -> None:
    """It keeps to the core of servers, answers as it should, and leaves no process behind."""
    with servers.running(servers.OURS, tmp_path / "ours") as server:
        for review in REVIEWS.values():
            server.check(review)
        cores = os.sched_getaffinity(server.pid)
        log = Path(f"/proc/{server.pid}/fd/2").readlink()
        memory = usage.memory(server.pid)

    assert cores == {machine.server_core()}
    assert str(log).startswith("pipe:")
    assert memory.pss > 1
    assert server.ready_seconds > 0
    assert not Path(f"/proc/{server.pid}").exists()


def test_server_that_is_gone(tmp_path: Path) -> None:
    """A server that answers no more is named, with the reason."""
    certificate.write(tmp_path / "tls")
    server = Server("kopf", free_port(), os.getpid(), ready_seconds=1, folder=tmp_path)

    with pytest.raises(BenchmarkError, match=r"^kopf does not answer pod-2k: .*refused"):
        server.check(REVIEWS["pod-2k"])
