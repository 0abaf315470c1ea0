"""Whether somebody else keeps taking our authority out of the configuration, and who it is.

What is taken away once was an accident, and is put back at once. Whoever does it again and again
looks after the ``caBundle`` as we do, and would answer each write of ours with one of his.
"""

from collections.abc import Iterable
from typing import Final

import structlog
from cryptography import x509

from certs import bundle
from webhook.cluster.ca_bundle import Published
from webhook.telemetry.metrics import Metrics

_AT_ONCE: Final = 20
"""How often it is put back at once."""

_PAUSES: Final = (5.0, 10.0, 20.0, 30.0)
"""Seconds before it is put back after that; the last one from then on."""

_CONTEST: Final = 5
"""How often it is an accident, and not somebody who will go on."""

_CALM: Final = 120.0
"""Seconds after which it is over; more than three of the longest pauses."""

_log = structlog.get_logger(__name__)


class Contest:
    """What became of our authority in one configuration.

    Args:
        metrics: Told whether somebody contests it.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._gauge = metrics.ca_bundle_contested
        self._losses = 0
        self._last = 0.0

    def lost(self, published: Published, others: Iterable[x509.Certificate], at: float) -> None:
        """Note that what was published is not there any more.

        Args:
            published: The configuration without it.
            others: The authorities in it that are not ours.
            at: Monotonic seconds.
        """
        self._losses += 1
        self._last = at
        if self._losses == _CONTEST or self._losses > _AT_ONCE:
            self._gauge.set(1)
            _log.warning(
                "ca-bundle-contested",
                losses=self._losses,
                pause=self._pause,
                written_by=published.writers,
                authorities=[
                    f"{each.subject.rfc4514_string()} {bundle.fingerprint(each)}" for each in others
                ],
            )

    def rests(self, at: float) -> bool:
        """Tell whether to leave the configuration as it is for now.

        Args:
            at: Monotonic seconds.
        """
        since = at - self._last
        if self._losses and since > _CALM:
            if self._losses >= _CONTEST:
                _log.info("ca-bundle-uncontested")
            self._losses = 0
            self._gauge.set(0)
        return bool(self._losses) and since < self._pause

    @property
    def _pause(self) -> float:
        """How long to rest after the last loss, in seconds."""
        beyond = self._losses - _AT_ONCE
        return 0.0 if beyond <= 0 else _PAUSES[min(beyond, len(_PAUSES)) - 1]
