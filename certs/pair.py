"""A certificate with its private key, and the one kind of it that servers have."""

import dataclasses
import ipaddress
import re
from collections.abc import Iterable
from typing import Final, Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

_LABEL: Final = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_DNS_NAME: Final = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*", re.IGNORECASE)
"""RFC 1123 section 2.1, and a wildcard as in RFC 9525 section 6.3."""


@dataclasses.dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its private key, which no representation shows."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = dataclasses.field(repr=False)

    @classmethod
    def load(cls, certificate_pem: bytes, key_pem: bytes) -> Self:
        """Read a pair as :attr:`certificate_pem` and :attr:`key_pem` wrote it.

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


class Leaf(Pair):
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


def general_name(host: str) -> x509.GeneralName:
    """Tell addresses from names, which certificates keep apart.

    Raises:
        ValueError: It is neither.
    """
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        if not _DNS_NAME.fullmatch(host):
            raise
        return x509.DNSName(host)
