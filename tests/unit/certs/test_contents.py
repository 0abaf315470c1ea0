"""What a Secret holds: read as it was written, or refused by a sentence that quotes nothing."""

import base64
import re
import traceback

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certs.authority import Authority
from certs.contents import Contents, ContentsError
from tests.unit.certs.material import NOW, POLICY, authority, contents

FIRST, SECOND = authority(), authority()
PLAIN = contents(FIRST)
ROTATING = contents(FIRST, SECOND)
KEYS = ["ca.crt", "ca.key", "next-ca.crt", "next-ca.key", "tls.crt", "tls.key"]
CHUNK = 16
"""Characters of base64 that count as a quotation."""


def quoted(text: str, data: dict[str, bytes]) -> list[str]:
    """List what a text quotes of a Secret: any stretch of a PEM body, as it is or encoded again."""
    found = []
    for name, value in data.items():
        body = b"".join(line for line in value.splitlines() if not line.startswith(b"-----"))
        for spelled in (body, base64.b64encode(value), value.hex().encode()):
            chunks = (spelled[at : at + CHUNK] for at in range(max(1, len(spelled) - CHUNK + 1)))
            if any(len(each) == CHUNK and each.decode("latin1") in text for each in chunks):
                found.append(name)
    return found


def refused(data: dict[str, bytes]) -> str:
    """Tell why data is refused, after a look at all that could be printed of it."""
    with pytest.raises(ContentsError) as caught:
        Contents.load(data)
    everything = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert quoted(everything, data) == []
    return str(caught.value)


@pytest.mark.parametrize("before", [PLAIN, ROTATING])
def test_round_trip(before: Contents) -> None:
    """What is written is read again, byte for byte, with and without a next authority."""
    after = Contents.load(before.data())

    assert after is not None
    assert after.data() == before.data()
    assert after.authorities == before.authorities
    assert after.leaf.certificate == before.leaf.certificate
    assert (after.next is None) == (before.next is None)


def test_names_in_the_secret() -> None:
    """Certificates and keys have the names that others know, two more during a rotation."""
    assert sorted(PLAIN.data()) == ["ca.crt", "ca.key", "tls.crt", "tls.key"]
    assert sorted(ROTATING.data()) == KEYS
    assert ROTATING.data()["ca.crt"] == FIRST.certificate_pem
    assert ROTATING.data()["next-ca.key"] == SECOND.key_pem
    assert ROTATING.data()["tls.crt"] == ROTATING.leaf.certificate_pem


def test_issuing_authority_comes_first() -> None:
    """Clients have to trust the one that issues, and the one that is next."""
    assert PLAIN.authorities == (FIRST.certificate,)
    assert ROTATING.authorities == (FIRST.certificate, SECOND.certificate)


def test_empty_secret_waits_to_be_filled() -> None:
    """Nothing in it is not an error: an admin may have made it."""
    assert Contents.load({}) is None


@pytest.mark.parametrize("missing", KEYS)
def test_missing_part_is_named(missing: str) -> None:
    """A Secret that lacks a part is refused by the name of that part."""
    data = ROTATING.data()
    del data[missing]

    assert refused(data) == f"lacks {missing}"


def test_missing_parts_are_all_named() -> None:
    """A half of which nothing is there lacks both parts of its pair."""
    assert refused({"ca.crt": b""}) == "lacks ca.key"
    assert refused({"next-ca.crt": b""}) == "lacks ca.crt and ca.key"
    assert refused({"ca.crt": FIRST.certificate_pem, "ca.key": FIRST.key_pem}) == (
        "lacks tls.crt and tls.key"
    )


@pytest.mark.parametrize("foreign", ["password", "CA.CRT", "tls.crt ", "", "next-tls.crt"])
def test_foreign_part_is_named(foreign: str) -> None:
    """A Secret that somebody else fills is not ours, even if the rest of it could be."""
    assert refused(ROTATING.data() | {foreign: b"x"}) == f"holds {foreign}, which is not ours"


