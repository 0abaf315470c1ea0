"""Do more namespaces in memory cost latency, and how much memory does each cost?

The server lists and watches them as in a cluster; an API server on loopback plays that one.
"""

import contextlib
import http.client
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks import servers, usage, wrk
from benchmarks.growth import WARM_UP, Row, Say, new_folder
from benchmarks.reviews import NAMESPACE, REVIEWS
from benchmarks.servers import Server
from tests import kubeconfig
from tests.controlplane.ports import LOOPBACK
from tests.situations import ENABLED
from tests.unit.cluster.api_server import ApiServer
from tests.waiting import wait_for
from tests.webhook_process import read_sample

QUESTION: Final = "namespaces"
COUNTS: Final = (10, 100, 1_000, 5_000, 20_000)
_REVIEW: Final = REVIEWS["pod-9k"]
_CONNECTIONS: Final = 16
_SECONDS: Final = 4
_PAGE: Final = 500
"""Namespaces in one page of a list, as many as the server asks for."""
_SYNCED: Final = 60.0
"""Seconds within which the server has to have all of them."""


def measure(say: Say) -> list[Row]:
    """Measure with few and with many namespaces, each time with a new server.

    Args:
        say: Told what goes on.

    Raises:
        BenchmarkError: The server cannot be measured.
    """
    rows: list[Row] = []
    for count in COUNTS:
        say(f"{count:,} namespaces in memory")
        with new_folder() as folder, _cluster(folder, count) as environment:
            # What else is read of a cluster is not there, and not asked about.
            flags = ("--namespaces", "cluster", "--ignore-sidecars")
            with servers.ours(folder / "server", flags, environment=environment) as server:
                wait_for(lambda: _synced(server), _SYNCED, "the namespaces")
                rows.append(_measured(server, count))
    return [*rows, growth_of(rows)]


def growth_of(rows: list[Row]) -> Row:
    """Make the row that sums up: from the fewest namespaces to the most.

    Args:
        rows: In the order of their counts.
    """
    few, many = rows[0], rows[-1]
    more = many["namespaces"] - few["namespaces"]
    return {
        "question": QUESTION,
        "kib_per_namespace": (many["rss"] - few["rss"]) * 1024 / more,
        "p50_ratio": many["p50"] / few["p50"],
        "p99_ratio": many["p99"] / few["p99"],
    }


def objects(count: int) -> Iterator[tuple[str, dict[str, str]]]:
    """Make namespaces: their names, and labels as those of real ones.

    Args:
        count: How many; one of them, in the middle, is that of the reviews.
    """
    for number in range(count):
        if number == count // 2:
            yield NAMESPACE, {"kubernetes.io/metadata.name": NAMESPACE, **ENABLED}
            continue
        name = f"team-{number % 200}-app-{number}"
        yield (
            name,
            {
                "kubernetes.io/metadata.name": name,
                "app.kubernetes.io/managed-by": "Helm",
                "istio-injection": "enabled",
                "pod-security.kubernetes.io/enforce": "privileged",
                "team": f"team-{number % 200}",
            },
        )


@contextlib.contextmanager
def _cluster(folder: Path, count: int) -> Iterator[Mapping[str, str]]:
    """Play a cluster while the context lasts, and give what leads the server there."""
    api = ApiServer()
    api.page = _PAGE
    try:
        for name, labels in objects(count):
            metadata = {"name": name, "labels": labels}
            api.store(name, {"kind": "PartialObjectMetadata", "metadata": metadata})
        path = kubeconfig.write(folder / "config", api.url, {"token": "any"})
        yield {"KUBECONFIG": str(path)}
    finally:
        api.stop()


def _synced(server: Server) -> bool:
    """Ask whether it has all namespaces."""
    assert server.ops_port is not None
    connection = http.client.HTTPConnection(LOOPBACK, server.ops_port)
    with contextlib.closing(connection):
        connection.request("GET", "/metrics")
        exposition = connection.getresponse().read()
    return read_sample(exposition, "source_ip_webhook_namespace_cache_synced") == 1


def _measured(server: Server, count: int) -> Row:
    """Measure one server."""
    server.check(_REVIEW)
    at_rest = usage.memory(server.pid)
    wrk.run(server.port, _REVIEW, _CONNECTIONS, WARM_UP)
    measured = wrk.run(server.port, _REVIEW, _CONNECTIONS, _SECONDS)
    return {
        "question": QUESTION,
        "namespaces": count,
        "rss": at_rest.rss,
        "pss": at_rest.pss,
        "requests_per_second": measured.requests_per_second,
        "p50": measured.p50,
        "p99": measured.p99,
        "errors": measured.errors,
    }
