"""Which cases are measured: the typical one often, and others that differ from it in one thing.

All sizes with all connections for all servers would take half an hour.
"""

import dataclasses
from typing import Final

from benchmarks.reviews import REVIEWS, Review


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """What is sent, and over how many connections at a time."""

    review: Review
    """The same one, over and over."""

    connections: int
    """Each with one request under way."""

    @property
    def name(self) -> str:
        """Review and connections, as people read them."""
        return f"{self.review.name} x {self.connections}"


TYPICAL: Final = Case(REVIEWS["pod-9k"], 16)
"""The case that the bars are about."""
OTHERS: Final = (
    *(Case(TYPICAL.review, connections) for connections in (1, 64)),
    *(Case(review, TYPICAL.connections) for review in REVIEWS.values() if review != TYPICAL.review),
)
"""Other numbers of connections with its review; other reviews over its connections."""


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """How often, and how long."""

    rounds: int = 5
    """Of the typical case; a server is started for each, and alone on the machine."""

    other_rounds: int = 2
    """Of each other case; all servers run, and one of them is under load."""

    warm_up: int = 1
    """Seconds of load before what is measured."""

    seconds: int = 5
    """Seconds of a measurement of the typical case."""

    other_seconds: int = 2
    """Seconds of a measurement of each other case."""

    def load_seconds(self, servers: int) -> int:
        """Return how many seconds of load that makes, all servers together."""
        typical = self.rounds * (self.warm_up + self.seconds)
        others = self.other_rounds * len(OTHERS) * (self.warm_up + self.other_seconds)
        return servers * (typical + others)
