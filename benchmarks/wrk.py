"""The load: wrk (https://github.com/wg/wrk), as Debian has it.

It keeps connections busy: each has one request at a time, and sends the next when it is answered.
Before it tells percentiles it adds to its latencies those that it could not see while it waited for
a slow answer (coordinated omission; ``stats_correct`` in its source), for all servers alike.
"""

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from benchmarks import BenchmarkError, machine
from benchmarks.peers import commands
from benchmarks.reviews import Review
from tests import programs
from tests.controlplane.ports import LOOPBACK

PATH: Final = "/mutate?timeout=10s"
"""What the API server asks for: the path of its configuration, and how long it waits."""
_SCRIPT: Final = Path(__file__).with_name("review.lua")
_TIMEOUT: Final = "10s"
"""After which an answer counts as an error, as it does for the API server."""
_GRACE: Final = 30.0
"""Seconds that wrk may take beside those of its load."""
_FIGURE: Final = re.compile(r"(\w+)=(\d+)")
_ERRORS: Final = ("connect", "read", "write", "status", "timeout")


class NoAnswerError(BenchmarkError):
    """Nothing was answered while there was load."""


class Measured(msgspec.Struct, frozen=True):
    """What wrk measured."""

    requests_per_second: float
    """That were answered."""
    p50: float
    """Half of the answers took no longer, in seconds."""
    p99: float
    """99 of 100 took no longer, in seconds."""
    p999: float
    """999 of 1,000 took no longer, in seconds."""
    requests: int
    """That were answered."""
    errors: int
    """Refused or broken connections, answers of 400 and above, and those that came too late."""


def run(
    port: int, review: Review, connections: int, seconds: int, cores: set[int] | None = None
) -> Measured:
    """Load a server with one review, over connections that stay open.

    Args:
        port: Where it listens on loopback, with TLS.
        review: What to send.
        connections: How many requests are under way at a time.
        seconds: How long; whole ones.
        cores: Where wrk runs; where no server does, by default.

    Raises:
        NoAnswerError: Nothing was answered.
        BenchmarkError: There is no wrk, or it failed.
    """
    where = machine.other_cores() if cores is None else cores
    return parse(_run(port, review, connections, seconds, where))


def warm_up(port: int, review: Review, connections: int, seconds: int) -> None:
    """Load a server, whatever comes of it; the arguments are those of :func:`run`.

    Raises:
        BenchmarkError: There is no wrk, or it failed.
    """
    _run(port, review, connections, seconds, machine.other_cores())


def _run(port: int, review: Review, connections: int, seconds: int, cores: set[int]) -> str:
    """Return what wrk wrote."""
    commands.require(["wrk"])
    program = programs.find("wrk") or "wrk"
    with tempfile.NamedTemporaryFile(suffix=".json") as body, machine.on(cores):
        body.write(review.body)
        body.flush()
        command = [
            *(program, "--threads", "1", "--connections", str(connections)),
            *("--duration", f"{seconds}s", "--timeout", _TIMEOUT, "--script", str(_SCRIPT)),
            *(f"https://{LOOPBACK}:{port}{PATH}", "--", body.name),
        ]
        try:
            return subprocess.run(  # noqa: S603  found by its name, no shell
                command,
                capture_output=True,
                text=True,
                timeout=seconds + _GRACE,
                check=True,
                start_new_session=True,  # Ctrl-C is ours: wrk would end as if all was measured
            ).stdout
        except subprocess.CalledProcessError as error:
            raise BenchmarkError(f"wrk failed: {(error.stderr or error.stdout).strip()}") from None
        except subprocess.TimeoutExpired:
            raise BenchmarkError(f"wrk did not end {_GRACE:g} s after its time.") from None


def parse(output: str) -> Measured:
    """Read what our script printed.

    Args:
        output: All that wrk wrote.

    Raises:
        NoAnswerError: The line is missing, or no request was answered.
    """
    line = next((each for each in output.splitlines() if each.startswith("measured ")), "")
    found = {name: int(value) for name, value in _FIGURE.findall(line)}
    if not found.get("requests"):
        raise NoAnswerError(f"wrk got no answer; it wrote: {line or output.strip() or 'nothing'}")
    return Measured(
        requests_per_second=found["requests"] / (found["duration_us"] / 1e6),
        p50=found["p50_us"] / 1e6,
        p99=found["p99_us"] / 1e6,
        p999=found["p999_us"] / 1e6,
        requests=found["requests"],
        errors=sum(found[name] for name in _ERRORS),
    )
