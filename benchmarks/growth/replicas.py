"""Do two replicas answer twice as many reviews as one?

The load needs a core as well. So on a machine of two cores the question is asked in pairs: a
replica that shares one core with its load, and two of these, each on a core of its own. Beside them
stands the replica that has a core for itself, as in all other measurements.
"""

import concurrent.futures
import contextlib
import resource
import statistics
from collections.abc import Sequence
from typing import Final

from benchmarks import machine, servers, usage, wrk
from benchmarks.growth import WARM_UP, Row, Say, new_folder
from benchmarks.reviews import REVIEWS
from benchmarks.servers import Server

QUESTION: Final = "replicas"
ALONE: Final = "one replica, its load on the other core"
PAIR: Final = "one replica and its load on one core"
PAIRS: Final = "two replicas on two cores, each with its load"
_REVIEW: Final = REVIEWS["pod-9k"]
_CONNECTIONS: Final = 16
_SECONDS: Final = 5
_ROUNDS: Final = 3


def measure(say: Say) -> list[Row]:
    """Measure the three placements, in turn.

    Args:
        say: Told what goes on.

    Raises:
        BenchmarkError: A server cannot be measured.
    """
    first, second = machine.server_core(), min(machine.other_cores())
    placements = {
        ALONE: [(first, second)],
        PAIR: [(first, first)],
        PAIRS: [(first, first), (second, second)],
    }
    rounds: dict[str, list[Row]] = {name: [] for name in placements}
    for number in range(1, _ROUNDS + 1):
        for name, cores in placements.items():
            say(f"{name}, round {number} of {_ROUNDS}")
            rounds[name].append(_placed(cores))
    rows = [sum_up(name, found) for name, found in rounds.items()]
    return [*rows, scale_of(rows)]


def _placed(cores: Sequence[tuple[int, int]]) -> Row:
    """Measure replicas all at once.

    Args:
        cores: For each replica its own, and its load's.
    """
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(new_folder())
        running = [
            stack.enter_context(servers.ours(folder / str(number), core=own))
            for number, (own, _) in enumerate(cores)
        ]
        loads = [load for _, load in cores]
        _load(running, loads, WARM_UP)
        servers_before, loads_before = _used(running), _used_by_loads()
        requests = _load(running, loads, _SECONDS)
        return {
            "requests_per_second": sum(requests.values()),
            "server_seconds": _used(running) - servers_before,
            "load_seconds": _used_by_loads() - loads_before,
        }


def _load(running: Sequence[Server], loads: Sequence[int], seconds: int) -> dict[int, float]:
    """Load all of them at once, and return by port how many each answered in a second."""
    with concurrent.futures.ThreadPoolExecutor(len(running)) as threads:
        started = {
            server.port: threads.submit(
                wrk.run, server.port, _REVIEW, _CONNECTIONS, seconds, {core}
            )
            for server, core in zip(running, loads, strict=True)
        }
        return {port: each.result().requests_per_second for port, each in started.items()}


def _used(running: Sequence[Server]) -> float:
    return sum(usage.cpu_seconds(server.pid) for server in running)


def _used_by_loads() -> float:
    """Return the processor time of all processes of ours that have ended, wrk's among them."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def sum_up(name: str, rounds: Sequence[Row]) -> Row:
    """Make the row of a placement, with medians.

    Args:
        name: Of the placement.
        rounds: What each round measured.
    """
    answered = [row["requests_per_second"] * _SECONDS / 1000 for row in rounds]

    def per_1000(what: str) -> float:
        pairs = zip(rounds, answered, strict=True)
        return float(statistics.median(row[what] / thousands for row, thousands in pairs))

    return {
        "question": QUESTION,
        "placement": name,
        "requests_per_second": statistics.median(row["requests_per_second"] for row in rounds),
        "cpu_seconds_per_1000": per_1000("server_seconds"),
        "load_cpu_seconds_per_1000": per_1000("load_seconds"),
        "rounds": [row["requests_per_second"] for row in rounds],
    }


def scale_of(rows: Sequence[Row]) -> Row:
    """Make the row that answers the question: two pairs next to one.

    Args:
        rows: Of all placements.
    """
    answered = {row["placement"]: row["requests_per_second"] for row in rows}
    return {"question": QUESTION, "two_to_one": answered[PAIRS] / answered[PAIR]}
