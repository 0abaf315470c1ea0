"""A configuration that somebody else looks after too: both get on, or the fight is slowed down."""

import dataclasses
import datetime as dt
import itertools

from structlog.typing import EventDict

from certs import bundle, rotation
from certs.authority import Authority
from certs.policy import Policy
from tests.unit.certificates.conftest import POLICY, sample
from tests.unit.certificates.replica import Replica
from webhook.certificates.serving import ServingContext
from webhook.metrics import Metrics

DAY = dt.timedelta(days=1)


def test_two_secrets_of_one_configuration_get_on(replica: Replica) -> None:
    """Each adds its own authority and takes out its own, and nobody writes for nothing."""
    metrics = Metrics()
    other = Replica(POLICY, ServingContext(metrics), metrics, replica.bundles)
    both = (replica, other)
    data = None
    for _ in range(2):
        for _ in range(4):
            for each in both:
                each.settle()
                each.seconds += POLICY.overlap.total_seconds()
        writes = replica.bundles.writes
        for each in both:
            assert not each.reconciler.reconcile()
            assert each.verified()
        assert replica.bundles.writes == writes
        desired = {each.contents.authority.certificate for each in both}
        for pem in replica.bundles.bundles or ():
            assert set(bundle.read(pem)) == desired
        assert replica.secret.data != data
        data = rotation.introduce(replica.contents, named(replica), dt.datetime.now(dt.UTC)).data()
        replica.secret.replace(data, str(replica.secret.writes))


def named(replica: Replica) -> Policy:
    """Make the policy by which a replica makes authorities."""
    return dataclasses.replace(POLICY, unit=str(replica.secret))


def test_who_takes_it_away_for_ever_is_answered_ever_more_slowly(
    replica: Replica, metrics: Metrics, log: list[EventDict]
) -> None:
    """At once at first, with pauses then; log and metric say so, and that it is over."""
    replica.settle()
    good = replica.bundles.bundles
    theirs = Authority.create("others", now=dt.datetime.now(dt.UTC), lifetime=DAY).certificate

    def fight(seconds: int) -> list[float]:
        answered, end = [], replica.seconds + seconds
        while replica.seconds < end:
            if replica.bundles.bundles == good or len(bundle.read(ours())) > 1:
                answered.append(replica.seconds)
                replica.bundles.bundles = (bundle.write([theirs]), (good or ())[1])
            replica.reconciler.reconcile()
            replica.seconds += 1
        return answered

    def ours() -> bytes:
        return (replica.bundles.bundles or (b"",))[0]

    answered = fight(22)
    assert len(answered) == 21
    assert sample(metrics, "ca_bundle_contested") == 1
    answered = fight(160)
    pauses = [int(after - before) - 1 for before, after in itertools.pairwise(answered)]
    assert pauses[:3] == [10, 20, 30]
    assert set(pauses[3:]) == {30}
    assert not replica.verified()

    replica.seconds += 30
    replica.settle()
    assert set(bundle.read(ours())) == {theirs, replica.contents.authority.certificate}
    assert replica.verified()
    assert sample(metrics, "ca_bundle_contested") == 1
    replica.seconds += 121
    replica.settle()
    assert sample(metrics, "ca_bundle_contested") == 0
    told = [entry for entry in log if "contested" in entry["event"]]
    assert [entry["losses"] for entry in told[:2]] == [5, 21]
    assert told[0] == {
        "event": "ca-bundle-contested",
        "log_level": "warning",
        "losses": 5,
        "pause": 0.0,
        "written_by": ("somebody 2015-10-21T07:28:00Z",),
        "authorities": [f"{theirs.subject.rfc4514_string()} {bundle.fingerprint(theirs)}"],
    }
    assert told[-1]["event"] == "ca-bundle-uncontested"


def test_leaf_is_renewed_while_somebody_contests_the_next_authority(replica: Replica) -> None:
    """Who always puts back what he once saw keeps out the next authority, and no leaf."""
    replica.secret.clock = dt.datetime(2040, 1, 1, tzinfo=dt.UTC)
    replica.settle()
    snapshot = replica.bundles.bundles
    data = rotation.introduce(replica.contents, named(replica), replica.secret.clock).data()
    replica.secret.replace(data, str(replica.secret.writes))
    before = replica.contents.leaf.certificate
    for _ in range(100):
        replica.reconciler.reconcile()
        replica.bundles.bundles = snapshot
        replica.seconds += 1
    replica.secret.clock += POLICY.leaf_lifetime * 2 / 3
    for _ in range(3):
        replica.reconciler.reconcile()
        replica.bundles.bundles = snapshot
        replica.seconds += 1

    assert replica.contents.leaf.certificate != before
    assert replica.serving.leaf == replica.contents.leaf.certificate
    assert replica.verified()


def test_calm_counts_also_where_nobody_looked_meanwhile(
    replica: Replica, metrics: Metrics, log: list[EventDict]
) -> None:
    """What is lost every two minutes is put back at once each time, and adds up to no contest."""
    replica.settle()
    good = replica.bundles.bundles
    for _ in range(8):
        replica.bundles.bundles = (b"", b"")
        replica.seconds += 121
        replica.settle()
        assert replica.bundles.bundles == good
    assert sample(metrics, "ca_bundle_contested") == 0
    assert not [entry for entry in log if "contested" in entry["event"]]


def test_loss_after_the_calm_begins_anew(
    replica: Replica, metrics: Metrics, log: list[EventDict]
) -> None:
    """A contest that nobody looked at the end of is over, and the next loss is an accident."""
    replica.settle()
    for _ in range(10):
        replica.bundles.bundles = (b"", b"")
        replica.settle()
    assert sample(metrics, "ca_bundle_contested") == 1
    replica.bundles.bundles = (b"", b"")
    replica.seconds += 121
    replica.settle()
    assert sample(metrics, "ca_bundle_contested") == 0
    told = [entry["event"] for entry in log if "contested" in entry["event"]]
    assert told == ["ca-bundle-contested", "ca-bundle-uncontested"]


def test_what_is_taken_away_by_accident_is_no_contest(
    replica: Replica, metrics: Metrics, log: list[EventDict]
) -> None:
    """A few times, also of one entry or with the configuration, and everything is forgotten."""
    replica.settle()
    good = replica.bundles.bundles or ()
    for damaged in (None, (b"", b""), (good[0], b""), (b"garbage", good[1])):
        replica.bundles.bundles = damaged
        if damaged is None:
            replica.settle()
            replica.bundles.bundles = (b"", b"")
        replica.settle()
        assert replica.bundles.bundles == good
    assert sample(metrics, "ca_bundle_contested") == 0
    replica.seconds += 121
    replica.settle()
    assert not [entry for entry in log if "contested" in entry["event"]]
