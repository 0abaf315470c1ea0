"""Every extension is what RFC 5280 wants, and every pair is proved by a real handshake."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.authority import Authority, Leaf

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
HOSTS = ("localhost", "webhook.source-ip.svc", "127.0.0.1", "::1")


@pytest.fixture(scope="module")
def authority() -> Authority:
    """An authority of ten days."""
    return Authority.create("tests", now=NOW, days=10)


@pytest.fixture(scope="module")
def leaf(authority: Authority) -> Leaf:
    """A leaf of two days."""
    return authority.issue(HOSTS, now=NOW, days=2)


def test_authority_may_sign_leaves_and_nothing_else(authority: Authority) -> None:
    """BasicConstraints and KeyUsage are critical, and no authority can hang below this one."""
    extensions = authority.certificate.extensions
    constraints = extensions.get_extension_for_class(x509.BasicConstraints)
    usage = extensions.get_extension_for_class(x509.KeyUsage)

    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    assert usage.critical
    assert (usage.value.key_cert_sign, usage.value.crl_sign) == (True, True)
    assert not usage.value.digital_signature


def test_leaf_may_serve_and_nothing_else(leaf: Leaf) -> None:
    """A leaf is no authority, signs handshakes, and is for servers."""
    extensions = leaf.certificate.extensions
    constraints = extensions.get_extension_for_class(x509.BasicConstraints)
    usage = extensions.get_extension_for_class(x509.KeyUsage)

    assert constraints.critical
    assert not constraints.value.ca
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]


def test_leaf_names_its_hosts_in_the_alternative_name_only(leaf: Leaf) -> None:
    """Names are DNS names, addresses are addresses, and the subject names no host."""
    names = leaf.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert names.get_values_for_type(x509.DNSName) == ["localhost", "webhook.source-ip.svc"]
    assert names.get_values_for_type(x509.IPAddress) == [
        ipaddress.ip_address("127.0.0.1"),
        ipaddress.ip_address("::1"),
    ]
    assert not leaf.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)


def test_key_identifiers_link_leaf_and_authority(authority: Authority, leaf: Leaf) -> None:
    """The leaf's AuthorityKeyIdentifier is the authority's SubjectKeyIdentifier."""
    ours = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    theirs = leaf.certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)

    assert theirs.value.key_identifier == ours.value.digest
    assert leaf.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)


@pytest.mark.parametrize(("which", "days"), [("authority", 10), ("leaf", 2)])
def test_validity_begins_in_the_past(which: str, days: int, request: pytest.FixtureRequest) -> None:
    """Clocks that are a little behind accept the certificate, and it lasts as long as asked."""
    certificate: x509.Certificate = request.getfixturevalue(which).certificate

    assert certificate.not_valid_before_utc == NOW - dt.timedelta(minutes=5)
    assert certificate.not_valid_after_utc == NOW + dt.timedelta(days=days)


def test_keys_are_on_p256(authority: Authority, leaf: Leaf) -> None:
    """Both keys are on the curve that every TLS 1.2 client knows."""
    assert isinstance(authority.key.curve, ec.SECP256R1)
    assert isinstance(leaf.key.curve, ec.SECP256R1)


def test_two_authorities_have_two_names() -> None:
    """Authorities of one organization can be told apart in a bundle."""
    first, second = (Authority.create("tests", now=NOW, days=1) for _ in range(2))

    assert first.certificate.subject != second.certificate.subject
    assert first.certificate.serial_number != second.certificate.serial_number


def test_keys_are_not_in_the_representation(authority: Authority, leaf: Leaf) -> None:
    """A key does not get into a log by way of ``repr``."""
    assert "key" not in repr(authority)
    assert "key" not in repr(leaf)


def shake_hands(leaf: Leaf, trusted: Authority, host: str, folder: Path) -> None:
    """Serve one connection with the leaf, and verify it as a client that trusts an authority."""
    (folder / "tls.crt").write_bytes(leaf.certificate_pem)
    (folder / "tls.key").write_bytes(leaf.key_pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    client = ssl.create_default_context(cadata=trusted.certificate_pem.decode())
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except ssl.SSLError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client.wrap_socket(ours, server_hostname=host).close()
    finally:
        ours.close()
        thread.join()


@pytest.mark.parametrize("host", HOSTS)
def test_handshake_verifies(authority: Authority, leaf: Leaf, host: str, tmp_path: Path) -> None:
    """A client that trusts the authority accepts the leaf for each of its hosts."""
    shake_hands(leaf, authority, host, tmp_path)


def test_handshake_for_another_host_fails(authority: Authority, leaf: Leaf, tmp_path: Path) -> None:
    """The leaf is good for its own hosts only."""
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(leaf, authority, "example.org", tmp_path)


def test_handshake_with_another_authority_fails(leaf: Leaf, tmp_path: Path) -> None:
    """An authority of the same organization with another key vouches for nothing."""
    stranger = Authority.create("tests", now=NOW, days=1)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(leaf, stranger, "localhost", tmp_path)


def test_handshake_after_expiry_fails(authority: Authority, tmp_path: Path) -> None:
    """A leaf whose days are over is refused."""
    old = authority.issue(["localhost"], now=NOW - dt.timedelta(days=2), days=1)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        shake_hands(old, authority, "localhost", tmp_path)


def test_authority_key_can_be_kept(authority: Authority) -> None:
    """The authority's key has a PEM form for whoever has to keep it."""
    assert authority.key_pem.startswith(b"-----BEGIN PRIVATE KEY-----")
