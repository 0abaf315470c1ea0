"""What one replica sees when it decides about certificates.

For how long something has been seen, by a clock that never jumps.

When certificates are replaced, and in which order: a state machine that keeps no state.

All that a step depends on is in :class:`Seen`, and each step is one write to one object.
So any replica can take it, several can try at once, and each may die after it: whoever looks next
finds a complete state and goes on from there. An authority is replaced in this order::

    INTRODUCE  Secret: the next authority stands beside the one that issues
    PUBLISH    every caBundle: old and new
    PROMOTE    Secret: once every caBundle has had it for ``propagation``, the next one issues the
               leaf and takes over; each replica adopts that leaf when it sees it
    RETIRE     every caBundle: once the new authority has issued for ``overlap``, whichever leaves,
               the old one is left out

Certificates are compared with the time of day. Waiting is measured by each replica's own monotonic
clock (:class:`certs.rotation.Sightings`), so that no jump of the time of day can shorten it.

What the steps of a rotation write into the Secret.
"""

import dataclasses
import datetime as dt
import enum
from collections.abc import Iterable, Mapping
from typing import Final

from cryptography import x509

from certs import bundle
from certs.authority import Authority, Leaf
from certs.contents import Contents
from certs.policy import Policy


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What a replica serves."""

    certificate: x509.Certificate
    issuer: x509.Certificate


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that one replica knows when it decides.

    What is published was read before the Secret was: an authority of ours that is in a caBundle and
    not in the Secret is then one of the past, and never one that is just coming.
    """

    published: tuple[bytes, ...]
    """The caBundle of each entry of the configuration, in PEM."""

    contents: Contents | None
    """Of the Secret; ``None`` while it holds nothing."""

    served: Served | None
    """By this replica; ``None`` until it has adopted a first leaf."""

    now: dt.datetime
    """The time of day, with its zone."""

    ages: Mapping[str, dt.timedelta]
    """By what :func:`sighted` calls it: for how long this replica has seen it. Only for what is
    there now."""

    @property
    def wanted(self) -> bundle.Bundle:
        """The authorities that have to be in every caBundle: the Secret's, and our own leaf's."""
        held = () if self.contents is None else self.contents.authorities
        own = () if self.served is None else (self.served.issuer,)
        useful = (each for each in own if bundle.valid(each, self.now))
        return tuple(dict.fromkeys((*useful, *held)))

    def published_for(self, authority: x509.Certificate) -> dt.timedelta | None:
        """Tell for how long an authority has been in every caBundle; ``None``: it is not."""
        return self.ages.get(bundle.fingerprint(authority))

    def issuing_for(self, authority: x509.Certificate) -> dt.timedelta | None:
        """Tell for how long an authority has been the one that issues; ``None``: it is not.

        However often its leaf was renewed meanwhile: whoever looked since can have adopted one.
        """
        return self.ages.get(_issuing(authority))


def sighted(published: tuple[bytes, ...], contents: Contents | None) -> set[str]:
    """Name what is where it belongs, for :attr:`Seen.ages`.

    Args:
        published: See :attr:`Seen.published`. One that not every reader could read holds nothing;
            where there are none, nobody has to be told of an authority.
        contents: See :attr:`Seen.contents`.

    Returns:
        Fingerprints of the authorities that are in every caBundle, and a name for the Secret's
        authority as the one that issues.
    """
    held = () if contents is None else contents.authorities
    bundles = [set(bundle.read(pem)) if bundle.tidy(pem) else set() for pem in published]
    everywhere = set.intersection(*bundles) if bundles else set(held)
    issuing = set() if contents is None else {_issuing(contents.authority.certificate)}
    return {bundle.fingerprint(each) for each in everywhere} | issuing


def _issuing(authority: x509.Certificate) -> str:
    """Name an authority as the one that issues, which it may be before it is published."""
    return f"issuing {bundle.fingerprint(authority)}"


def mended(pem: bytes, seen: Seen) -> bytes:
    """Add what is missing to a caBundle, and put it into good order.

    Returns:
        The same where nothing is missing.
    """
    present = bundle.read(pem)
    if not seen.wanted or (set(seen.wanted) <= set(present) and bundle.tidy(pem)):
        return pem
    return bundle.write(bundle.merge(present, seen.wanted, seen.now))


def trimmed(pem: bytes, seen: Seen, policy: Policy) -> bytes:
    """Leave out of a caBundle the authorities of ours that are not wanted any more.

    Those of others stay: who else looks after this caBundle would put them back, without end.

    Returns:
        The same where there is none.
    """
    present = bundle.read(pem)
    kept = [each for each in present if each in seen.wanted or not policy.made(each)]
    return pem if len(kept) == len(present) else bundle.write(kept)


class Sightings:
    """Remembers since when each thing has been there at every look.

    What is there again at the next look counts as having been there between the two. While a
    machine sleeps the monotonic clock stands still: that makes a wait longer, and never shorter.
    """

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def ages(self, present: Iterable[str], at: float) -> dict[str, dt.timedelta]:
        """Note what is there now, and tell for how long it has been.

        Args:
            present: Names of what is there. Everything else is forgotten.
            at: Seconds of a monotonic clock.
        """
        self._since = {name: self._since.get(name, at) for name in present}
        return {name: dt.timedelta(seconds=at - since) for name, since in self._since.items()}


class Step(enum.StrEnum):
    """What to do next."""

    REST = "rest"
    """Nothing; look again later."""
    CREATE = "create"
    """Write a first authority and its leaf into the Secret."""
    PUBLISH = "publish"
    """Add what is wanted to every caBundle."""
    INTRODUCE = "introduce"
    """Write a next authority into the Secret."""
    PROMOTE = "promote"
    """Let the next authority issue the leaf and take over."""
    RENEW = "renew"
    """Issue a new leaf."""
    RETIRE = "retire"
    """Leave no authority of ours in any caBundle but what is wanted."""


