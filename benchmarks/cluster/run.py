"""A run: a cluster with all variants, which take turns, round after round."""

import dataclasses
from collections.abc import Callable, Sequence

from benchmarks import BenchmarkError
from benchmarks.cluster import installation
from benchmarks.cluster.creating import Order, Outcome
from benchmarks.cluster.creator import Creator
from benchmarks.cluster.meters import Meters, spent
from benchmarks.cluster.turns import Round, Turn, in_turn
from benchmarks.cluster.variants import Variant
from tests.cluster import Cluster

CLIENTS = 8
"""How many create at a time where the rate is asked for."""


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """How long to measure.

    Attributes:
        variants: In the order of the table.
        rounds: How often each has its turn.
        seconds: How long Pods are created with one client, and again with several, in each turn.
    """

    variants: Sequence[Variant]
    rounds: int
    seconds: float


def measure(cluster: Cluster, plan: Plan, say: Callable[[str], object]) -> list[Round]:
    """Install all variants in a cluster, and let them take turns.

    Args:
        cluster: Runs, and has nothing of ours yet.
        plan: How long.
        say: Told what is being done, and what a turn has found.

    Raises:
        BenchmarkError: A creation failed, or a Pod came out as it should not.
        subprocess.CalledProcessError: Something could not be installed; a note says why.
        TimeoutError: Something did not come into force.
    """
    say("installing what is called, all at the same time")
    installation.install(cluster, plan.variants)
    meters = Meters(cluster, plan.variants)
    with Creator.outside(cluster) as creator:
        say("warming up")
        for variant in plan.variants:
            _take(meters, creator, variant, plan.seconds / 2)
        rounds: list[Round] = []
        for number in range(plan.rounds):
            found: dict[str, Turn] = {}
            for variant in in_turn(plan.variants, number):
                turn = _take(meters, creator, variant, plan.seconds)
                say(f"round {number + 1} of {plan.rounds}: {variant.title}: {_told(turn)}")
                found[variant.name] = turn
            rounds.append(found)
        return rounds


def _take(meters: Meters, creator: Creator, variant: Variant, seconds: float) -> Turn:
    """Let one variant have its turn."""
    creator.wait_until_deleted()
    before = meters.before(variant)
    one = _create(creator, variant, Order(variant.name, 1, seconds))
    spent_on_each = spent(before, meters.after(variant), one.requests)
    many = _create(creator, variant, Order(variant.name, CLIENTS, seconds))
    return Turn(one, many, spent_on_each)


def _create(creator: Creator, variant: Variant, order: Order) -> Outcome:
    """Have Pods created, all of which have to come out as the variant has it."""
    outcome = creator.create(order)
    if outcome.patched != (outcome.requests if variant.patched else 0):
        raise BenchmarkError(
            f"{outcome.patched} of {outcome.requests} Pods in {variant.name} had the annotation: "
            f"the machine is too slow or too busy to be measured; run it again when it is quiet."
        )
    return outcome


def _told(turn: Turn) -> str:
    one, many = turn.one, turn.many
    return f"p50 {one.p50 * 1000:.2f} ms, p99 {one.p99 * 1000:.2f} ms; {many.rate:.0f} Pods/s"
