"""What each step writes: the least that it has to, and everything else as it was."""

import dataclasses
import datetime as dt

import pytest

from certs import bundle, rotation
from certs.authority import Authority
from certs.contents import Contents
from tests.unit.certs.material import DAY, HOST, HOUR, NOW, POLICY, authority, contents, leaf

LATER = NOW + 5 * DAY


def consistent(made: Contents) -> bool:
    """Tell whether it could be read back."""
    return Contents.load(made.data()) is not None


def test_create_makes_an_authority_and_its_leaf() -> None:
    """Both last as long as the policy says, the leaf is for its hosts, and nothing is next."""
    made = rotation.create(POLICY, NOW)

    assert consistent(made)
    assert made.next is None
    assert made.authority.certificate.not_valid_after_utc == NOW + POLICY.authority_lifetime
    assert made.leaf.certificate.not_valid_after_utc == NOW + POLICY.leaf_lifetime
    assert made.leaf.hosts == POLICY.hosts
    assert "O=source-ip-webhook" in made.authority.certificate.subject.rfc4514_string()


def test_create_calls_the_authority_by_its_organization() -> None:
    """Whose authority it is can be chosen, and which of theirs."""
    made = rotation.create(dataclasses.replace(POLICY, organization="ours", unit="here"), NOW)

    assert "OU=here,O=ours" in made.authority.certificate.subject.rfc4514_string()


@pytest.mark.parametrize("following", [None, authority()])
def test_introduce_adds_an_authority_and_keeps_the_rest(following: Authority | None) -> None:
    """Who issues and what is served stay; a next authority that was there is replaced."""
    before = contents(authority(), following)
    after = rotation.introduce(before, POLICY, LATER)

    assert consistent(after)
    assert (after.authority, after.leaf) == (before.authority, before.leaf)
    assert after.next is not None
    assert after.next != following
    assert after.next.certificate.not_valid_after_utc == LATER + POLICY.authority_lifetime


def test_promote_lets_the_next_one_take_over() -> None:
    """It issues the leaf, and the old authority and its leaf are gone."""
    following = authority()
    after = rotation.promote(contents(authority(), following), POLICY, LATER)

    assert consistent(after)
    assert (after.authority, after.next) == (following, None)
    assert after.leaf.hosts == POLICY.hosts
    assert after.leaf.certificate.not_valid_after_utc == LATER + POLICY.leaf_lifetime


def test_promote_of_nothing_is_an_error() -> None:
    """Without a next authority there is nothing that could take over."""
    with pytest.raises(ValueError, match=r"^There is no next authority\.$"):
        rotation.promote(contents(authority()), POLICY, NOW)


def test_renew_replaces_the_leaf_and_nothing_else() -> None:
    """Its authority stays, the next one too, and the key is another one."""
    before = contents(authority(), authority())
    after = rotation.renew(before, POLICY, LATER)

    assert consistent(after)
    assert (after.authority, after.next) == (before.authority, before.next)
    assert after.leaf.key_pem != before.leaf.key_pem
    assert after.leaf.certificate.not_valid_after_utc == LATER + POLICY.leaf_lifetime


OTHERS = ("old.example", "10.0.0.1")


@pytest.mark.parametrize(
    ("age", "hosts"),
    [
        (0 * DAY, ("old.example", "10.0.0.1", HOST)),
        (60 * DAY - HOUR, ("old.example", "10.0.0.1", HOST)),
        (60 * DAY, (HOST,)),
        (91 * DAY, (HOST,)),
    ],
)
def test_renew_before_time_keeps_names(age: dt.timedelta, hosts: tuple[str, ...]) -> None:
    """Two versions with names of their own do not take turns; in its last third a leaf forgets."""
    issuer = authority()
    before = Contents(authority=issuer, leaf=leaf(issuer, hosts=OTHERS))
    after = rotation.renew(before, POLICY, NOW + age)

    assert set(after.leaf.hosts) == set(hosts)
    assert len(after.leaf.hosts) == len(hosts)
    assert after.leaf.covers(POLICY.hosts)


def test_two_versions_come_to_rest() -> None:
    """After each has asked for its names once, both are content."""
    issuer = authority()
    held = Contents(authority=issuer, leaf=leaf(issuer, hosts=("a",)))
    policies = [dataclasses.replace(POLICY, hosts=(host,)) for host in ("b", "c")]
    for policy in policies:
        held = rotation.renew(held, policy, NOW)

    assert all(held.leaf.covers(policy.hosts) for policy in policies)


def test_renewed_leaf_does_not_outlive_its_authority() -> None:
    """Near the authority's end the leaf ends with it."""
    before = contents(authority(30 * DAY))
    after = rotation.renew(before, POLICY, NOW + 20 * DAY)

    end = before.authority.certificate.not_valid_after_utc
    assert after.leaf.certificate.not_valid_after_utc == end
    assert bundle.valid(after.leaf.certificate, end)
