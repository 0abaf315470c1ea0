"""A way from the machine's loopback to the API server of a cluster: connections, byte by byte."""

import asyncio
import contextlib
import socket
import threading
from urllib.parse import urlsplit

_CHUNK_BYTES = 1 << 16


def start(listener: socket.socket, server: str) -> None:
    """Forward in a thread of its own, as long as the process lives.

    Args:
        listener: listens in the machine's network namespace. A socket stays in the one in which it
            was made, whoever accepts from it.
        server: URL of the API server, in the caller's network namespace.
    """
    host, port = urlsplit(server).hostname, urlsplit(server).port

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(host, port)
        except OSError:  # the API server is down, and so is this way to it
            writer.transport.abort()
            return
        await asyncio.gather(_copy(reader, upstream_writer), _copy(upstream_reader, writer))

    async def run() -> None:
        await (await asyncio.start_server(forward, sock=listener)).serve_forever()

    threading.Thread(target=asyncio.run, args=(run(),), daemon=True).start()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
