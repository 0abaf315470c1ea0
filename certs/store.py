"""Where certificates are kept: a folder with the file names of a ``kubernetes.io/tls`` Secret."""

import os
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from certs.authority import Authority
from certs.pair import Leaf

CA_CERTIFICATE = "ca.crt"
CERTIFICATE = "tls.crt"
KEY = "tls.key"


class StoreError(Exception):
    """Certificates cannot be kept there; the text is one sentence for a person."""


def write_files(directory: Path, authority: Authority, leaf: Leaf) -> None:
    """Write an authority's certificate, and a leaf with its key, into a folder.

    The authority's key is written nowhere, so that nobody can issue with it later.

    Args:
        directory: Made if it is not there. Files of an earlier call are replaced one by one, each
            whole or not at all; anybody else's are kept.
        authority: Whose certificate goes to ``ca.crt``.
        leaf: Goes to ``tls.crt`` and, readable for the owner only, ``tls.key``.

    Raises:
        StoreError: The folder holds a certificate of another issuer, or cannot be written.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_foreign(directory, authority)
        _replace(directory / KEY, leaf.key_pem)
        _replace(directory / CERTIFICATE, leaf.certificate_pem)
        _replace(directory / CA_CERTIFICATE, authority.certificate_pem)
    except OSError as error:
        raise StoreError(
            f"Certificates cannot be written to {directory}: {error.strerror}. "
            "Choose a folder that this user can write."
        ) from error


def _refuse_foreign(directory: Path, authority: Authority) -> None:
    """Keep the files of a folder whose certificate is not one of ours."""
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
        raise StoreError(
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
