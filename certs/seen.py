"""What one replica sees when it decides about certificates."""

import dataclasses
import datetime as dt
from collections.abc import Mapping

from cryptography import x509

from certs import bundle
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
