"""What a Secret or a folder holds, and under which names: certificates and their private keys.

Every name of a key in the Secret stands here and nowhere else. The data of a Secret is turned into
certificates and back; the cluster is not touched. Files in a folder have the names of the keys of a
``kubernetes.io/tls`` Secret, so that a Secret can be made of a folder and the other way round.
"""

import dataclasses
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self, TypeVar

from cryptography import x509
from cryptography.x509.oid import NameOID

from certs.authority import Authority, Leaf
from certs.bundle import Bundle, issued

CERTIFICATE: Final = "tls.crt"
"""The leaf; in files and in Secrets of others its intermediates follow.

Source:
    k8s.io/api core/v1/types.go: TLSCertKey.
"""
KEY: Final = "tls.key"
"""The leaf's private key.

Source:
    k8s.io/api core/v1/types.go: TLSPrivateKeyKey.
"""
CA_CERTIFICATE: Final = "ca.crt"
"""The authority that issued the leaf; cert-manager calls it so as well."""
CA_KEY: Final = "ca.key"
"""The authority's private key."""
NEXT_CA_CERTIFICATE: Final = "next-ca.crt"
"""The authority that will take over, during a rotation only."""
NEXT_CA_KEY: Final = "next-ca.key"
"""The private key of the authority that will take over."""
_AUTHORITY: Final = (CA_CERTIFICATE, CA_KEY)
_LEAF: Final = (CERTIFICATE, KEY)
_NEXT: Final = (NEXT_CA_CERTIFICATE, NEXT_CA_KEY)
KEYS: Final = frozenset({*_AUTHORITY, *_LEAF, *_NEXT})
"""Every key that a Secret of ours may have; the chart's policy lists them too."""

_P = TypeVar("_P", Authority, Leaf)


class ContentsError(Exception):
    """A Secret holds something else than we would write; the text says what, and nothing of it."""


class FolderError(Exception):
    """Certificates cannot be written to a folder; the text is one sentence for a person."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """One consistent state of the Secret."""

    authority: Authority
    """Issues leaves."""

    leaf: Leaf
    """What replicas serve; issued by ``authority``."""

    next: Authority | None = None
    """Will take over: published beside ``authority``, and issuing nothing yet."""

    @classmethod
    def load(cls, data: Mapping[str, bytes]) -> Self | None:
        """Read the data of a Secret.

        Args:
            data: Decoded, as :meth:`data` makes it.

        Returns:
            ``None`` for a Secret that holds nothing, which is one that waits to be filled.

        Raises:
            ContentsError: It was made by somebody else, or is damaged.
        """
        if not data:
            return None
        foreign = sorted(set(data) - KEYS)
        if foreign:
            raise ContentsError(f"holds {', '.join(foreign)}, which is not ours")
        contents = cls(
            authority=_load(Authority, data, _AUTHORITY),
            leaf=_load(Leaf, data, _LEAF),
            next=_load(Authority, data, _NEXT) if set(_NEXT) & set(data) else None,
        )
        if not issued(contents.leaf.certificate, contents.authority.certificate):
            raise ContentsError(f"holds a {CERTIFICATE} that its {CA_CERTIFICATE} did not issue")
        return contents

    def data(self) -> dict[str, bytes]:
        """Write the data of a Secret, private keys included."""
        pairs: dict[tuple[str, str], Authority | Leaf] = {
            _AUTHORITY: self.authority,
            _LEAF: self.leaf,
        }
        if self.next is not None:
            pairs[_NEXT] = self.next
        return {
            name: pem
            for names, pair in pairs.items()
            for name, pem in zip(names, (pair.certificate_pem, pair.key_pem), strict=True)
        }

    @property
    def authorities(self) -> Bundle:
        """The authorities that clients have to trust, the issuing one first."""
        following = () if self.next is None else (self.next.certificate,)
        return self.authority.certificate, *following


def write_files(directory: Path, authority: Authority, leaf: Leaf) -> None:
    """Write an authority's certificate, and a leaf with its key, into a folder.

    The authority's key is written nowhere, so that nobody can issue with it later.

    Args:
        directory: Made if it is not there. Files of an earlier call are replaced one by one, each
            whole or not at all; anybody else's are kept.
        authority: Whose certificate goes to ``ca.crt``.
        leaf: Goes to ``tls.crt`` and, readable for the owner only, ``tls.key``.

    Raises:
        FolderError: The folder holds a certificate of another issuer, or cannot be written.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_foreign(directory, authority)
        _replace(directory / KEY, leaf.key_pem)
        _replace(directory / CERTIFICATE, leaf.certificate_pem)
        _replace(directory / CA_CERTIFICATE, authority.certificate_pem)
    except OSError as error:
        raise FolderError(
            f"Certificates cannot be written to {directory}: {error.strerror}. "
            "Choose a folder that this user can write."
        ) from error


def _load(kind: type[_P], data: Mapping[str, bytes], names: tuple[str, str]) -> _P:
    """Read one pair."""
    missing = [name for name in names if name not in data]
    if missing:
        raise ContentsError(f"lacks {' and '.join(missing)}")
    try:
        return kind.load(*(data[name] for name in names))
    except ValueError as error:
        raise ContentsError(f"holds {' and '.join(names)} of which {error}") from None


def _refuse_foreign(directory: Path, authority: Authority) -> None:
    """Refuse a folder with files that would be overwritten and that this product did not make.

    Whose they are is told by the organization in the subject of the folder's certificate.
    """
    present = [name for name in (CA_CERTIFICATE, CERTIFICATE, KEY) if (directory / name).exists()]
    if not present:
        return
    ours = authority.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    try:
        existing = x509.load_pem_x509_certificate((directory / CERTIFICATE).read_bytes())
        theirs = existing.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    except (FileNotFoundError, ValueError):
        theirs = []
    if theirs != ours:
        raise FolderError(
            f"{directory} holds {', '.join(present)} that this command did not make, and would "
            "overwrite. Choose an empty folder."
        )


def _replace(path: Path, content: bytes) -> None:
    """Put a file in place whole: a reader sees the old one or the new one, never a part.

    ``mkstemp`` makes files of mode 0600, so a key is never readable for others, not for a moment.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
