"""Every extension is what RFC 5280 wants, and every pair is proved by a real handshake."""

import datetime as dt
import hashlib
import ipaddress
import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, SignatureAlgorithmOID

from certs import bundle
from certs.authority import Authority, Leaf, made_for

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
DAY = dt.timedelta(days=1)
HOSTS = ("localhost", "webhook.source-ip.svc", "127.0.0.1", "::1")


@pytest.fixture(scope="module")
def authority() -> Authority:
    """An authority of ten days."""
    return Authority.create("tests", now=NOW, lifetime=dt.timedelta(days=10))


@pytest.fixture(scope="module")
def leaf(authority: Authority) -> Leaf:
    """A leaf of two days."""
    return authority.issue(HOSTS, now=NOW, lifetime=dt.timedelta(days=2))


def extensions(certificate: x509.Certificate) -> list[tuple[str, bool]]:
    """List what a certificate has: each extension, and whether a client must know it."""
    return [(type(each.value).__name__, each.critical) for each in certificate.extensions]


def usages(certificate: x509.Certificate) -> set[str]:
    """List what a key may be used for."""
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    names = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign"),
    )
    return {name for name in names if getattr(usage, name)}


def test_authority_may_sign_leaves_and_nothing_else(authority: Authority) -> None:
    """These are all its extensions, and no authority can hang below this one."""
    certificate = authority.certificate
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)

    assert extensions(certificate) == [
        ("SubjectKeyIdentifier", False),
        ("BasicConstraints", True),
        ("KeyUsage", True),
    ]
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    assert usages(certificate) == {"key_cert_sign", "crl_sign"}
    assert certificate.issuer == certificate.subject
    assert bundle.issued(certificate, certificate)


