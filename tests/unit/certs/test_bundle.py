"""Bundles: what is read of them, what is added to them, and how they are written."""

import datetime as dt
import hashlib
import shutil
import ssl
import subprocess

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from certs import bundle
from tests.unit.certs.material import DAY, HOUR, NOW, SECOND, authority, leaf

FIRST, SECOND_ONE, THIRD = (authority() for _ in range(3))
A, B, C = (each.certificate for each in (FIRST, SECOND_ONE, THIRD))
PEM_A, PEM_B = FIRST.certificate_pem, SECOND_ONE.certificate_pem
OLD = authority(DAY, now=NOW - 2 * DAY).certificate


def test_round_trip_keeps_the_order() -> None:
    """What is written is read again, in its order, and is tidy."""
    pem = bundle.write([B, A, C])

    assert bundle.read(pem) == (B, A, C)
    assert bundle.tidy(pem)


def test_every_block_is_on_lines_of_its_own() -> None:
    """Each block begins on a new line, and the last line has an end."""
    assert bundle.write([A, B]) == PEM_A + PEM_B
    assert (PEM_A[:28], PEM_A[-26:]) == (
        b"-----BEGIN CERTIFICATE-----\n",
        b"-----END CERTIFICATE-----\n",
    )


@pytest.mark.parametrize(
    ("pem", "found"),
    [
        pytest.param(b"", (), id="nothing"),
        pytest.param(b"nothing of the kind", (), id="garbage"),
        pytest.param(PEM_A.rstrip() + PEM_B, (A, B), id="no newline between two blocks"),
        pytest.param(b"# for caf\xc3\xa9\n" + PEM_A + b"\n# b\n" + PEM_B, (A, B), id="text"),
        pytest.param(PEM_A.replace(b"\n", b"\r\n"), (A,), id="lines of Windows"),
        pytest.param(PEM_A + PEM_B.replace(b"MII", b"!!!", 1), (A,), id="a damaged block, last"),
        pytest.param(PEM_A.replace(b"MII", b"!!!", 1) + PEM_B, (B,), id="a damaged block, first"),
        pytest.param(PEM_A.replace(b"MII", b"MIB", 1) + PEM_B, (B,), id="a block of bad DER"),
        pytest.param(PEM_A + PEM_B[:-20], (A,), id="a block that is cut off"),
        pytest.param(FIRST.key_pem + PEM_A, (A,), id="a key"),
        pytest.param(PEM_A + PEM_A, (A, A), id="the same twice"),
    ],
)
def test_every_certificate_is_found(pem: bytes, found: bundle.Bundle) -> None:
    """Whatever is around it, and whatever is not a certificate is left out."""
    assert bundle.read(pem) == found


@pytest.mark.parametrize(
    ("pem", "tidy"),
    [
        (b"", True),
        (PEM_A, True),
        (PEM_A + PEM_B, True),
        (PEM_A.rstrip() + PEM_B, False),
        (PEM_A.rstrip(), False),
        (b"\n" + PEM_A, False),
        (b"# a\n" + PEM_A, False),
        (PEM_A.replace(b"\n", b"\r\n"), False),
        (PEM_A + b"-----BEGIN CERTIFICATE-----", False),
        (b"garbage", False),
    ],
)
def test_only_what_nobody_can_misread_is_tidy(pem: bytes, tidy: bool) -> None:
    """Anything but certificates one after the other is not."""
    assert bundle.tidy(pem) is tidy


@pytest.mark.parametrize(
    ("published", "desired", "merged"),
    [
        pytest.param((A, B), (C,), (A, B, C), id="what is new comes last"),
        pytest.param((B, A), (A, B), (B, A), id="what is there keeps its place"),
        pytest.param((A, B, A), (B,), (A, B), id="duplicates go"),
        pytest.param((A,), (C, C), (A, C), id="duplicates are not added"),
        pytest.param((OLD, A), (), (A,), id="what has expired goes"),
        pytest.param((OLD, A), (OLD,), (A, OLD), id="unless it is desired"),
        pytest.param((), (), (), id="nothing"),
    ],
)
def test_merge(published: bundle.Bundle, desired: bundle.Bundle, merged: bundle.Bundle) -> None:
    """Order is kept, what has expired or is there twice goes, and what is desired is there."""
    assert bundle.merge(published, desired, NOW) == merged


def test_merge_keeps_until_the_last_second() -> None:
    """A certificate is valid at the second at which it ends, and gone at the next one."""
    ending = authority(HOUR)

    assert bundle.merge((ending.certificate,), (), NOW + HOUR) == (ending.certificate,)
    assert bundle.merge((ending.certificate,), (), NOW + HOUR + SECOND) == ()


