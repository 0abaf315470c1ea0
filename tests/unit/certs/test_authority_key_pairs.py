"""A pair: loaded whole or refused by a sentence, and for which hosts it is."""

import pytest

from certs.authority import Authority, KeyPair, Leaf
from tests.unit.certs.material import HOST, authority, leaf, nameless

ISSUER = authority()
LEAF = leaf(ISSUER)
OTHER = leaf(ISSUER)


@pytest.mark.parametrize("kind", [KeyPair, Leaf, Authority])
def test_loaded_pair_is_of_the_class_that_was_asked(kind: type[KeyPair]) -> None:
    """What was written is read again, as what it is asked for."""
    loaded = kind.load(LEAF.certificate_pem, LEAF.key_pem)

    assert type(loaded) is kind
    assert loaded.certificate == LEAF.certificate
    assert loaded.key_pem == LEAF.key_pem


@pytest.mark.parametrize(
    ("certificate", "key", "why"),
    [
        (b"", LEAF.key_pem, "the certificate is no PEM certificate"),
        (LEAF.key_pem, LEAF.key_pem, "the certificate is no PEM certificate"),
        (LEAF.certificate_pem, b"", "the private key is no unencrypted PEM key"),
        (LEAF.certificate_pem, LEAF.certificate_pem, "the private key is no unencrypted PEM key"),
        (LEAF.certificate_pem, OTHER.key_pem, "the private key is another certificate's"),
    ],
)
def test_bad_pair_is_a_sentence(certificate: bytes, key: bytes, why: str) -> None:
    """Which half is wrong is said, and the library's own error, which may quote, is left out."""
    with pytest.raises(ValueError, match=f"^{why}$") as caught:
        Leaf.load(certificate, key)

    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_hosts_are_names_and_then_addresses() -> None:
    """Both kinds are told, addresses as everybody spells them."""
    hosts = ("b.example", "127.0.0.1", "a.example", "FD00:0::0001")

    assert leaf(ISSUER, hosts=hosts).hosts == ("b.example", "a.example", "127.0.0.1", "fd00::1")


@pytest.mark.parametrize(
    ("hosts", "covered"),
    [
        ((), True),
        ((HOST,), True),
        (("fd00::1",), True),
        (("fd00:0:0::1", HOST), True),
        (("FD00::0001",), True),
        (("fd00::2",), False),
        (("10.0.0.1",), True),
        ((HOST, "other.example"), False),
        (("*.example.org",), True),
        (("a.example.org",), False),
    ],
)
def test_covers_is_by_meaning(hosts: tuple[str, ...], covered: bool) -> None:
    """Addresses are the same however they are spelled; a wildcard is a name of its own."""
    ours = leaf(ISSUER, hosts=(HOST, "fd00::1", "10.0.0.1", "*.example.org"))

    assert ours.covers(hosts) is covered


def test_address_is_not_a_name() -> None:
    """A name that looks like an address covers none: it would be an address then."""
    assert not leaf(ISSUER, hosts=("a1",)).covers(["10.0.0.1"])


def test_leaf_without_names_is_for_nobody() -> None:
    """A certificate that has no SubjectAltName at all covers no host."""
    assert nameless().hosts == ()
    assert nameless().covers([])
    assert not nameless().covers([HOST])
