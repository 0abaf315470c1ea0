"""The verdict: ready, metric and log, by real handshakes."""

import datetime as dt
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from structlog.typing import EventDict

from certs import rotation
from certs.authority import Authority
from certs.contents import Contents
from tests.unit.certificates.cluster import HOST
from tests.unit.certificates.conftest import POLICY, sample
from webhook.certificates.serving import ServingContext
from webhook.certificates.verification import ApiServerClock, Verification
from webhook.cluster.answers import ConfigurationEntry, ObservedConfiguration
from webhook.metrics import Metrics

NOW = dt.datetime.now(dt.UTC)
BAD = rotation.create(POLICY, NOW).authority.certificate_pem
OLD = rotation.create(POLICY, NOW - 2 * POLICY.leaf_lifetime).leaf
GOOD = b"good"
"""Stands for the bundle that verifies what is served."""


@pytest.fixture
def clock() -> ApiServerClock:
    """A clock that nobody has told anything."""
    return ApiServerClock()


@pytest.fixture
def verification(
    serving: ServingContext, contents: Contents, metrics: Metrics, clock: ApiServerClock
) -> Verification:
    """Judge a good leaf."""
    serving.use(contents.leaf.certificate_pem, contents.leaf.key_pem)
    return Verification(serving, metrics, clock)


def published(contents: Contents, *bundles: bytes, host: str = HOST) -> ObservedConfiguration:
    """Publish bundles."""
    good = contents.authority.certificate_pem
    entries = (
        ConfigurationEntry(f"e{i}", host, pem.replace(GOOD, good)) for i, pem in enumerate(bundles)
    )
    return ObservedConfiguration(tuple(entries), "1")


def test_nothing_is_verified_before_the_first_look(verification: Verification) -> None:
    """A replica is not ready by default."""
    assert not verification.verified


def test_nothing_is_said_before_there_is_a_certificate(
    serving: ServingContext, contents: Contents, metrics: Metrics, log: list[EventDict]
) -> None:
    """That a first start has nothing to serve yet is no trouble, and not ready either."""
    verification = Verification(serving, metrics, ApiServerClock())
    for seen in (None, published(contents, GOOD), published(contents, b"garbage")):
        verification.published = seen
        verification.check()
        assert (verification.verified, sample(metrics, "ca_bundle_in_sync")) == (False, 0)

    assert log == []


@pytest.mark.parametrize(
    ("bundles", "verdict"),
    [
        ([], (True, 0)),
        ([GOOD], (True, 1)),
        ([GOOD, BAD + GOOD], (True, 1)),
        ([GOOD, BAD], (False, 0)),
        ([BAD, GOOD], (False, 0)),
        ([b"garbage"], (False, 0)),
        ([BAD.rstrip() + GOOD], (False, 0)),
    ],
)
def test_every_entry_counts(
    verification: Verification,
    contents: Contents,
    metrics: Metrics,
    bundles: list[bytes],
    verdict: tuple[bool, float],
) -> None:
    """All of them have to verify; where there is none nobody refuses, and nothing is in sync."""
    verification.published = published(contents, *bundles)
    verification.check()

    assert (verification.verified, sample(metrics, "ca_bundle_in_sync")) == verdict


def test_name_counts_too(verification: Verification, contents: Contents) -> None:
    """An entry that points to another Service verifies another name."""
    verification.published = published(contents, GOOD, host="other.svc")
    verification.check()

    assert not verification.verified


@pytest.mark.parametrize("bundles", [None, [], [GOOD]])
def test_date_counts_without_an_entry_too(
    verification: Verification,
    serving: ServingContext,
    contents: Contents,
    bundles: list[bytes] | None,
) -> None:
    """Time that has passed is noticed also where nobody is known to object."""
    verification.published = None if bundles is None else published(contents, *bundles)
    verdicts = []
    for leaf in (contents.leaf, OLD):
        serving.use(leaf.certificate_pem, leaf.key_pem)
        verification.check()
        verdicts.append(verification.verified)

    assert verdicts == [True, False]


