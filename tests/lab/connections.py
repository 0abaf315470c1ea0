"""Opens TCP connections all at a time, and counts those on which a server answers.

``connections.py ADDRESS PORT {"CLIENT": NUMBER, ...}``; each client is an address of this machine.
"""

import asyncio
import json
import sys

_SECONDS = 20.0
"""How long all of it may take: a proxy that has no port left closes at once."""


async def count(address: str, port: int, clients: dict[str, int]) -> int:
    """Open the connections and count those that were answered, before any is closed.

    Args:
        address: The server's.
        port: The server's.
        clients: How many connections to open from each address.
    """
    writers: list[asyncio.StreamWriter] = []
    answered = 0

    async def open_one(client: str) -> None:
        nonlocal answered
        try:
            reader, writer = await asyncio.open_connection(address, port, local_addr=(client, 0))
            writers.append(writer)
            writer.write(b"hello\n")
            line = await reader.readline()
            answered += bool(line)
        except OSError:
            return

    wanted = [open_one(client) for client, number in clients.items() for _ in range(number)]
    _, unanswered = await asyncio.wait(map(asyncio.ensure_future, wanted), timeout=_SECONDS)
    for each in unanswered:
        each.cancel()
    for writer in writers:
        writer.close()
    return answered


if __name__ == "__main__":
    _, host, number, described = sys.argv
    numbers = json.loads(described)
    print(asyncio.run(count(host, int(number), numbers)), "of", sum(numbers.values()))  # noqa: T201
