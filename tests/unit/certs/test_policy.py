"""A policy: refused where it contradicts itself, and due dates to the second."""

import dataclasses
import datetime as dt

import pytest

from certs.policy import Policy, PolicyError
from tests.unit.certs.material import DAY, HOUR, NOW, POLICY, SECOND, authority, leaf


def policy(
    *,
    authority_lifetime: dt.timedelta = POLICY.authority_lifetime,
    leaf_lifetime: dt.timedelta = POLICY.leaf_lifetime,
    propagation: dt.timedelta = POLICY.propagation,
    overlap: dt.timedelta = POLICY.overlap,
) -> Policy:
    """Make a policy with other times."""
    return dataclasses.replace(
        POLICY,
        authority_lifetime=authority_lifetime,
        leaf_lifetime=leaf_lifetime,
        propagation=propagation,
        overlap=overlap,
    )


def test_defaults() -> None:
    """What the command line and the chart say about defaults."""
    assert dataclasses.asdict(POLICY) == {
        "hosts": ("webhook.source-ip.svc",),
        "organization": "source-ip-webhook",
        "authority_lifetime": dt.timedelta(days=365),
        "leaf_lifetime": dt.timedelta(days=90),
        "propagation": dt.timedelta(seconds=30),
        "overlap": dt.timedelta(hours=1),
    }


@pytest.mark.parametrize("host", ["", "a b", "a_b", "-a", "a.", "a..b", "*", "a.*.b", "http://a"])
def test_host_that_is_none_is_refused(host: str) -> None:
    """A host that no certificate can be for is named, as it was given."""
    with pytest.raises(PolicyError) as caught:
        Policy(hosts=("good", host))

    assert str(caught.value) == (
        f"{host!r} is no DNS name and no address, so no certificate can be for it."
    )


def test_every_kind_of_host_is_taken() -> None:
    """Names, wildcards, and addresses of both kinds."""
    hosts = ("a", "A-1.svc", "*.example.org", "10.0.0.1", "fd00::1", "a" * 63)

    assert Policy(hosts=hosts).hosts == hosts


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        (
            {"leaf_lifetime": 10 * SECOND - dt.timedelta(microseconds=1), "propagation": SECOND},
            "A leaf cannot be replaced in time that lasts less than ten seconds.",
        ),
        (
            {"leaf_lifetime": DAY + SECOND, "authority_lifetime": 3 * DAY},
            (
                "A leaf may last for a third of its authority's lifetime at most, or it would "
                "outlive the authority, which is replaced when a third is left."
            ),
        ),
        (
            {"propagation": HOUR + SECOND, "leaf_lifetime": 3 * HOUR},
            (
                "A leaf has to last three times as long as a caBundle may take to arrive, or it "
                "could expire before its successor can be used."
            ),
        ),
    ],
)
def test_times_that_contradict_are_refused(times: dict[str, dt.timedelta], sentence: str) -> None:
    """Each contradiction has a sentence of its own."""
    with pytest.raises(PolicyError) as caught:
        policy(**times)

    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "times",
    [
        {"leaf_lifetime": 10 * SECOND, "propagation": SECOND},
        {"leaf_lifetime": DAY, "authority_lifetime": 3 * DAY},
        {"propagation": HOUR, "leaf_lifetime": 3 * HOUR},
        {"overlap": dt.timedelta()},
    ],
)
def test_times_that_just_fit_are_taken(times: dict[str, dt.timedelta]) -> None:
    """The bounds themselves are good."""
    assert policy(**times)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (NOW - HOUR - SECOND, True),
        (NOW - HOUR, False),
        (NOW + 60 * DAY - SECOND, False),
        (NOW + 60 * DAY, True),
        (NOW + 91 * DAY, True),
    ],
)
def test_leaf_is_due_when_a_third_is_left(now: dt.datetime, due: bool) -> None:
    """From the beginning of the last third on, and before its time has come."""
    assert POLICY.leaf_due(leaf(authority()).certificate, now) is due


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (NOW - HOUR - SECOND, True),
        (NOW - HOUR, False),
        (NOW + POLICY.authority_lifetime * 2 / 3 - SECOND, False),
        (NOW + POLICY.authority_lifetime * 2 / 3, True),
        (NOW + POLICY.authority_lifetime * 2, True),
    ],
)
def test_authority_is_due_when_a_third_is_left(now: dt.datetime, due: bool) -> None:
    """The same, by the authority's own lifetime."""
    assert POLICY.authority_due(authority().certificate, now) is due


def test_lifetime_of_today_counts() -> None:
    """A leaf of ninety days is due at once where an admin now wants two hundred and seventy."""
    longer = policy(leaf_lifetime=270 * DAY, authority_lifetime=810 * DAY)

    assert longer.leaf_due(leaf(authority()).certificate, NOW)
