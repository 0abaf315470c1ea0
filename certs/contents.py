"""What the Secret holds: the authority, its leaf and, during a rotation, the next authority.

Pure: it turns the data of a Secret into certificates and back, and touches no cluster.
"""

import dataclasses
from collections.abc import Mapping
from typing import Final, Self, TypeVar

from certs.authority import Authority
from certs.bundle import Bundle, issued
from certs.pair import Leaf

_AUTHORITY: Final = ("ca.crt", "ca.key")
_LEAF: Final = ("tls.crt", "tls.key")
_NEXT: Final = ("next-ca.crt", "next-ca.key")

KEYS: Final = frozenset({*_AUTHORITY, *_LEAF, *_NEXT})
"""Every key that a Secret of ours may have; the chart's policy lists them too."""


class ContentsError(Exception):
    """A Secret holds something else than we would write; the text says what, and nothing of it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """One consistent state of the Secret."""

    authority: Authority
    """Issues leaves."""

    leaf: Leaf
    """What replicas serve; issued by ``authority``."""

    next: Authority | None = None
    """Will take over: published beside ``authority``, and issuing nothing yet."""

    @classmethod
    def load(cls, data: Mapping[str, bytes]) -> Self | None:
        """Read the data of a Secret.

        Args:
            data: Decoded, as ``data()`` makes it.

        Returns:
            ``None`` for a Secret that holds nothing, which is one that waits to be filled.

        Raises:
            ContentsError: It was made by somebody else, or is damaged.
        """
        if not data:
            return None
        foreign = sorted(set(data) - KEYS)
        if foreign:
            raise ContentsError(f"holds {', '.join(foreign)}, which is not ours")
        contents = cls(
            authority=_load(Authority, data, _AUTHORITY),
            leaf=_load(Leaf, data, _LEAF),
            next=_load(Authority, data, _NEXT) if set(_NEXT) & set(data) else None,
        )
        if not issued(contents.leaf.certificate, contents.authority.certificate):
            raise ContentsError("holds a tls.crt that its ca.crt did not issue")
        return contents

    def data(self) -> dict[str, bytes]:
        """Write the data of a Secret, private keys included."""
        pairs: dict[tuple[str, str], Authority | Leaf] = {
            _AUTHORITY: self.authority,
            _LEAF: self.leaf,
        }
        if self.next is not None:
            pairs[_NEXT] = self.next
        return {
            name: pem
            for names, pair in pairs.items()
            for name, pem in zip(names, (pair.certificate_pem, pair.key_pem), strict=True)
        }

    @property
    def authorities(self) -> Bundle:
        """The authorities that clients have to trust, the issuing one first."""
        following = () if self.next is None else (self.next.certificate,)
        return self.authority.certificate, *following


_P = TypeVar("_P", Authority, Leaf)


def _load(kind: type[_P], data: Mapping[str, bytes], names: tuple[str, str]) -> _P:
    """Read one pair."""
    missing = [name for name in names if name not in data]
    if missing:
        raise ContentsError(f"lacks {' and '.join(missing)}")
    try:
        return kind.load(*(data[name] for name in names))
    except ValueError as error:
        raise ContentsError(f"holds {' and '.join(names)} of which {error}") from None
