"""A policy: refused where it contradicts itself, and due dates to the second."""

import dataclasses
import datetime as dt

import pytest

from certs.authority import Authority
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
        "unit": "",
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


CONTRADICTIONS = [
    (
        {"leaf_lifetime": 10 * SECOND - dt.timedelta(microseconds=1), "propagation": SECOND},
        (
            "leaf_lifetime 0:00:09.999999 is less than ten seconds: nothing could be replaced in "
            "time; raise it."
        ),
    ),
    (
        {"leaf_lifetime": DAY + SECOND, "authority_lifetime": 3 * DAY},
        (
            "leaf_lifetime 1 day, 0:00:01 is more than a third of authority_lifetime 3 days, "
            "0:00:00: the certificate would outlive its authority, which is replaced when a third "
            "is left; lower the one or raise the other."
        ),
    ),
    (
        {"propagation": HOUR + SECOND, "leaf_lifetime": 3 * HOUR},
        (
            "propagation 1:00:01 is more than a third of leaf_lifetime 3:00:00: a certificate "
            "could expire before its successor can be used; lower the one or raise the other."
        ),
    ),
    (
        {"overlap": HOUR + SECOND, "leaf_lifetime": 3 * HOUR},
        (
            "overlap 1:00:01 is more than a third of leaf_lifetime 3:00:00: the certificate that "
            "the old authority is still trusted for could expire before; lower the one or raise "
            "the other."
        ),
    ),
    (
        {"overlap": 60 * SECOND - dt.timedelta(microseconds=1)},
        (
            "overlap 0:00:59.999999 is less than twice propagation 0:00:30: a replica that is late "
            "would still wait for the new authority to arrive when the old one goes; raise the one "
            "or lower the other."
        ),
    ),
    *(
        (
            {"overlap": 0 * SECOND, "propagation": propagation},
            (
                "overlap 0:00:00 is no time at all: the old authority would be gone before any "
                "replica has left it; raise it."
            ),
        )
        for propagation in (0 * SECOND, 30 * SECOND)
    ),
]


@pytest.mark.parametrize(("times", "sentence"), CONTRADICTIONS)
def test_times_that_contradict_are_refused(times: dict[str, dt.timedelta], sentence: str) -> None:
    """Each contradiction has a sentence of its own, with both fields."""
    with pytest.raises(PolicyError) as caught:
        policy(**times)

    assert str(caught.value) == sentence


@pytest.mark.parametrize("times", [times for times, _ in CONTRADICTIONS])
def test_refusal_can_be_told_in_other_words(times: dict[str, dt.timedelta]) -> None:
    """Whoever chose the policy reads the names that he chose it by."""
    with pytest.raises(PolicyError) as caught:
        policy(**times)
    told = caught.value.sentence_with({name: f"--{name}" for name in caught.value.fields})

    assert [name for name in caught.value.fields if f"--{name}" not in told] == []
    assert str(caught.value).partition(":")[2].rpartition(":")[2] == told.rpartition(":")[2]


def test_host_may_look_like_a_field() -> None:
    """Braces in what was given are quoted as they are."""
    with pytest.raises(PolicyError, match=r"'\{overlap\}' is no DNS name"):
        Policy(hosts=("{overlap}",))


@pytest.mark.parametrize(
    "times",
    [
        {"leaf_lifetime": 10 * SECOND, "propagation": SECOND, "overlap": 3 * SECOND},
        {"leaf_lifetime": DAY, "authority_lifetime": 3 * DAY},
        {"propagation": HOUR, "leaf_lifetime": 6 * HOUR, "overlap": 2 * HOUR},
        {"propagation": 0 * SECOND, "overlap": SECOND},
        {"propagation": SECOND, "overlap": 2 * SECOND},
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


@pytest.mark.parametrize(
    ("organization", "unit", "made"),
    [
        ("source-ip-webhook", "Secret a/b", True),
        ("source-ip-webhook", "Secret a/c", False),
        ("source-ip-webhook", "", False),
        ("others", "Secret a/b", False),
    ],
)
def test_authority_of_a_policy_is_known_by_its_subject(
    organization: str, unit: str, made: bool
) -> None:
    """Organization and unit have to be the policy's; neither key nor time matter."""
    other = Authority.create(organization, unit, now=NOW - 99 * DAY, lifetime=DAY).certificate

    assert dataclasses.replace(POLICY, unit="Secret a/b").made(other) is made


def test_lifetime_of_today_counts() -> None:
    """A leaf of ninety days is due at once where an admin now wants two hundred and seventy."""
    longer = policy(leaf_lifetime=270 * DAY, authority_lifetime=810 * DAY)

    assert longer.leaf_due(leaf(authority()).certificate, NOW)
