"""The verdict: ready, metric and log, by real handshakes."""

import datetime as dt

import pytest
from structlog.typing import EventDict

from certs import steps
from certs.contents import Contents
from tests.unit.certificates.cluster import HOST
from tests.unit.certificates.conftest import POLICY, sample
from webhook.certificates.publication import Publication
from webhook.certificates.serving import Serving
from webhook.cluster.ca_bundle import Entry, Published
from webhook.telemetry.metrics import Metrics

NOW = dt.datetime.now(dt.UTC)
BAD = steps.create(POLICY, NOW).authority.certificate_pem
OLD = steps.create(POLICY, NOW - 2 * POLICY.leaf_lifetime).leaf
GOOD = b"good"
"""Stands for the bundle that verifies what is served."""


@pytest.fixture
def publication(serving: Serving, contents: Contents, metrics: Metrics) -> Publication:
    """Judge a good leaf."""
    serving.use(contents.leaf.certificate_pem, contents.leaf.key_pem)
    return Publication(serving, metrics)


def published(contents: Contents, *bundles: bytes, host: str = HOST) -> Published:
    """Publish bundles."""
    good = contents.authority.certificate_pem
    entries = (Entry(f"e{i}", host, pem.replace(GOOD, good)) for i, pem in enumerate(bundles))
    return Published(tuple(entries), "1")


def test_nothing_is_verified_before_the_first_look(publication: Publication) -> None:
    """A replica is not ready by default."""
    assert not publication.verified


def test_nothing_is_said_before_there_is_a_certificate(
    serving: Serving, contents: Contents, metrics: Metrics, log: list[EventDict]
) -> None:
    """That a first start has nothing to serve yet is no trouble, and not ready either."""
    publication = Publication(serving, metrics)
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
