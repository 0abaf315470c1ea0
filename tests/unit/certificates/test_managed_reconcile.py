"""One reconciliation of a replica: what it reads, serves, writes, measures and says."""

import base64
import datetime as dt
import logging
import traceback

import pytest
import structlog
from structlog.typing import EventDict

from certs import bundle, rotation
from certs.authority import BACKDATE
from certs.contents import ContentsError
from tests.unit.certificates.conftest import POLICY, sample
from tests.unit.certificates.replica import Replica
from webhook.certificates import CertificateError
from webhook.cluster import Conflict, Forbidden, Unreachable
from webhook.metrics import Metrics


def test_first_start_ends_with_what_is_verified(replica: Replica, metrics: Metrics) -> None:
    """Secret, caBundles and handshake fit together, and everything is measured."""
    assert not replica.verified()
    replica.settle()
    pem = bundle.write(replica.contents.authorities)
    not_after = "certificate_not_after_timestamp_seconds"
    issued = replica.contents.leaf.certificate.not_valid_before_utc + dt.timedelta(hours=1)

    assert replica.bundles.bundles == (pem, pem)
    assert replica.verified()
    assert sample(metrics, "ca_bundle_in_sync") == 1
    assert sample(metrics, "certificate_steps_total", step="create") == 1
    assert sample(metrics, "certificate_steps_total", step="publish") == 1
    assert sample(metrics, "certificate_last_rotation_timestamp_seconds") == issued.timestamp()
    for name, pair in (
        ("serving", replica.contents.leaf),
        ("authority", replica.contents.authority),
    ):
        expires = pair.certificate.not_valid_after_utc.timestamp()
        assert sample(metrics, not_after, certificate=name) == expires
    assert sample(metrics, not_after, certificate="next-authority") is None


def test_empty_secret_is_filled(replica: Replica) -> None:
    """A Secret that the chart made empty is written, not made anew."""
    replica.secret.data = {}
    replica.settle()
    assert replica.secret.writes == 1
    assert replica.verified()


def test_whole_rotation(replica: Replica, metrics: Metrics) -> None:
    """From a next authority to it alone, with two in the caBundles between, and its own metric."""
    replica.settle()
    before = replica.contents
    data = rotation.introduce(before, POLICY, dt.datetime.now(dt.UTC)).data()
    replica.secret.replace(data, "1")
    replica.settle()
    following = replica.contents.next
    assert following is not None
    assert len(bundle.read((replica.bundles.bundles or ())[0])) == 2
    assert sample(metrics, "certificate_not_after_timestamp_seconds", certificate="next-authority")

    replica.seconds += POLICY.propagation.total_seconds()
    replica.settle()
    assert replica.serving.leaf == replica.contents.leaf.certificate
    assert replica.contents.authority.certificate == following.certificate

    replica.seconds += POLICY.overlap.total_seconds()
    replica.settle()
    alone = bundle.write([following.certificate])
    assert replica.bundles.bundles == (alone, alone)
    assert replica.verified()
    name = "certificate_not_after_timestamp_seconds"
    assert sample(metrics, name, certificate="next-authority") is None


def test_clock_of_the_api_server_counts(replica: Replica) -> None:
    """A node whose clock is wrong makes certificates that the API server takes."""
    replica.secret.clock = dt.datetime(2040, 1, 1, tzinfo=dt.UTC)
    replica.reconciler.reconcile()
    assert bundle.valid(replica.contents.leaf.certificate, replica.secret.clock)
    replica.settle()
    assert replica.verified()


def test_clock_goes_on_while_nobody_can_be_asked(replica: Replica) -> None:
    """What expires meanwhile makes the replica unready, by the clock that was told last."""
    replica.secret.clock = dt.datetime(2040, 1, 1, tzinfo=dt.UTC)
    replica.settle()
    replica.bundles.error = Unreachable("away")
    for seconds, verified in ((0, True), (POLICY.leaf_lifetime.total_seconds() + 1, False)):
        replica.seconds += seconds
        with pytest.raises(Unreachable):
            replica.reconciler.reconcile()
        assert replica.verified() is verified


def test_error_tells_the_time_too(replica: Replica) -> None:
    """An API server that refuses everything still says what time it is there."""
    replica.settle()
    replica.bundles.error = Forbidden("no")
    replica.bundles.error.date = dt.datetime(2040, 1, 1, tzinfo=dt.UTC)
    with pytest.raises(Forbidden):
        replica.reconciler.reconcile()
    assert not replica.verified()


@pytest.mark.parametrize(
    ("told", "by_bundles", "years"), [(2040, 2050, 2040), (None, 2050, 2050), (2040, None, 2040)]
)
def test_latest_answer_tells_the_time(
    replica: Replica,
    monkeypatch: pytest.MonkeyPatch,
    told: int | None,
    by_bundles: int | None,
    years: int,
) -> None:
    """The Secret's answer is the later one; the configuration's is the next best."""
    clocks = [
        None if year is None else dt.datetime(year, 1, 1, tzinfo=dt.UTC)
        for year in (
            told,
            by_bundles,
        )
    ]
    replica.secret.clock = clocks[0]
    published, _ = replica.bundles.read()
    monkeypatch.setattr(replica.bundles, "read", lambda: (published, clocks[1]))
    replica.reconciler.reconcile()
    made = replica.contents.leaf.certificate.not_valid_before_utc + BACKDATE
    assert made == dt.datetime(years, 1, 1, tzinfo=dt.UTC)