def test_foreign_parts_are_all_named() -> None:
    """They come in the order of the alphabet, so that the text stays the same."""
    assert refused({"b": b"1", "a": b"2"}) == "holds a, b, which is not ours"


def der_of(pem: bytes) -> bytes:
    """Take the armour off."""
    return base64.b64decode(b"".join(pem.splitlines()[1:-1]))


def damaged(pem: bytes) -> list[bytes]:
    """Damage a PEM in many ways."""
    return [
        b"",
        b"hello",
        b"\xff\x00",
        pem[:-40],
        pem[40:],
        der_of(pem),
        base64.b64encode(pem),
        pem.replace(b"M", b"!", 5),
    ]


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        (name, " and ".join((name.partition(".")[0] + ".crt", name.partition(".")[0] + ".key")))
        for name in KEYS
    ],
)
def test_damaged_part_is_named(name: str, pair: str) -> None:
    """Each part that is no PEM is refused by the name of its pair and what it should have been."""
    part = (
        "certificate is no PEM certificate"
        if name.endswith("crt")
        else ("private key is no unencrypted PEM key")
    )
    for value in damaged(ROTATING.data()[name]):
        assert refused(ROTATING.data() | {name: value}) == f"holds {pair} of which the {part}"


def other_keys() -> dict[str, bytes]:
    """Make keys that are none of ours."""
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem, locked = serialization.Encoding.PEM, serialization.BestAvailableEncryption(b"x")
    return {
        "encrypted": FIRST.key.private_bytes(pem, pkcs8, locked),
        "rsa": rsa.generate_private_key(65537, 2048).private_bytes(pem, pkcs8, plain),
        "curve": ec.generate_private_key(ec.SECP384R1()).private_bytes(pem, pkcs8, plain),
        "public": FIRST.key.public_key().public_bytes(
            pem, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
    }


OTHER_KEYS = other_keys()


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("encrypted", "is no unencrypted PEM key"),
        ("public", "is no unencrypted PEM key"),
        ("rsa", "is not an elliptic curve's"),
        ("curve", "is another certificate's"),
    ],
)
def test_other_key_is_named(kind: str, why: str) -> None:
    """A key that is readable to others, or of another kind, is refused for what it is."""
    data = PLAIN.data() | {"ca.key": OTHER_KEYS[kind]}

    assert refused(data) == f"holds ca.crt and ca.key of which the private key {why}"


@pytest.mark.parametrize(
    ("parts", "pair"),
    [
        (("ca.key", "next-ca.key"), "ca.crt and ca.key"),
        (("ca.key", "tls.key"), "ca.crt and ca.key"),
        (("next-ca.crt", "tls.crt"), "tls.crt and tls.key"),
    ],
)
def test_mixed_up_parts_are_named(parts: tuple[str, str], pair: str) -> None:
    """Two parts that changed places do not belong to their pairs any more."""
    data, (one, other) = ROTATING.data(), parts
    data[one], data[other] = data[other], data[one]

    assert refused(data) == f"holds {pair} of which the private key is another certificate's"


@pytest.mark.parametrize("issuer", [SECOND, authority()])
def test_leaf_of_another_authority_is_refused(issuer: Authority) -> None:
    """The leaf has to be of the authority that issues, not of the next one nor of a stranger."""
    data = ROTATING.data() | {
        name: value for name, value in contents(issuer).data().items() if name.startswith("tls.")
    }

    assert refused(data) == "holds a tls.crt that its ca.crt did not issue"


def test_keys_are_in_no_representation() -> None:
    """Neither ``repr`` nor ``str`` of anything shows a key."""
    for shown in (repr(ROTATING), str(ROTATING), repr(FIRST), f"{ROTATING.leaf!r}"):
        assert quoted(shown, ROTATING.data()) == []
        assert not re.search(r"key|PRIVATE", shown, re.IGNORECASE)


def test_date_is_none_of_its_business() -> None:
    """A Secret of which everything has expired is read: it is there to be replaced."""
    past = NOW - 2 * POLICY.authority_lifetime

    assert Contents.load(contents(authority(now=past), now=past).data()) is not None
