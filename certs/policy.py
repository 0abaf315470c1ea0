"""What an admin chose about certificates: for whom, for how long, and how patiently."""

import dataclasses
import datetime as dt
import string
from collections.abc import Callable, Mapping
from typing import Final

from cryptography import x509

from certs.authority import general_name, made_for

LAST_PART: Final = 3
"""A divisor: a certificate is replaced when its lifetime divided by this, a third, is left."""
_SHORTEST_LEAF: Final = dt.timedelta(seconds=10)
"""The least lifetime of a leaf: with less, nothing could be replaced in time."""


class PolicyError(ValueError):
    """A policy contradicts itself, or a host of it is none; the text is one sentence for a person.

    Args:
        sentence: The text, with the names of fields of :class:`Policy` in braces.
        fields: The value of each of these fields; none: the sentence is taken as it is.
    """

    def __init__(self, sentence: str, **fields: dt.timedelta) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.fields = fields

    def __str__(self) -> str:
        """Name each field as :class:`Policy` does."""
        return self.sentence_with({name: f"{name} {value}" for name, value in self.fields.items()})

    def sentence_with(self, names: Mapping[str, str]) -> str:
        """Write the sentence in the words of whoever chose the policy.

        Args:
            names: What stands for each of :attr:`fields`, such as a flag and what it was given.
        """
        return self.sentence.format_map(names) if self.fields else self.sentence


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

    unit: str = ""
    """Which of the organization's: where its key is kept. Part of the subject too, so that whoever
    retires authorities leaves those of others alone."""

    authority_lifetime: dt.timedelta = dt.timedelta(days=365)
    """As Kyverno and cert-manager's own webhook have it: a key that has leaked unseen is of no more
    use after eight months, when two thirds have passed, and replacing it costs no request."""

    leaf_lifetime: dt.timedelta = dt.timedelta(days=90)
    """Long enough to survive a month in which nothing can be renewed."""

    propagation: dt.timedelta = dt.timedelta(seconds=30)
    """How long a caBundle takes to reach every API server, at most. Measured: 60 ms on one; the
    rest is for those that are busy or far away."""

    overlap: dt.timedelta = dt.timedelta(hours=1)
    """How long, at most, a replica that cannot reach the Secret may go on with a leaf of the
    previous authority. After that the previous authority is trusted no more."""

    def __post_init__(self) -> None:
        """Refuse what could not work."""
        for host in self.hosts:
            try:
                general_name(host)
            except ValueError:
                raise PolicyError(
                    f"{host!r} is no DNS name and no address, so no certificate can be for it."
                ) from None
        for contradicts, sentence in _CONTRADICTIONS:
            if contradicts(self):
                fields = (field for _, field, _, _ in string.Formatter().parse(sentence) if field)
                raise PolicyError(sentence, **{field: getattr(self, field) for field in fields})

    def made(self, authority: x509.Certificate) -> bool:
        """Tell, by its subject, whether an authority is one of those that this policy makes."""
        return made_for(authority, self.organization, self.unit)

    def authority_due(self, authority: x509.Certificate, now: dt.datetime) -> bool:
        """Tell whether it is time to replace an authority."""
        return _due(authority, now, self.authority_lifetime)

    def leaf_due(self, leaf: x509.Certificate, now: dt.datetime) -> bool:
        """Tell whether it is time to replace a leaf."""
        return _due(leaf, now, self.leaf_lifetime)


def _due(certificate: x509.Certificate, now: dt.datetime, lifetime: dt.timedelta) -> bool:
    """Tell whether a certificate is in the last part of its lifetime, or is not valid yet.

    Args:
        certificate: Any.
        now: The current time, with its zone.
        lifetime: What the policy gives such a certificate; it may have been made with another.
    """
    due_from = certificate.not_valid_after_utc - lifetime / LAST_PART
    return now >= due_from or now < certificate.not_valid_before_utc


_CONTRADICTIONS: Final[tuple[tuple[Callable[[Policy], bool], str], ...]] = (
    (
        lambda policy: policy.leaf_lifetime < _SHORTEST_LEAF,
        "{leaf_lifetime} is less than ten seconds: nothing could be replaced in time; raise it.",
    ),
    (
        lambda policy: policy.leaf_lifetime > policy.authority_lifetime / LAST_PART,
        (
            "{leaf_lifetime} is more than a third of {authority_lifetime}: the certificate would "
            "outlive its authority, which is replaced when a third is left; lower the one or raise "
            "the other."
        ),
    ),
    (
        lambda policy: policy.propagation > policy.leaf_lifetime / LAST_PART,
        (
            "{propagation} is more than a third of {leaf_lifetime}: a certificate could expire "
            "before its successor can be used; lower the one or raise the other."
        ),
    ),
    (
        lambda policy: policy.overlap > policy.leaf_lifetime / LAST_PART,
        (
            "{overlap} is more than a third of {leaf_lifetime}: the certificate that the old "
            "authority is still trusted for could expire before; lower the one or raise the other."
        ),
    ),
    (
        lambda policy: not policy.overlap,
        (
            "{overlap} is no time at all: the old authority would be gone before any replica has "
            "left it; raise it."
        ),
    ),
    (
        lambda policy: policy.overlap < 2 * policy.propagation,
        (
            "{overlap} is less than twice {propagation}: a replica that is late would still wait "
            "for the new authority to arrive when the old one goes; raise the one or lower the "
            "other."
        ),
    ),
)
"""What makes no sense, and the sentence that says so. Several compare with a third of a lifetime,
since that much of it is left when a certificate is replaced."""