def test_leaf_may_serve_and_nothing_else(authority: Authority, leaf: Leaf) -> None:
    """These are all its extensions: it is no authority, signs handshakes, and is for servers."""
    certificate = leaf.certificate
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)

    assert extensions(certificate) == [
        ("SubjectKeyIdentifier", False),
        ("BasicConstraints", True),
        ("KeyUsage", True),
        ("ExtendedKeyUsage", False),
        ("AuthorityKeyIdentifier", False),
        ("SubjectAlternativeName", False),
    ]
    assert constraints.value == x509.BasicConstraints(ca=False, path_length=None)
    assert usages(certificate) == {"digital_signature"}
    assert list(purposes.value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert certificate.issuer == authority.certificate.subject


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

    assert certificate.not_valid_before_utc == NOW - dt.timedelta(hours=1)
    assert certificate.not_valid_after_utc == NOW + dt.timedelta(days=days)


@pytest.mark.parametrize("lifetime", [9 * DAY, 10 * DAY, 11 * DAY])
def test_leaf_never_outlives_its_authority(authority: Authority, lifetime: dt.timedelta) -> None:
    """What is asked for beyond the authority's end is cut off there."""
    issued = authority.issue(["a"], now=NOW, lifetime=lifetime)

    end = min(NOW + lifetime, authority.certificate.not_valid_after_utc)
    assert issued.certificate.not_valid_after_utc == end


def test_lifetimes_need_not_be_days() -> None:
    """Seconds count."""
    short = Authority.create("tests", now=NOW, lifetime=dt.timedelta(seconds=7))
    issued = short.issue(["a"], now=NOW, lifetime=dt.timedelta(seconds=3))

    assert short.certificate.not_valid_after_utc == NOW + dt.timedelta(seconds=7)
    assert issued.certificate.not_valid_after_utc == NOW + dt.timedelta(seconds=3)


def test_serial_numbers_are_random(authority: Authority) -> None:
    """They are positive, of twenty octets at most (RFC 5280 4.1.2.2), and cannot be guessed."""
    serials = [
        pair.certificate.serial_number
        for _ in range(20)
        for pair in (
            Authority.create("tests", now=NOW, lifetime=DAY),
            authority.issue(["a"], now=NOW, lifetime=DAY),
        )
    ]

    assert len(set(serials)) == len(serials)
    assert all(0 < serial < 2**159 for serial in serials)
    assert max(serials) > 2**120


def test_signatures_are_of_ecdsa_and_sha256(authority: Authority, leaf: Leaf) -> None:
    """Every client of TLS 1.2 can verify them."""
    for certificate in (authority.certificate, leaf.certificate):
        assert certificate.signature_algorithm_oid == SignatureAlgorithmOID.ECDSA_WITH_SHA256
        assert certificate.version is x509.Version.v3


def test_issued_is_by_name_and_signature(authority: Authority, leaf: Leaf) -> None:
    """An authority of the same name issued nothing of what its namesake did."""
    namesake = Authority(
        x509.CertificateBuilder()
        .subject_name(authority.certificate.subject)
        .issuer_name(authority.certificate.subject)
        .public_key(leaf.key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + DAY)
        .sign(leaf.key, hashes.SHA256()),
        leaf.key,
    )

    stranger = Authority.create("tests", now=NOW, lifetime=DAY)
    assert bundle.issued(leaf.certificate, authority.certificate)
    assert not bundle.issued(leaf.certificate, namesake.certificate)
    assert not bundle.issued(leaf.certificate, stranger.certificate)
    assert not bundle.issued(namesake.certificate, authority.certificate)


def test_subject_names_the_organization(authority: Authority, leaf: Leaf) -> None:
    """Whose authority it is stands in both subjects."""
    organization = NameOID.ORGANIZATION_NAME
    for certificate in (authority.certificate, leaf.certificate):
        (name,) = certificate.subject.get_attributes_for_oid(organization)
        assert name.value == "tests"


def test_long_organization_leaves_room_for_the_serial_number() -> None:
    """A long name is cut to what X.509 takes, and two authorities of it are still kept apart."""
    made = Authority.create("o" * 60, now=NOW, lifetime=DAY).certificate
    (name,) = made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert str(name.value).endswith(f"oo CA {made.serial_number:x}")
    assert len(name.value) <= 64


def test_lifetime_ends_with_the_calendar() -> None:
    """What would last longer gets the end that stands for none, in the authority and its leaf."""
    forever = dt.timedelta(days=365 * 9000)
    made = Authority.create("tests", now=NOW, lifetime=forever)
    issued = made.issue(("a",), now=NOW, lifetime=forever)
    last = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
    assert made.certificate.not_valid_after_utc == last
    assert issued.certificate.not_valid_after_utc == last


@pytest.mark.parametrize(
    ("unit", "written"),
    [
        ("", []),
        ("Secret a/b", ["Secret a/b"]),
        ("u" * 64, ["u" * 64]),
        ("u" * 65, [hashlib.sha256(b"u" * 65).hexdigest()]),
    ],
)
def test_unit_is_in_the_subject_whatever_its_length(unit: str, written: list[str]) -> None:
    """An authority belongs to its unit, and to no other; X.509 takes 64 characters of it."""
    made = Authority.create("tests", unit, now=NOW, lifetime=DAY).certificate
    names = made.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)

    assert [name.value for name in names] == written
    assert made_for(made, "tests", unit)
    assert not made_for(made, "tests", unit + "x")
    assert not made_for(made, "others", unit)


def test_keys_are_on_p256(authority: Authority, leaf: Leaf) -> None:
    """Both keys are on the curve that every TLS 1.2 client knows."""
    assert isinstance(authority.key.curve, ec.SECP256R1)
    assert isinstance(leaf.key.curve, ec.SECP256R1)


def test_two_authorities_have_two_names() -> None:
    """Authorities of one organization can be told apart in a bundle."""
    first, second = (Authority.create("tests", now=NOW, lifetime=DAY) for _ in range(2))

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
    stranger = Authority.create("tests", now=NOW, lifetime=DAY)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(leaf, stranger, "localhost", tmp_path)


def test_handshake_after_expiry_fails(authority: Authority, tmp_path: Path) -> None:
    """A leaf whose days are over is refused."""
    old = authority.issue(["localhost"], now=NOW - dt.timedelta(days=2), lifetime=DAY)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        shake_hands(old, authority, "localhost", tmp_path)


def test_authority_key_can_be_kept(authority: Authority) -> None:
    """The authority's key has a PEM form for whoever has to keep it."""
    assert authority.key_pem.startswith(b"-----BEGIN PRIVATE KEY-----")
