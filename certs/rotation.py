"""When certificates are replaced, and in which order: a state machine that keeps no state.

All that a step depends on is in :class:`certs.seen.Seen`, and each step is one write to one object.
So any replica can take it, several can try at once, and each may die after it: whoever looks next
finds a complete state and goes on from there. An authority is replaced in this order::

    INTRODUCE  Secret: the next authority stands beside the one that issues
    PUBLISH    every caBundle: old and new
    PROMOTE    Secret: once every caBundle has had it for ``propagation``, the next one issues the
               leaf and takes over; each replica adopts that leaf when it sees it
    RETIRE     every caBundle: once the new authority has issued for ``overlap``, whichever leaves,
               the old one is left out

Certificates are compared with the time of day. Waiting is measured by each replica's own monotonic
clock (:class:`certs.sightings.Sightings`), so that no jump of the time of day can shorten it.
"""

import datetime as dt
import enum
from typing import Final

from certs import bundle
from certs.contents import Contents
from certs.policy import Policy
from certs.seen import Seen, mended, trimmed


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
