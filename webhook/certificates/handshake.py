"""A handshake within the process: would a client with this bundle accept what we serve?

It is the real thing, between two TLS stacks over memory: the listening context with all that it
does, and a client that trusts the bundle and nothing else. A connection that has been open for
hours proves nothing about the next one.

Whether all is in date is :mod:`webhook.certificates.publication`'s question.
"""

import ssl
from typing import Final

_ROUNDS: Final = 8
"""Flights at most; TLS 1.3 takes two."""

_NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL (x509_vfy.h), for which Python's ssl has no name."""

_UNFINISHED: Final = "no handshake"

_ASKED: Final = "PEER_DID_NOT_RETURN_A_CERTIFICATE"
"""OpenSSL's reason where we ask a client for a certificate that has none, as this one; it comes to
that only once the client has accepted ours."""


def objection(serving: ssl.SSLContext, pem: bytes, host: str) -> str:
    """Shake hands, and tell why the client would refuse, dates apart.

    OpenSSL would compare them with this node's clock, which is not the client's.

    Args:
        serving: The listening context.
        pem: The client's bundle; empty: the authorities that the system trusts, as for the API
            server (k8s.io/apiserver pkg/util/webhook/client.go).
        host: The name, or address, that the client verifies.

    Returns:
        Why not; empty where all is well.
    """
    try:
        client = _client_context(pem)
    except ssl.SSLError:
        return "the bundle is no PEM"
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        ours = serving.wrap_bio(to_server, to_client, server_side=True)
        theirs = client.wrap_bio(to_client, to_server, server_hostname=host)
        for _ in range(_ROUNDS):
            finished = [_advanced(side) for side in (theirs, ours)]
            if all(finished):
                return ""
    except ssl.SSLCertVerificationError as error:
        return str(error.verify_message)
    except ssl.SSLError as error:
        return (
            ""
            if error.reason == _ASKED
            else (error.reason or _UNFINISHED).replace("_", " ").lower()
        )
    except ValueError as error:  # a host that no certificate can be for
        return str(error)
    return _UNFINISHED


def _advanced(side: ssl.SSLObject) -> bool:
    """Let one side do what it can; tell whether it has finished."""
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def _client_context(pem: bytes) -> ssl.SSLContext:
    """Make a client that verifies as the API server does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= _NO_CHECK_TIME
    if pem:
        context.load_verify_locations(cadata=pem.decode("ascii", "backslashreplace"))
    else:
        context.load_default_certs()
    return context
