"""Turns and rounds: who comes when, what a turn has found, and what all of them add up to."""

import dataclasses
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from benchmarks.cluster.creating import Outcome
from benchmarks.cluster.meters import Spent
from benchmarks.cluster.variants import NONE, Variant

T = TypeVar("T")
Row = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Turn:
    """What one variant has shown in one round. Times are in seconds."""

    one: Outcome
    """Of a single client, which shows latency."""
    many: Outcome
    """Of several at a time, which show the rate."""
    spent: Spent
    """By the servers on each creation, while there was a single client."""


Round = Mapping[str, Turn]
"""The turns of one round, by the names of the variants."""


def in_turn(variants: Sequence[T], number: int) -> list[T]:
    """Return the variants in the order of a round: each round begins with another one.

    So none always comes after the same one at the same time, and a machine that becomes slower or
    faster does so for all.

    Args:
        variants: All.
        number: Of the round, from 0.
    """
    first = number % len(variants)
    return [*variants[first:], *variants[:first]]


def rows(variants: Sequence[Variant], rounds: Sequence[Round]) -> list[Row]:
    """Add rounds up: each figure is the median over the rounds.

    What a variant adds is taken from each round by itself, against the one without a webhook in
    the same round, and is therefore not always the difference of the two medians. These two
    figures stand in ``rounds`` as each round had them.

    Times are in seconds.

    Args:
        variants: One for each row.
        rounds: At least one; each has a turn of each variant.
    """
    return [_row(variant, rounds) for variant in variants]


def _row(variant: Variant, rounds: Sequence[Round]) -> Row:
    turns = [each[variant.name] for each in rounds]
    added = [each[variant.name].one.p50 - each[NONE.name].one.p50 for each in rounds]
    return {
        "variant": variant.name,
        "title": variant.title,
        "p50": _median(turns, lambda turn: turn.one.p50),
        "p99": _median(turns, lambda turn: turn.one.p99),
        "adds_p50": _rounded(statistics.median(added)),
        "api_server": _median(turns, lambda turn: turn.spent.api_server),
        "ours": _median(turns, lambda turn: turn.spent.ours),
        "api_server_cpu": _median(turns, lambda turn: turn.spent.api_server_cpu),
        "called_cpu": _median(turns, lambda turn: turn.spent.called_cpu),
        "creations_per_second": round(statistics.median(turn.many.rate for turn in turns), 1),
        "many_p50": _median(turns, lambda turn: turn.many.p50),
        "many_p99": _median(turns, lambda turn: turn.many.p99),
        "creations": sum(turn.one.requests + turn.many.requests for turn in turns),
        "rounds": {
            "p50": [_rounded(turn.one.p50) for turn in turns],
            "adds_p50": [_rounded(each) for each in added],
        },
    }


def _median(turns: Sequence[Turn], figure: Callable[[Turn], float | None]) -> float | None:
    """Return the median in seconds; ``None`` where there is no such figure."""
    figures = [found for turn in turns if (found := figure(turn)) is not None]
    return _rounded(statistics.median(figures)) if figures else None


def _rounded(seconds: float) -> float:
    """Return whole microseconds: more was not measured."""
    return round(seconds, 6)
