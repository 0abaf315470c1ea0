"""The real server as a process of its own, watched from outside."""

import asyncio
import contextlib
import math
import signal
from collections.abc import AsyncIterator
from pathlib import Path

from tests.fuzz.seeds import namespaces_file
from tests.webhook_process import PipedWebhookProcess

_ENDED = 30.0
"""Seconds that it may take to end."""
_KEPT = 20
"""Lines of complaints that are kept."""


class Server:
    """A server that runs, and what it says.

    Its log is on as in production, at ``info``, and is read and counted but not kept: a failure
    inside would be a line of level ``error`` or a traceback.

    Args:
        process: Of ``serve``; it listens.
        folder: Where its certificates are.
    """

    def __init__(self, process: PipedWebhookProcess, folder: Path) -> None:
        self._process = process
        self.ca = folder / "tls" / "ca.crt"
        self.port, self.ops_port = process.port, process.ops_port
        self.lines = len(process.lines)
        """Lines of its log so far."""
        self.complaints: list[str] = []
        """The first lines that are neither information nor a warning."""

    @property
    def ended(self) -> bool:
        """Whether it runs no more."""
        return self._process.ended

    def memory(self, field: str = "VmRSS") -> float:
        """Read its memory in MiB, as Linux tells it; ``VmHWM`` is the highest so far."""
        with contextlib.suppress(OSError, ValueError):  # it may have ended just now
            status = Path(f"/proc/{self._process.pid}/status").read_text()
            (line,) = [line for line in status.splitlines() if line.startswith(f"{field}:")]
            return int(line.split()[1]) / 1024
        return math.nan

    def read_log(self) -> None:
        """Read the log to its end, in a thread of its own."""
        rest = b""
        while chunk := self._process.stderr.read(1 << 18):
            *lines, rest = (rest + chunk).split(b"\n")
            self.lines += len(lines)
            for line in lines:
                if b'"level":"info"' not in line and b'"level":"warning"' not in line:
                    self.complaints += [line[:500].decode(errors="replace")]
            del self.complaints[_KEPT:]

    async def metrics(self) -> str:
        """Scrape it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.ops_port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return answer.partition(b"\r\n\r\n")[2].decode()


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Server]:
    """Run ``serve`` on free ports of loopback while the context lasts.

    Args:
        folder: For its certificates and its namespaces.
    """
    namespaces = folder / "namespaces.yaml"
    namespaces.write_text(namespaces_file())
    process = PipedWebhookProcess(
        *("--drain", "0", "--tls-self-signed", folder / "tls"),
        *("--namespaces", namespaces, "--log-level", "info"),
    )
    process.start()  # nothing else happens in this event loop yet
    server = Server(process, folder)
    log = asyncio.create_task(asyncio.to_thread(server.read_log))
    try:
        yield server
    finally:
        process.send(signal.SIGTERM)
        try:
            await asyncio.wait_for(log, _ENDED)
        finally:
            process.stop()
