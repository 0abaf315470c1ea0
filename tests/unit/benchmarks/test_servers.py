"""The webhook runs as it is measured."""

import os
from pathlib import Path

import pytest

from benchmarks import machine, servers, usage
from benchmarks.reviews import REVIEWS


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
