"""Rounds are added up so that a machine that becomes slower decides nothing."""

import pytest

from benchmarks.cluster.turns import in_turn, rows
from benchmarks.cluster.variants import ALL, NONE, OUR_OWN
from tests.unit.benchmarks.cluster.rounds import turn


def test_everyone_begins_once() -> None:
    """In as many rounds as there are variants each of them has every place once."""
    rounds = [in_turn(ALL, number) for number in range(len(ALL))]

    for place in zip(*rounds, strict=True):
        assert sorted(variant.name for variant in place) == sorted(each.name for each in ALL)


def test_rounds_go_on_from_the_beginning() -> None:
    """After the last variant has begun, the first one does again."""
    assert in_turn("abc", 4) == ["b", "c", "a"]


def test_figures_are_medians() -> None:
    """One round in which the machine was busy changes no figure."""
    quiet = {NONE.name: turn(0.004, 300), OUR_OWN.name: turn(0.005, 250, 0.0012, 0.0003)}
    busy = {NONE.name: turn(0.040, 30), OUR_OWN.name: turn(0.090, 10, 0.05, 0.02)}
    none, ours = rows([NONE, OUR_OWN], [quiet, busy, quiet])

    assert none == {
        "variant": "none",
        "title": "no webhook",
        "p50": 0.004,
        "p99": 0.008,
        "adds_p50": 0.0,
        "api_server": None,
        "ours": None,
        "api_server_cpu": 0.002,
        "called_cpu": 0.001,
        "creations_per_second": 300,
        "many_p50": 0.016,
        "many_p99": 0.032,
        "creations": 1200,
        "rounds": {"p50": [0.004, 0.04, 0.004], "adds_p50": [0.0, 0.0, 0.0]},
    }
    assert (ours["p50"], ours["adds_p50"]) == (0.005, 0.001)
    assert ours["rounds"] == {"p50": [0.005, 0.09, 0.005], "adds_p50": [0.001, 0.05, 0.001]}
    assert (ours["api_server"], ours["ours"]) == (0.0012, 0.0003)
    assert ours["creations_per_second"] == 250


def test_addition_is_that_of_each_round() -> None:
    """What a variant adds is compared within a round: a drift of the machine cancels out."""
    rounds = [
        {NONE.name: turn(base), OUR_OWN.name: turn(base + added)}
        for base, added in ((0.004, 0.003), (0.014, 0.001), (0.024, 0.002))
    ]
    _, ours = rows([NONE, OUR_OWN], rounds)

    assert ours["adds_p50"] == pytest.approx(0.002)
    assert ours["p50"] == pytest.approx(0.015)
