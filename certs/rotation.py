"""When certificates are replaced, and in which order: a state machine that keeps no state.

All that a step depends on is in :class:`Observed`, and each step is one write to one object.
So any replica can take it, several can try at once, and each may die after it: the next one
finds a complete state and goes on from there. An authority is replaced in this order::

    INTRODUCE  Secret: the next authority stands beside the one that issues
    PUBLISH    every caBundle: old and new
    PROMOTE    Secret: once every caBundle has had it for ``propagation``, the next one issues the
               leaf and takes over; each replica adopts that leaf when it observes it
    RETIRE     every caBundle: once the new authority has been the issuer for ``overlap``, however
               many leaves it issued meanwhile, the old one is left out

Certificates are compared with the time of day. Waiting is measured by each replica's own monotonic
clock (:class:`ConditionTimer`), so that no jump of the time of day can shorten it.
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


class Step(enum.StrEnum):
    """What to do next."""

    REST = "rest"
    """Nothing; reconcile again later."""
    CREATE = "create"
    """Write a first authority and its leaf into the Secret."""
    PUBLISH = "publish"
    """Add the desired authorities to every caBundle."""
    INTRODUCE = "introduce"
    """Write a next authority into the Secret."""
    PROMOTE = "promote"
    """Let the next authority issue the leaf and take over."""
    RENEW = "renew"
    """Issue a new leaf."""
    RETIRE = "retire"
    """Leave no authority of ours in any caBundle but the desired ones."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What a replica serves."""

    certificate: x509.Certificate
    """The leaf."""

    issuer: x509.Certificate
    """The authority that issued it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """All that one replica has observed when it decides.

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

    durations: Mapping[str, dt.timedelta]
    """By condition (see :func:`conditions`): for how long this replica has observed it. Holds only
    the conditions that are true now."""

    @property
    def desired(self) -> bundle.Bundle:
        """The authorities that have to be in every caBundle.

        Those of the Secret, and the issuer of what this replica serves while that is in date.
        """
        held = () if self.contents is None else self.contents.authorities
        own = () if self.served is None else (self.served.issuer,)
        useful = (each for each in own if bundle.valid(each, self.now))
        return tuple(dict.fromkeys((*useful, *held)))

    def published_for(self, authority: x509.Certificate) -> dt.timedelta | None:
        """Tell for how long an authority has been in every caBundle; ``None``: it is not."""
        return self.durations.get(bundle.fingerprint(authority))

    def issuing_for(self, authority: x509.Certificate) -> dt.timedelta | None:
        """Tell for how long an authority has been the one that issues; ``None``: it is not.

        A renewal of its leaf does not begin that anew: every replica that reconciled since can have
        adopted one of its leaves.
        """
        return self.durations.get(_issuing(authority))


def conditions(published: tuple[bytes, ...], contents: Contents | None) -> set[str]:
    """Name the conditions that are true now and that a step may have to wait for.

    Args:
        published: See :attr:`Observed.published`. A caBundle that some reader could misread counts
            as empty. Where there is no caBundle, every authority of the Secret counts as published,
            since there is nobody who would have to learn of it.
        contents: See :attr:`Observed.contents`.

    Returns:
        For each authority that is in every caBundle its fingerprint, and for the Secret's authority
        one more name, as the one that issues.
    """
    held = () if contents is None else contents.authorities
    bundles = [set(bundle.read(pem)) if bundle.tidy(pem) else set() for pem in published]
    everywhere = set.intersection(*bundles) if bundles else set(held)
    issuing = set() if contents is None else {_issuing(contents.authority.certificate)}
    return {bundle.fingerprint(each) for each in everywhere} | issuing


class ConditionTimer:
    """Measures for how long each condition has been true at every observation.

    A condition that is true at two observations in a row counts as true between them. While a
    machine sleeps its monotonic clock stands still: that makes a wait longer, and never shorter.
    """

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def durations(self, observed: Iterable[str], at: float) -> dict[str, dt.timedelta]:
        """Note which conditions are true now, and tell for how long each has been.

        Args:
            observed: Names of the conditions that are true. Every other one is forgotten, and
                begins at zero when it comes back.
            at: Seconds of a monotonic clock.
        """
        self._since = {name: self._since.get(name, at) for name in observed}
        return {name: dt.timedelta(seconds=at - since) for name, since in self._since.items()}


def next_step(observed: Observed, policy: Policy, *, publishing: bool = True) -> Step:
    """Decide what to do next.

    Args:
        observed: The state of the world.
        policy: What the admin chose.
        publishing: Whether what is missing in a caBundle may be added now. Where not, everything
            else goes on: what others do to a caBundle keeps no leaf from being renewed.
    """
    if publishing and any(with_desired(pem, observed) != pem for pem in observed.published):
        return Step.PUBLISH
    contents = observed.contents
    if contents is None:
        return Step.CREATE
    return next((step for step, due in _IN_ORDER if due(observed, contents, policy)), Step.REST)


