"""Trust bundles: the authorities that a client trusts, in PEM, one after the other.

A webhook configuration's ``caBundle`` is one. While an authority is replaced, it holds the old one
and the new one, and a client that has it accepts leaves of both.
"""

import datetime as dt
import functools
import re
from collections.abc import Iterable
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization

Bundle = tuple[x509.Certificate, ...]
"""A trust bundle that was read; also the intermediates that come with a leaf."""
_BLOCK: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@functools.lru_cache(maxsize=32)  # each reconciliation reads the same few, several times
def read(pem: bytes) -> Bundle:
    """Read every certificate that can be found, also where the text around it is damaged.

    Args:
        pem: PEM blocks. Text between them is left out, and so is a block that is no certificate.
    """
    certificates = []
    for block in _BLOCK.findall(pem):
        try:
            certificates.append(x509.load_pem_x509_certificate(block))
        except ValueError:
            continue
    return tuple(certificates)


def write(bundle: Iterable[x509.Certificate]) -> bytes:
    """Write a bundle so that every reader can read it: each block on lines of its own.

    Source:
        Measured: Kubernetes takes two blocks without a newline between them, and then fails every
        call with "unable to parse bytes as PEM block".
    """
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in bundle)


def tidy(pem: bytes) -> bool:
    """Tell whether a bundle is as :func:`write` writes it, so that nobody can misread it."""
    return write(read(pem)) == pem


def merge(published: Bundle, desired: Iterable[x509.Certificate], now: dt.datetime) -> Bundle:
    """Add what is desired to what is published.

    Args:
        published: Keeps its order. What has expired, or is there twice, is left out.
        desired: Is in the result in any case; what is new comes last.
        now: The current time, with its zone.

    Source:
        cert-manager's cainjector merges by the same rule (internal/cainjector/bundle).
    """
    kept = (each for each in published if each.not_valid_after_utc >= now)
    return tuple(dict.fromkeys((*kept, *desired)))


def fingerprint(certificate: x509.Certificate) -> str:
    """Name a certificate by its SHA-256 in hexadecimal, as ``openssl x509 -fingerprint`` does."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def valid(certificate: x509.Certificate, now: dt.datetime) -> bool:
    """Tell whether a certificate's time has come and is not over.

    Args:
        certificate: Any.
        now: The current time, with its zone.

    Source:
        RFC 5280 section 4.1.2.5: both ends are included.
    """
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def verifies(
    pem: bytes, leaf: x509.Certificate, now: dt.datetime, intermediates: Bundle = ()
) -> bool:
    """Tell whether a client with this bundle would accept a leaf; the leaf's names are not checked.

    Args:
        pem: The bundle.
        leaf: The certificate that the client is shown.
        now: The current time, with its zone.
        intermediates: What comes with the leaf.

    Source:
        RFC 5280 section 6.1: every certificate of the path has to be in date. One path is enough,
        and it ends at any certificate of the bundle (Go crypto/x509, Verify).
    """
    return _leads_to(frozenset(read(pem)), leaf, now, frozenset(intermediates))


def issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Tell whether a certificate names an authority as its issuer and bears its signature."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _leads_to(
    trusted: frozenset[x509.Certificate],
    certificate: x509.Certificate,
    now: dt.datetime,
    others: frozenset[x509.Certificate],
) -> bool:
    """Tell whether a path of certificates that are in date leads to one that is trusted.

    Args:
        trusted: Any of them ends a path.
        certificate: Where the path begins.
        now: The current time, with its zone.
        others: May be on the path, each once, so that the search comes to an end.
    """
    if not valid(certificate, now):
        return False
    return certificate in trusted or any(
        _leads_to(trusted, each, now, others - {each})
        for each in trusted | others
        if each != certificate and issued(certificate, each)
    )
