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
from webhook.certificates.serving import Serving
from webhook.certificates.verification import Clock, Publication
from webhook.cluster.answers import ConfigurationEntry, ObservedConfiguration
from webhook.metrics import Metrics

NOW = dt.datetime.now(dt.UTC)
BAD = rotation.create(POLICY, NOW).authority.certificate_pem
OLD = rotation.create(POLICY, NOW - 2 * POLICY.leaf_lifetime).leaf
GOOD = b"good"
"""Stands for the bundle that verifies what is served."""


@pytest.fixture
def clock() -> Clock:
    """A clock that nobody has told anything."""
    return Clock()


@pytest.fixture
def publication(
    serving: Serving, contents: Contents, metrics: Metrics, clock: Clock
) -> Publication:
    """Judge a good leaf."""
    serving.use(contents.leaf.certificate_pem, contents.leaf.key_pem)
    return Publication(serving, metrics, clock)


def published(contents: Contents, *bundles: bytes, host: str = HOST) -> ObservedConfiguration:
    """Publish bundles."""
    good = contents.authority.certificate_pem
    entries = (
        ConfigurationEntry(f"e{i}", host, pem.replace(GOOD, good)) for i, pem in enumerate(bundles)
    )
    return ObservedConfiguration(tuple(entries), "1")


def test_nothing_is_verified_before_the_first_look(publication: Publication) -> None:
    """A replica is not ready by default."""
    assert not publication.verified


def test_nothing_is_said_before_there_is_a_certificate(
    serving: Serving, contents: Contents, metrics: Metrics, log: list[EventDict]
) -> None:
    """That a first start has nothing to serve yet is no trouble, and not ready either."""
    publication = Publication(serving, metrics, Clock())
    for seen in (None, published(contents, GOOD), published(contents, b"garbage")):
        publication.published = seen
        publication.check()
        assert (publication.verified, sample(metrics, "ca_bundle_in_sync")) == (False, 0)

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
    publication: Publication,
    contents: Contents,
    metrics: Metrics,
    bundles: list[bytes],
    verdict: tuple[bool, float],
) -> None:
    """All of them have to verify; where there is none nobody refuses, and nothing is in sync."""
    publication.published = published(contents, *bundles)
    publication.check()

    assert (publication.verified, sample(metrics, "ca_bundle_in_sync")) == verdict


def test_name_counts_too(publication: Publication, contents: Contents) -> None:
    """An entry that points to another Service verifies another name."""
    publication.published = published(contents, GOOD, host="other.svc")
    publication.check()

    assert not publication.verified


@pytest.mark.parametrize("bundles", [None, [], [GOOD]])
def test_date_counts_without_an_entry_too(
    publication: Publication, serving: Serving, contents: Contents, bundles: list[bytes] | None
) -> None:
    """Time that has passed is noticed also where nobody is known to object."""
    publication.published = None if bundles is None else published(contents, *bundles)
    verdicts = []
    for leaf in (contents.leaf, OLD):
        serving.use(leaf.certificate_pem, leaf.key_pem)
        publication.check()
        verdicts.append(publication.verified)

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
    publication: Publication,
    contents: Contents,
    clock: Clock,
    log: list[EventDict],
    away: dt.timedelta,
    why: str | None,
) -> None:
    """Whatever this node's clock says, a client goes by its own."""
    publication.published = published(contents, GOOD)
    clock.told(contents.leaf.certificate.not_valid_before_utc + dt.timedelta(hours=1) + away)
    publication.check()

    assert publication.verified is (why is None)
    assert [entry["objections"]["e0"] for entry in log] == ([] if why is None else [why])


def test_node_that_is_hours_slow_or_fast_is_ready(
    serving: Serving, metrics: Metrics, clock: Clock
) -> None:
    """A leaf that is made now by the API server's clock is good, though it is not by ours."""
    for away in (dt.timedelta(hours=2), dt.timedelta(days=-4000)):
        made = rotation.create(POLICY, NOW + away)
        serving.use(made.leaf.certificate_pem, made.leaf.key_pem)
        publication = Publication(serving, metrics, clock)
        publication.published = published(made, GOOD)
        verdicts = []
        for told in (NOW, NOW + away):
            clock.told(told)
            publication.check()
            verdicts.append(publication.verified)
        assert verdicts == [False, True]


def test_date_of_the_authority_counts(
    serving: Serving, metrics: Metrics, clock: Clock, log: list[EventDict]
) -> None:
    """A leaf that outlives its authority is good for nothing, as the API server sees it."""
    short = Authority.create("tests", now=NOW, lifetime=dt.timedelta(days=1))
    long = Authority(renewed(short, NOW + dt.timedelta(days=99)), short.key)
    leaf = long.issue((HOST,), now=NOW, lifetime=dt.timedelta(days=9))
    serving.use(leaf.certificate_pem, leaf.key_pem)
    publication = Publication(serving, metrics, clock)
    clock.told(NOW + dt.timedelta(days=2))
    for pem in (short.certificate_pem, short.certificate_pem + long.certificate_pem):
        publication.published = ObservedConfiguration((ConfigurationEntry("e", HOST, pem),), "1")
        publication.check()

    assert publication.verified
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


def test_chain_counts_as_a_whole(serving: Serving, metrics: Metrics, clock: Clock) -> None:
    """An intermediate is part of the path, and has dates of its own."""
    ca = trustme.CA()
    intermediate = ca.create_child_ca()
    leaf = intermediate.issue_cert(HOST)
    chain = b"".join(each.bytes() for each in leaf.cert_chain_pems)
    serving.use(chain, leaf.private_key_pem.bytes())
    publication = Publication(serving, metrics, clock)
    publication.published = ObservedConfiguration(
        (ConfigurationEntry("e", HOST, ca.cert_pem.bytes()),), "1"
    )
    publication.check()

    assert publication.verified


def test_system_looks_after_its_own_authorities(
    publication: Publication, contents: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no bundle, those of the system verify."""
    (tmp_path / "system.crt").write_bytes(contents.authority.certificate_pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.crt"))
    publication.published = published(contents, b"")
    publication.check()

    assert publication.verified


def test_only_changes_are_logged(
    publication: Publication, contents: Contents, log: list[EventDict]
) -> None:
    """Each new objection once, by the entry's name, and once that all is well again."""
    for pem in (GOOD, GOOD, BAD, BAD, b"garbage", b"garbage", GOOD, GOOD):
        publication.published = published(contents, GOOD, pem)
        publication.check()

    assert [(entry["event"], entry["log_level"], entry.get("objections")) for entry in log] == [
        ("ca-bundle-out-of-sync", "warning", {"e1": "unable to get local issuer certificate"}),
        ("ca-bundle-out-of-sync", "warning", {"e1": "the bundle is no PEM"}),
        ("ca-bundle-in-sync", "info", None),
    ]