def adopts(observed: Observed, policy: Policy) -> bool:
    """Decide whether a replica serves the Secret's leaf from now on.

    Not before the leaf's authority has reached every client, with two exceptions in which nothing
    can be lost: what the replica serves is out of date, or it serves nothing yet and no client
    trusts any authority but the desired ones.
    """
    contents, served = observed.contents, observed.served
    if contents is None or not _usable(contents, observed.now):
        return False
    if served is not None and served.certificate == contents.leaf.certificate:
        return False
    published_for = observed.published_for(contents.authority.certificate)
    if published_for is None:
        return False
    if published_for >= policy.propagation:
        return True
    if served is not None:
        return not bundle.valid(served.certificate, observed.now)
    return all(set(bundle.read(pem)) <= set(observed.desired) for pem in observed.published)


def with_desired(pem: bytes, observed: Observed) -> bytes:
    """Add to a caBundle the desired authorities that it lacks, in PEM that every reader can read.

    Args:
        pem: The caBundle as it is published.
        observed: Tells what is desired.

    Returns:
        The same bytes where nothing is missing and nobody can misread it.
    """
    present = bundle.read(pem)
    if not observed.desired or (set(observed.desired) <= set(present) and bundle.tidy(pem)):
        return pem
    return bundle.write(bundle.merge(present, observed.desired, observed.now))


def without_retired(pem: bytes, observed: Observed, policy: Policy) -> bytes:
    """Leave out of a caBundle the authorities of ours that are no longer desired.

    Those of others stay: whoever else looks after this caBundle would put them back, without end.

    Args:
        pem: The caBundle as it is published.
        observed: Tells what is desired.
        policy: Tells our authorities from those of others.

    Returns:
        The same bytes where there is none to leave out.
    """
    present = bundle.read(pem)
    kept = [each for each in present if each in observed.desired or not policy.made(each)]
    return pem if len(kept) == len(present) else bundle.write(kept)


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
    replicas of two versions, each with names of its own, would otherwise replace each other's leaf
    without end.
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


def _may_promote(observed: Observed, contents: Contents, policy: Policy) -> bool:
    """Tell whether the next authority can take over; at once where there is nothing to lose."""
    if contents.next is None or not bundle.valid(contents.next.certificate, observed.now):
        return False
    published_for = observed.published_for(contents.next.certificate)
    if published_for is None:
        return False
    return published_for >= policy.propagation or not _usable(contents, observed.now)


def _needs_next(observed: Observed, contents: Contents, policy: Policy) -> bool:
    """Tell whether a next authority has to be introduced, also in place of one out of date."""
    if contents.next is not None:
        return not bundle.valid(contents.next.certificate, observed.now)
    return policy.authority_due(contents.authority.certificate, observed.now)


def _needs_leaf(observed: Observed, contents: Contents, policy: Policy) -> bool:
    """Tell whether the authority should issue a new leaf, and can issue a better one."""
    leaf, authority = contents.leaf, contents.authority.certificate
    if not bundle.valid(authority, observed.now):
        return False
    if not leaf.covers(policy.hosts) or not bundle.valid(leaf.certificate, observed.now):
        return True
    lasts_longer = authority.not_valid_after_utc > leaf.certificate.not_valid_after_utc
    return lasts_longer and policy.leaf_due(leaf.certificate, observed.now)


def _may_retire(observed: Observed, contents: Contents, policy: Policy) -> bool:
    """Tell whether authorities that are not desired can go, as every replica has left them by now.

    After a CREATE the Secret's authority has issued a leaf before it is published, and no replica
    serves that leaf until then: so it must have been published, and have been the issuer, for
    ``overlap`` each. A renewed leaf changes nothing, since a replica adopts it at the same time at
    which it would have adopted the one before.
    """
    authority = contents.authority.certificate
    ages = observed.published_for(authority), observed.issuing_for(authority)
    return all(age is not None and age >= policy.overlap for age in ages) and any(
        without_retired(pem, observed, policy) != pem for pem in observed.published
    )


def _usable(contents: Contents, now: dt.datetime) -> bool:
    """Tell whether anybody could verify the Secret's leaf at this time."""
    pair = contents.leaf.certificate, contents.authority.certificate
    return all(bundle.valid(each, now) for each in pair)


def _issuing(authority: x509.Certificate) -> str:
    """Name an authority as the one that issues, which it may be before it is published."""
    return f"issuing {bundle.fingerprint(authority)}"


_IN_ORDER: Final = (
    (Step.PROMOTE, _may_promote),
    (Step.INTRODUCE, _needs_next),
    (Step.RENEW, _needs_leaf),
    (Step.RETIRE, _may_retire),
)
"""Of the steps that are due, the first one here is taken.

PROMOTE stands before RENEW because it issues a leaf itself, and INTRODUCE because a next authority
has to wait for its propagation; RETIRE stands last because nothing waits for it.
"""