def test_merge_keeps_what_is_yet_to_come() -> None:
    """Not-before is no reason to leave something out: somebody published it on purpose."""
    coming = authority(now=NOW + DAY).certificate

    assert bundle.merge((coming,), (), NOW) == (coming,)


@pytest.mark.parametrize(
    ("now", "valid"),
    [
        (NOW - HOUR - SECOND, False),
        (NOW - HOUR, True),
        (NOW, True),
        (NOW + DAY, True),
        (NOW + DAY + SECOND, False),
    ],
)
def test_validity_includes_both_ends(now: dt.datetime, valid: bool) -> None:
    """RFC 5280 counts not-before and not-after as part of the time."""
    assert bundle.valid(authority(DAY).certificate, now) is valid


OURS = leaf(FIRST).certificate
SHORT = authority(HOUR)
OF_SHORT = leaf(SHORT).certificate


@pytest.mark.parametrize(
    ("pem", "certificate", "now", "verified"),
    [
        pytest.param(PEM_A, OURS, NOW, True, id="its authority"),
        pytest.param(PEM_B + PEM_A, OURS, NOW, True, id="its authority among others"),
        pytest.param(PEM_B, OURS, NOW, False, id="another authority"),
        pytest.param(b"", OURS, NOW, False, id="no authority"),
        pytest.param(PEM_A, OURS, NOW + 90 * DAY, True, id="its last second"),
        pytest.param(PEM_A, OURS, NOW + 90 * DAY + SECOND, False, id="a second after"),
        pytest.param(PEM_A, OURS, NOW - HOUR - SECOND, False, id="before its time"),
        pytest.param(
            SHORT.certificate_pem,
            leaf(authority(), 2 * HOUR).certificate,
            NOW,
            False,
            id="a leaf of a stranger",
        ),
        pytest.param(SHORT.certificate_pem, OF_SHORT, NOW + HOUR, True, id="the authority's last"),
    ],
)
def test_verifies(
    pem: bytes, certificate: x509.Certificate, now: dt.datetime, verified: bool
) -> None:
    """A client accepts a leaf in date of an authority in date that it has."""
    assert bundle.verifies(pem, certificate, now) is verified


def test_authority_out_of_date_verifies_nothing() -> None:
    """Not even a leaf that is in date, as of an authority whose own time has not come."""
    coming = authority(now=NOW + DAY)
    early = leaf(coming).certificate

    assert bundle.valid(early, NOW)
    assert not bundle.verifies(coming.certificate_pem, early, NOW)
    assert bundle.verifies(coming.certificate_pem, early, NOW + DAY)


def test_path_leads_through_intermediates() -> None:
    """They may come in any order and be too many, and each has dates of its own."""
    now = dt.datetime.now(dt.UTC)
    ca, other = trustme.CA(), trustme.CA()
    first = ca.create_child_ca()
    second = first.create_child_ca()
    certificate, *_ = bundle.read(second.issue_cert("a").cert_chain_pems[0].bytes())
    between = [*bundle.read(first.cert_pem.bytes()), *bundle.read(second.cert_pem.bytes())]
    more = bundle.read(other.cert_pem.bytes())
    root = ca.cert_pem.bytes()

    for chain in (between, between[::-1], [*more, *between]):
        assert bundle.verifies(root, certificate, now, tuple(chain))
        assert not bundle.verifies(root, certificate, now + 999 * 365 * DAY, tuple(chain))
    for part in (between[:1], between[1:], list(more)):
        assert not bundle.verifies(root, certificate, now, tuple(part))
    assert not bundle.verifies(other.cert_pem.bytes(), certificate, now, (*between, *more))


def test_bundle_may_hold_the_leaf_itself() -> None:
    """A client that has been given exactly this certificate needs nobody to vouch for it."""
    pem = OF_SHORT.public_bytes(serialization.Encoding.PEM)

    assert bundle.verifies(pem, OF_SHORT, NOW)
    assert not bundle.verifies(pem, OF_SHORT, NOW + 999 * DAY)


def test_fingerprint_is_that_of_the_der() -> None:
    """A certificate is named by the SHA-256 of its bytes."""
    der = ssl.PEM_cert_to_DER_cert(PEM_A.decode())

    assert bundle.fingerprint(A) == hashlib.sha256(der).hexdigest()
    assert der == A.public_bytes(serialization.Encoding.DER)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_fingerprint_is_that_of_openssl() -> None:
    """Whoever looks with openssl sees the same digits."""
    command = ["openssl", "x509", "-noout", "-fingerprint", "-sha256"]
    done = subprocess.run(command, input=PEM_A, capture_output=True, check=True)  # noqa: S603

    told = done.stdout.decode().strip().rpartition("=")[2]
    assert told.replace(":", "").lower() == bundle.fingerprint(A)