def test_leaf_that_cannot_be_served_is_an_error(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was served goes on, and the leaf is tried again at the next reconciliation."""
    replica.settle()
    replica.seconds += POLICY.propagation.total_seconds()
    renewed = rotation.renew(replica.contents, POLICY, dt.datetime.now(dt.UTC))
    replica.secret.replace(renewed.data(), "1")

    def refuse(*_: bytes) -> None:
        raise CertificateError("no")

    with monkeypatch.context() as patch:
        patch.setattr(replica.serving, "use", refuse)
        for _ in range(2):
            with pytest.raises(CertificateError):
                replica.reconciler.reconcile()
    assert replica.verified()
    replica.settle()
    assert replica.serving.leaf == renewed.leaf.certificate


def test_without_configuration_a_leaf_is_served_all_the_same(
    replica: Replica, metrics: Metrics
) -> None:
    """Whoever applies the configuration later finds replicas ready; nothing is in sync yet."""
    replica.bundles.bundles = None
    replica.settle()
    assert replica.verified()
    assert sample(metrics, "ca_bundle_in_sync") == 0


def test_conflict_writes_nothing(replica: Replica) -> None:
    """Whoever is second learns it, and has changed nothing."""
    replica.bundles.refusal = Conflict("it changed")
    assert replica.reconciler.reconcile()
    with pytest.raises(Conflict):
        replica.reconciler.reconcile()
    assert replica.bundles.bundles == (b"", b"")


@pytest.mark.parametrize("error", [Unreachable("away"), Forbidden("no")])
def test_what_is_served_stays_while_nobody_can_be_asked(
    replica: Replica, error: Unreachable | Forbidden
) -> None:
    """API away, rights gone: the replica keeps serving and stays ready."""
    replica.settle()
    replica.bundles.error = replica.secret.error = error
    with pytest.raises(type(error)):
        replica.reconciler.reconcile()
    assert replica.verified()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"password": b"x"}, "holds password, which is not ours"),
        ({"tls.crt": b"x", "tls.key": b"y"}, "lacks ca.crt and ca.key"),
    ],
)
def test_foreign_secret_is_never_written(
    replica: Replica, data: dict[str, bytes], why: str
) -> None:
    """What somebody else keeps there stays, and the error names it and says what to do."""
    replica.settle()
    replica.secret.data = data
    with pytest.raises(ContentsError) as caught:
        replica.reconciler.reconcile()
    assert str(caught.value) == (
        f"Secret source-ip/tls {why}: it stays as it is. Delete it, and certificates are made "
        "anew; or name another one with --tls-secret."
    )
    assert replica.secret.data == data
    assert replica.verified()


def test_damaged_bundle_is_noticed_and_mended(replica: Replica, log: list[EventDict]) -> None:
    """Somebody else's caBundle makes the replica unready, in log and metric, until it is mended."""
    replica.settle()
    good = replica.bundles.bundles
    replica.bundles.bundles = (b"garbage", (good or ())[1])
    replica.reconciler.reconcile()
    assert not replica.verified()
    replica.settle()
    assert replica.bundles.bundles == good
    assert replica.verified()
    events = [entry["event"] for entry in log if entry["event"].startswith("ca-bundle")]
    assert events == ["ca-bundle-out-of-sync", "ca-bundle-in-sync"]


def test_private_keys_are_nowhere(
    replica: Replica, metrics: Metrics, capfd: pytest.CaptureFixture[str]
) -> None:
    """No log at any level, no metric, no error and no traceback has a piece of a key."""
    structlog.reset_defaults()
    logging.disable(logging.NOTSET)
    replica.settle()
    contents = rotation.introduce(replica.contents, POLICY, dt.datetime.now(dt.UTC))
    told = [repr(contents), repr(contents.leaf), metrics.exposition().decode()]
    for broken in contents.data():
        replica.secret.data = {**contents.data(), broken: b"damaged " + contents.data()[broken]}
        if broken.endswith(".crt"):
            replica.secret.data[broken] = b"no certificate"
        else:
            replica.secret.data[broken] = contents.data()[broken][:-60]
        try:
            replica.reconciler.reconcile()
        except ContentsError as error:
            told += traceback.format_exception(error)
    told += [*capfd.readouterr()]

    assert len(told) > 30
    assert contents.next is not None
    for pair in (contents.authority, contents.leaf, contents.next):
        lines = pair.key_pem.decode().split("\n")[1:-2]
        secret = pair.key.private_numbers().private_value
        raw = secret.to_bytes(32, "big")
        pieces = [*lines, raw.hex(), str(secret), base64.b64encode(raw).decode()]
        assert not [piece for piece in pieces if piece in "".join(told)]
