"""The real server as a process of its own, watched from outside."""

import asyncio
import contextlib
import json
import math
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tests.fuzz.seeds import namespaces_file

ROOT = Path(__file__).parents[2]
_STARTED = 20.0
"""Seconds until it must have said where it listens."""
_ENDED = 30.0
"""Seconds that it may take to end."""
_KEPT = 20
"""Lines of complaints that are kept."""


class Server:
    """A server that runs, and what it says.

    Its log is on as in production, at ``info``, and is read and counted but not kept: a failure
    inside would be a line of level ``error`` or a traceback.

    Args:
        process: Of ``source-ip-webhook serve``.
        folder: Where its certificates are.
    """

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self.ca = folder / "tls" / "ca.crt"
        self.port = 0
        self.ops_port = 0
        self.lines = 0
        """Lines of its log so far."""
        self.complaints: list[str] = []
        """The first lines that are neither information nor a warning."""

    @property
    def ended(self) -> bool:
        """Whether it runs no more."""
        return self._process.returncode is not None

    def memory(self, field: str = "VmRSS") -> float:
        """Read its memory in MiB, as Linux tells it; ``VmHWM`` is the highest so far."""
        with contextlib.suppress(OSError, ValueError):  # it may have ended just now
            status = Path(f"/proc/{self._process.pid}/status").read_text()
            (line,) = [line for line in status.splitlines() if line.startswith(f"{field}:")]
            return int(line.split()[1]) / 1024
        return math.nan

    async def started(self) -> None:
        """Wait until it listens."""
        assert self._process.stderr is not None
        async with asyncio.timeout(_STARTED):
            while not self.port:
                event: dict[str, Any] = json.loads(await self._process.stderr.readline())
                self.lines += 1
                if event["event"] == "serving":
                    self.port, self.ops_port = event["port"], event["ops_port"]

    async def listen_to_log(self) -> None:
        """Read the log to its end."""
        assert self._process.stderr is not None
        rest = b""
        while chunk := await self._process.stderr.read(1 << 18):
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
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("SOURCE_IP_WEBHOOK_")
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "webhook", "serve", "--host", "127.0.0.1", "--port", "0"),
        *("--ops-port", "0", "--drain", "0", "--tls-self-signed", str(folder / "tls")),
        *("--namespaces", str(namespaces), "--log-level", "info"),
        cwd=ROOT,
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    server = Server(process, folder)
    log: asyncio.Task[None] | None = None
    try:
        await server.started()
        log = asyncio.create_task(server.listen_to_log())
        yield server
    finally:
        if not server.ended:
            process.terminate()
        if log is not None:
            await asyncio.wait_for(log, _ENDED)
        await asyncio.wait_for(process.wait(), _ENDED)
