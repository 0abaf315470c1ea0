"""Certificates to test with, for a time that is not now."""

import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from certs.authority import Authority, Leaf
from certs.contents import Contents
from certs.policy import Policy

NOW = dt.datetime(2031, 2, 3, 4, 5, 6, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
HOST = "webhook.source-ip.svc"
POLICY = Policy(hosts=(HOST,))


def authority(lifetime: dt.timedelta = 365 * DAY, *, now: dt.datetime = NOW) -> Authority:
    """Make an authority, as the policy would."""
    return Authority.create(POLICY.organization, POLICY.unit, now=now, lifetime=lifetime)


def stranger() -> Authority:
    """Make an authority as the same product would that keeps it in another place."""
    return Authority.create(POLICY.organization, "elsewhere", now=NOW, lifetime=365 * DAY)


def leaf(
    issuer: Authority,
    lifetime: dt.timedelta = 90 * DAY,
    *,
    now: dt.datetime = NOW,
    hosts: tuple[str, ...] = (HOST,),
) -> Leaf:
    """Issue a leaf."""
    return issuer.issue(hosts, now=now, lifetime=lifetime)


def contents(
    issuer: Authority, following: Authority | None = None, *, now: dt.datetime = NOW
) -> Contents:
    """Fill a Secret."""
    return Contents(authority=issuer, leaf=leaf(issuer, now=now), next=following)


def nameless() -> Leaf:
    """Make a certificate that is for no host at all, since it has no extension."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + DAY)
        .sign(key, hashes.SHA256())
    )
    return Leaf(certificate, key)
