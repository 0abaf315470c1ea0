"""What the steps of a rotation write into the Secret."""

import dataclasses
import datetime as dt

from certs.authority import Authority
from certs.contents import Contents
from certs.pair import Leaf
from certs.policy import Policy


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
