"""Certificates with their private keys: an authority, and the leaves that it issues for servers.

ECDSA P-256 and SHA-256 throughout: every client that can verify TLS 1.2 can verify them, and a
handshake costs a tenth of RSA's.
"""

import dataclasses
import datetime as dt
import hashlib
import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import Final, Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BACKDATE: Final = dt.timedelta(hours=1)
"""Not-before lies in the past, since the clocks of a cluster's nodes are never quite the same. An
hour, as Let's Encrypt has it: more than any clock that still counts as set is wrong by."""
_LONGEST_NAME: Final = 64
"""Characters of one name in a subject; as long as a SHA-256 in hexadecimal.

Source:
    RFC 5280 appendix A.1: ub-organizational-unit-name and ub-common-name.
"""
_LABEL: Final = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_DNS_NAME: Final = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*", re.IGNORECASE)
"""RFC 1123 section 2.1, and a wildcard as in RFC 9525 section 6.3."""


@dataclasses.dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate with its private key, which no representation shows."""

    certificate: x509.Certificate
    """Of the key below."""

    key: ec.EllipticCurvePrivateKey = dataclasses.field(repr=False)
    """Never shown: not by ``repr``, and in no error."""

    @classmethod
    def load(cls, certificate_pem: bytes, key_pem: bytes) -> Self:
        """Read a key pair as :attr:`certificate_pem` and :attr:`key_pem` wrote it.

        Args:
            certificate_pem: One certificate.
            key_pem: Its private key, unencrypted.

        Raises:
            ValueError: They are something else, or do not belong together. The text says which, and
                quotes nothing of either.
        """
        try:
            certificate = x509.load_pem_x509_certificate(certificate_pem)
        except ValueError:
            raise ValueError("the certificate is no PEM certificate") from None
        try:
            key = serialization.load_pem_private_key(key_pem, None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ValueError("the private key is no unencrypted PEM key") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("the private key is not an elliptic curve's")  # noqa: TRY004
        if key.public_key() != certificate.public_key():
            raise ValueError("the private key is another certificate's")
        return cls(certificate, key)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate in PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key in PEM (PKCS #8, unencrypted)."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


class Leaf(KeyPair):
    """A serving certificate with its private key."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """DNS names and IP addresses that it is for."""
        names = self._names
        addresses = map(str, names.get_values_for_type(x509.IPAddress))
        return *names.get_values_for_type(x509.DNSName), *addresses

    def covers(self, hosts: Iterable[str]) -> bool:
        """Tell whether it is for all of these DNS names and IP addresses."""
        return set(map(general_name, hosts)) <= set(self._names)

    @property
    def _names(self) -> x509.SubjectAlternativeName:
        try:
            found = self.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except x509.ExtensionNotFound:
            return x509.SubjectAlternativeName([])
        return found.value


class Authority(KeyPair):
    """A self-signed certificate authority that issues leaves and nothing else."""

    @classmethod
    def create(
        cls, organization: str, unit: str = "", *, now: dt.datetime, lifetime: dt.timedelta
    ) -> Self:
        """Make an authority with a new key.

        Args:
            organization: Whose authority this is; part of its subject.
            unit: Which of the organization's authorities this is; empty: it has no unit. Part of
                its subject too, so that it can be told from the others: see :func:`made_for`.
            now: The current time, with its zone.
            lifetime: How long it is valid from now on.

        Source:
            RFC 5280 sections 4.2.1.3 and 4.2.1.9: BasicConstraints and KeyUsage are critical; a
            path length of 0 means that no other authority can hang below this one.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        serial = x509.random_serial_number()
        # The serial number in the name keeps two authorities of one product apart in a bundle.
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
                *(
                    x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, each)
                    for each in _units(unit)
                ),
                x509.NameAttribute(NameOID.COMMON_NAME, _common_name(organization, serial)),
            ]
        )
        certificate = (
            _builder(
                name,
                issuer=name,
                public_key=key.public_key(),
                serial=serial,
                not_before=now - BACKDATE,
                not_after=_end(now, lifetime),
            )
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    def issue(self, hosts: Sequence[str], *, now: dt.datetime, lifetime: dt.timedelta) -> Leaf:
        """Issue a serving certificate.

        Args:
            hosts: DNS names and IP addresses that clients verify it for.
            now: The current time, with its zone.
            lifetime: How long it is valid from now on; never longer than its authority is.

        Raises:
            ValueError: A host is neither a DNS name nor an IP address.

        Source:
            RFC 5280 section 4.2; clients of today read names from SubjectAltName only, so the
            subject carries no name of a host.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        organization = self.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        issuer_key = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        certificate = (
            _builder(
                x509.Name(organization),
                issuer=self.certificate.subject,
                public_key=key.public_key(),
                serial=x509.random_serial_number(),
                not_before=now - BACKDATE,
                not_after=min(_end(now, lifetime), self.certificate.not_valid_after_utc),
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key.value),
                critical=False,
            )
            .add_extension(x509.SubjectAlternativeName(map(general_name, hosts)), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return Leaf(certificate, key)


def made_for(authority: x509.Certificate, organization: str, unit: str) -> bool:
    """Tell whether an authority was made for this unit of this organization, by its subject."""
    names = [
        [each.value for each in authority.subject.get_attributes_for_oid(oid)]
        for oid in (NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME)
    ]
    return names == [[organization], _units(unit)]


def general_name(host: str) -> x509.GeneralName:
    """Write a host as a subjectAltName holds it: as an IP address or as a DNS name.

    Args:
        host: A DNS name, which may begin with a wildcard, or an IP address.

    Raises:
        ValueError: It is neither.

    Source:
        RFC 5280 section 4.2.1.6: iPAddress and dNSName are different kinds of a name.
    """
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        if not _DNS_NAME.fullmatch(host):
            raise
        return x509.DNSName(host)


def _units(unit: str) -> list[str]:
    """Write a unit as a subject takes it: nothing for none, and a hash for what is too long."""
    too_long = len(unit) > _LONGEST_NAME
    return [hashlib.sha256(unit.encode()).hexdigest() if too_long else unit] if unit else []


def _common_name(organization: str, serial: int) -> str:
    """Name one authority of an organization; where that is too long, the serial number stays."""
    end = f" CA {serial:x}"
    return organization[: _LONGEST_NAME - len(end)] + end


def _end(now: dt.datetime, lifetime: dt.timedelta) -> dt.datetime:
    """Tell when a lifetime ends; at the end of the calendar, if that comes first.

    Source:
        RFC 5280 section 4.1.2.5: 99991231235959Z stands for no end that is known.
    """
    last = dt.datetime.max.replace(microsecond=0, tzinfo=dt.UTC)
    return now + lifetime if lifetime < last - now else last


def _builder(
    subject: x509.Name,
    *,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    serial: int,
    not_before: dt.datetime,
    not_after: dt.datetime,
) -> x509.CertificateBuilder:
    """Start a certificate with what authorities and leaves have in common."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    """Spell a KeyUsage by what it allows."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
