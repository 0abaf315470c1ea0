"""A free port is given once, whoever asks."""

import socket
import subprocess
import sys

import pytest

from tests.controlplane import ports


def test_port_is_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither this process nor another one gets a port again that somebody has asked for."""
    monkeypatch.setattr(ports, "_PORTS", [port := ports.free_port()])
    other = (
        "from tests.controlplane import ports; "
        f"ports._PORTS = [{port}, {port + 1}]; print(ports.free_port())"
    )

    with pytest.raises(OSError, match="no free port"):
        ports.free_port()
    assert _said(other) in {"", str(port + 1)}


def test_port_is_free_again_after_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process has asked for ends with it, however that ends."""
    port = int(
        _said(
            "import os; from tests.controlplane import ports; "
            "print(ports.free_port(), flush=True); os._exit(1)"
        )
    )

    monkeypatch.setattr(ports, "_PORTS", [port])
    assert ports.free_port() == port


def test_port_that_somebody_listens_on_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that did not ask us keeps its port."""
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        monkeypatch.setattr(ports, "_PORTS", [server.getsockname()[1]])
        with pytest.raises(OSError, match="no free port"):
            ports.free_port()


def _said(code: str) -> str:
    """Run code in a process of its own, and return what it prints."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip()