def next_step(seen: Seen, policy: Policy, *, publishing: bool = True) -> Step:
    """Decide what to do next.

    Args:
        seen: The state of the world.
        policy: What is wanted of it.
        publishing: Whether what is missing in a caBundle may be added now. Where not, everything
            else goes on: what others do to a caBundle keeps no leaf from being renewed.
    """
    if publishing and any(mended(pem, seen) != pem for pem in seen.published):
        return Step.PUBLISH
    contents = seen.contents
    if contents is None:
        return Step.CREATE
    return next((step for step, due in _IN_ORDER if due(seen, contents, policy)), Step.REST)


def adopts(seen: Seen, policy: Policy) -> bool:
    """Decide whether a replica serves the Secret's leaf from now on.

    Not before the leaf's authority has reached every client, with two exceptions that can but gain:
    what the replica serves has expired, or it serves nothing and no client trusts any other leaf.
    """
    contents, served = seen.contents, seen.served
    if contents is None or not _usable(contents, seen.now):
        return False
    if served is not None and served.certificate == contents.leaf.certificate:
        return False
    published_for = seen.published_for(contents.authority.certificate)
    if published_for is None:
        return False
    if published_for >= policy.propagation:
        return True
    if served is not None:
        return not bundle.valid(served.certificate, seen.now)
    return all(set(bundle.read(pem)) <= set(seen.wanted) for pem in seen.published)


def _may_promote(seen: Seen, contents: Contents, policy: Policy) -> bool:
    """Tell whether the next authority can take over; at once where there is nothing to lose."""
    if contents.next is None or not bundle.valid(contents.next.certificate, seen.now):
        return False
    published_for = seen.published_for(contents.next.certificate)
    if published_for is None:
        return False
    return published_for >= policy.propagation or not _usable(contents, seen.now)


def _needs_next(seen: Seen, contents: Contents, policy: Policy) -> bool:
    """Tell whether an authority has to be introduced; one that is no longer valid is none."""
    if contents.next is not None:
        return not bundle.valid(contents.next.certificate, seen.now)
    return policy.authority_due(contents.authority.certificate, seen.now)


def _needs_leaf(seen: Seen, contents: Contents, policy: Policy) -> bool:
    """Tell whether the authority should issue a new leaf, and can issue a better one."""
    leaf, authority = contents.leaf, contents.authority.certificate
    if not bundle.valid(authority, seen.now):
        return False
    if not leaf.covers(policy.hosts) or not bundle.valid(leaf.certificate, seen.now):
        return True
    lasts_longer = authority.not_valid_after_utc > leaf.certificate.not_valid_after_utc
    return lasts_longer and policy.leaf_due(leaf.certificate, seen.now)


def _may_retire(seen: Seen, contents: Contents, policy: Policy) -> bool:
    """Tell whether what nobody wants can go, because every replica has a leaf of ours by now.

    None can have one before the authority is published, which after a CREATE is later than it
    issues. A renewed leaf changes nothing: it is adopted at the same look as the one before it.
    """
    authority = contents.authority.certificate
    there_for = seen.published_for(authority), seen.issuing_for(authority)
    return all(age is not None and age >= policy.overlap for age in there_for) and any(
        trimmed(pem, seen, policy) != pem for pem in seen.published
    )


_IN_ORDER: Final = (
    (Step.PROMOTE, _may_promote),
    (Step.INTRODUCE, _needs_next),
    (Step.RENEW, _needs_leaf),
    (Step.RETIRE, _may_retire),
)


def _usable(contents: Contents, now: dt.datetime) -> bool:
    """Tell whether anybody could verify the Secret's leaf at this time."""
    pair = contents.leaf.certificate, contents.authority.certificate
    return all(bundle.valid(each, now) for each in pair)


def create(policy: Policy, now: dt.datetime) -> Contents:
    """Make a first authority and its leaf."""
    authority = _authority(policy, now)
    return Contents(authority=authority, leaf=_leaf(authority, policy.hosts, policy, now))


def introduce(contents: Contents, policy: Policy, now: dt.datetime) -> Contents:
    """Put a next authority beside the one that issues."""
    return dataclasses.replace(contents, next=_authority(policy, now))


def promote(contents: Contents, policy: Policy, now: dt.datetime) -> Contents:
    """Let the next authority issue the leaf and take over.

    Raises:
        ValueError: There is no next authority.
    """
    if contents.next is None:
        raise ValueError("There is no next authority.")
    leaf = _leaf(contents.next, policy.hosts, policy, now)
    return Contents(authority=contents.next, leaf=leaf)


def renew(contents: Contents, policy: Policy, now: dt.datetime) -> Contents:
    """Issue a new leaf.

    One that is renewed before its time, for a name that it lacks, keeps the names that it has:
    replicas of two versions, each with names of its own, would else take turns.
    """
    names = policy.hosts
    if not policy.leaf_due(contents.leaf.certificate, now):
        names = tuple(dict.fromkeys((*contents.leaf.hosts, *names)))
    return dataclasses.replace(contents, leaf=_leaf(contents.authority, names, policy, now))


def _authority(policy: Policy, now: dt.datetime) -> Authority:
    return Authority.create(
        policy.organization, policy.unit, now=now, lifetime=policy.authority_lifetime
    )


def _leaf(authority: Authority, hosts: tuple[str, ...], policy: Policy, now: dt.datetime) -> Leaf:
    return authority.issue(hosts, now=now, lifetime=policy.leaf_lifetime)