@pytest.mark.parametrize(
    ("away", "why"),
    [
        (dt.timedelta(), None),
        (dt.timedelta(minutes=-59), None),
        (dt.timedelta(minutes=-61), "certificate is not yet valid"),
        (POLICY.leaf_lifetime - dt.timedelta(minutes=1), None),
        (POLICY.leaf_lifetime + dt.timedelta(minutes=1), "certificate has expired"),
    ],
)
def test_clock_of_the_api_server_judges(  # noqa: PLR0917  fixtures
    verification: Verification,
    contents: Contents,
    clock: ApiServerClock,
    log: list[EventDict],
    away: dt.timedelta,
    why: str | None,
) -> None:
    """Whatever this node's clock says, a client goes by its own."""
    verification.published = published(contents, GOOD)
    clock.update(contents.leaf.certificate.not_valid_before_utc + dt.timedelta(hours=1) + away)
    verification.check()

    assert verification.verified is (why is None)
    assert [entry["objections"]["e0"] for entry in log] == ([] if why is None else [why])


def test_node_that_is_hours_slow_or_fast_is_ready(
    serving: ServingContext, metrics: Metrics, clock: ApiServerClock
) -> None:
    """A leaf that is made now by the API server's clock is good, though it is not by ours."""
    for away in (dt.timedelta(hours=2), dt.timedelta(days=-4000)):
        made = rotation.create(POLICY, NOW + away)
        serving.use(made.leaf.certificate_pem, made.leaf.key_pem)
        verification = Verification(serving, metrics, clock)
        verification.published = published(made, GOOD)
        verdicts = []
        for told in (NOW, NOW + away):
            clock.update(told)
            verification.check()
            verdicts.append(verification.verified)
        assert verdicts == [False, True]


def test_date_of_the_authority_counts(
    serving: ServingContext, metrics: Metrics, clock: ApiServerClock, log: list[EventDict]
) -> None:
    """A leaf that outlives its authority is good for nothing, as the API server sees it."""
    short = Authority.create("tests", now=NOW, lifetime=dt.timedelta(days=1))
    long = Authority(renewed(short, NOW + dt.timedelta(days=99)), short.key)
    leaf = long.issue((HOST,), now=NOW, lifetime=dt.timedelta(days=9))
    serving.use(leaf.certificate_pem, leaf.key_pem)
    verification = Verification(serving, metrics, clock)
    clock.update(NOW + dt.timedelta(days=2))
    for pem in (short.certificate_pem, short.certificate_pem + long.certificate_pem):
        verification.published = ObservedConfiguration((ConfigurationEntry("e", HOST, pem),), "1")
        verification.check()

    assert verification.verified
    assert [entry.get("objections") for entry in log] == [
        {"e": "no authority of the certificate is in date"},
        None,
    ]


def renewed(authority: Authority, until: dt.datetime) -> x509.Certificate:
    """Certify the same key again, under the same name, as cert-manager may."""
    before = authority.certificate
    builder = (
        x509.CertificateBuilder()
        .subject_name(before.subject)
        .issuer_name(before.subject)
        .public_key(authority.key.public_key())
        .serial_number(7)
        .not_valid_before(before.not_valid_before_utc)
        .not_valid_after(until)
    )
    for extension in before.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(authority.key, hashes.SHA256())


def test_chain_counts_as_a_whole(
    serving: ServingContext, metrics: Metrics, clock: ApiServerClock
) -> None:
    """An intermediate is part of the path, and has dates of its own."""
    ca = trustme.CA()
    intermediate = ca.create_child_ca()
    leaf = intermediate.issue_cert(HOST)
    chain = b"".join(each.bytes() for each in leaf.cert_chain_pems)
    serving.use(chain, leaf.private_key_pem.bytes())
    verification = Verification(serving, metrics, clock)
    verification.published = ObservedConfiguration(
        (ConfigurationEntry("e", HOST, ca.cert_pem.bytes()),), "1"
    )
    verification.check()

    assert verification.verified


def test_system_looks_after_its_own_authorities(
    verification: Verification, contents: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no bundle, those of the system verify."""
    (tmp_path / "system.crt").write_bytes(contents.authority.certificate_pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.crt"))
    verification.published = published(contents, b"")
    verification.check()

    assert verification.verified


def test_only_changes_are_logged(
    verification: Verification, contents: Contents, log: list[EventDict]
) -> None:
    """Each new objection once, by the entry's name, and once that all is well again."""
    for pem in (GOOD, GOOD, BAD, BAD, b"garbage", b"garbage", GOOD, GOOD):
        verification.published = published(contents, GOOD, pem)
        verification.check()

    assert [(entry["event"], entry["log_level"], entry.get("objections")) for entry in log] == [
        ("ca-bundle-out-of-sync", "warning", {"e1": "unable to get local issuer certificate"}),
        ("ca-bundle-out-of-sync", "warning", {"e1": "the bundle is no PEM"}),
        ("ca-bundle-in-sync", "info", None),
    ]
