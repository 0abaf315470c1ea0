"""The serving certificate: where it comes from, what connections get, and whether it is trusted.

Two sources: files that somebody else keeps up to date, and a Secret that we keep ourselves. Either
way the API server has to verify what we serve by the ``caBundle`` of our configuration, which
:mod:`webhook.certificates.verification` checks by a handshake of its own.
"""

import ssl
from typing import Protocol


class CertificateError(Exception):
    """There is no certificate that could be served; the text tells a person why."""


class Certificate(Protocol):
    """A serving certificate that keeps itself current."""

    @property
    def context(self) -> ssl.SSLContext:
        """What the server listens with; serves the newest good certificate at each handshake."""

    @property
    def verified(self) -> bool:
        """Whether a fresh handshake ended well, as far as anybody could tell."""

    async def run(self) -> None:
        """Keep it current until cancelled."""
