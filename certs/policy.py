"""What an admin chose about certificates: for whom, for how long, and how patiently."""

import dataclasses
import datetime as dt

from cryptography import x509

from certs.pair import general_name

_LAST_PART = 3
"""A certificate is replaced when one part of this many of its lifetime is left."""


_SHORTEST = dt.timedelta(seconds=10)


class PolicyError(ValueError):
    """A policy contradicts itself; the text is one sentence for a person."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How an authority and its leaves are made and replaced.

    Raises:
        PolicyError: Something would expire before its successor can be used, or a host is none.
    """

    hosts: tuple[str, ...]
    """DNS names and addresses that the leaf is for."""

    organization: str = "source-ip-webhook"
    """Whose authority it is; part of its subject."""

    authority_lifetime: dt.timedelta = dt.timedelta(days=365)
    """As Kyverno and cert-manager's own webhook have it: a key that has leaked unseen is of no more
    use after eight months, when two thirds have passed, and replacing it costs no request."""

    leaf_lifetime: dt.timedelta = dt.timedelta(days=90)
    """Long enough to survive a month in which nothing can be renewed."""

    propagation: dt.timedelta = dt.timedelta(seconds=30)
    """How long a caBundle takes to reach every API server, at most. Measured: 60 ms on one; the
    rest is for those that are busy or far away."""

    overlap: dt.timedelta = dt.timedelta(hours=1)
    """How long a replica may go on with the leaf before, at most, because it cannot reach the
    Secret. After that the authority of that leaf is trusted no more."""

    def __post_init__(self) -> None:
        """Refuse what could not work."""
        for host in self.hosts:
            try:
                general_name(host)
            except ValueError:
                raise PolicyError(
                    f"{host!r} is no DNS name and no address, so no certificate can be for it."
                ) from None
        if self.leaf_lifetime < _SHORTEST:
            raise PolicyError("A leaf cannot be replaced in time that lasts less than ten seconds.")
        if self.leaf_lifetime > self.authority_lifetime / _LAST_PART:
            raise PolicyError(
                "A leaf may last for a third of its authority's lifetime at most, or it would "
                "outlive the authority, which is replaced when a third is left."
            )
        if self.propagation > self.leaf_lifetime / _LAST_PART:
            raise PolicyError(
                "A leaf has to last three times as long as a caBundle may take to arrive, or it "
                "could expire before its successor can be used."
            )

    def authority_due(self, authority: x509.Certificate, now: dt.datetime) -> bool:
        """Tell whether it is time to replace an authority."""
        return _due(authority, now, self.authority_lifetime)

    def leaf_due(self, leaf: x509.Certificate, now: dt.datetime) -> bool:
        """Tell whether it is time to replace a leaf."""
        return _due(leaf, now, self.leaf_lifetime)


def _due(certificate: x509.Certificate, now: dt.datetime, lifetime: dt.timedelta) -> bool:
    """Tell whether the last part of a lifetime has begun, or the lifetime has not."""
    last_part = certificate.not_valid_after_utc - lifetime / _LAST_PART
    return now >= last_part or now < certificate.not_valid_before_utc
