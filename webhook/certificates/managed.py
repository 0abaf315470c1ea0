"""Whether somebody else keeps taking our authority out of the configuration, and who it is.

What is taken away once was an accident, and is put back at once. Whoever does it again and again
looks after the ``caBundle`` as we do, and would answer each write of ours with one of his.

One look at configuration and Secret, and the one step that follows from it.

A certificate that needs nobody: our own authority in a Secret, published and replaced by us.
"""

import asyncio
import dataclasses
import datetime as dt
import time
from collections.abc import Callable, Iterable
from typing import Final

import structlog
from cryptography import x509

from certs import bundle, rotation
from certs.authority import BACKDATE
from certs.contents import Contents, ContentsError
from certs.policy import Policy
from certs.rotation import (
    ConditionTimer,
    Observed,
    Served,
    Step,
    adopts,
    conditions,
    next_step,
    with_desired,
    without_retired,
)
from webhook.certificates.loop import Lookout
from webhook.certificates.serving import Clients, Serving
from webhook.certificates.verification import Clock, Publication
from webhook.cluster import ClusterError
from webhook.cluster.answers import ObservedConfiguration
from webhook.cluster.objects import CaBundleClient, ObservedSecret, SecretClient
from webhook.metrics import Metrics
from webhook.settings import Managed

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

    def lost(
        self, published: ObservedConfiguration, others: Iterable[x509.Certificate], at: float
    ) -> None:
        """Note that what was published is not there any more.

        Args:
            published: The configuration without it.
            others: The authorities in it that are not ours.
            at: Monotonic seconds.
        """
        self._forget_after_calm(at)
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
        self._forget_after_calm(at)
        return bool(self._losses) and at - self._last < self._pause

    def _forget_after_calm(self, at: float) -> None:
        """Begin anew where nothing was lost for long, whether or not anybody looked meanwhile."""
        if self._losses and at - self._last > _CALM:
            if self._losses >= _CONTEST:
                _log.info("ca-bundle-uncontested")
            self._losses = 0
            self._gauge.set(0)

    @property
    def _pause(self) -> float:
        """How long to rest after the last loss, in seconds."""
        beyond = self._losses - _AT_ONCE
        return 0.0 if beyond <= 0 else _PAUSES[min(beyond, len(_PAUSES)) - 1]


_INTO_THE_SECRET: Final = {
    Step.INTRODUCE: rotation.introduce,
    Step.PROMOTE: rotation.promote,
    Step.RENEW: rotation.renew,
}


class Turn:
    """Takes the turns of one replica, one at a time; everything blocks.

    Args:
        policy: What is wanted.
        secret: Holds the truth.
        bundles: Of the configuration that points to us.
        serving: What connections get.
        metrics: Told of each step and of every expiry.
        steady: Monotonic seconds.
    """

    def __init__(
        self,
        policy: Policy,
        secret: SecretClient,
        bundles: CaBundleClient,
        serving: Serving,
        metrics: Metrics,
        *,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        # The authorities of this Secret can be told from those of others by their subject.
        self._policy = dataclasses.replace(policy, unit=str(secret))
        self._secret = secret
        self._bundles = bundles
        self._serving = serving
        self._metrics = metrics
        self._steady = steady
        self._timer = ConditionTimer()
        self._served: Served | None = None
        self._contest = Contest(metrics)
        self._present: set[str] = set()
        self._clock = Clock(steady)
        self.publication = Publication(serving, metrics, self._clock)
        """Whether what is served is verified by what is published."""

    def take(self) -> bool:
        """Look, adopt a new leaf if it is time, and take the step that is due.

        Returns:
            Whether there was one: then it is worth looking again soon.

        Raises:
            Conflict: Somebody else was first, which is as good: look again.
            ClusterError: The API server is away or does not let us.
            ContentsError: The Secret holds something that we would not write, and keeps it.
            CertificateError: Its leaf cannot be served.
        """
        try:
            published, date = self._bundles.read()
            self.publication.published = published
            stored, later = self._secret.read()
            self._clock.told(later or date)
            seen = self._seen(published, stored, self._clock.now())
            if adopts(seen, self._policy):
                seen = self._adopt(seen)
            contested = self._contested(seen, published)
            step = next_step(seen, self._policy, publishing=not contested)
            if step is not Step.REST:
                self._do(step, seen, published, stored)
        except ClusterError as error:
            self._clock.told(error.date)
            raise
        finally:
            self.publication.check()
        return step is not Step.REST

    def _seen(
        self,
        published: ObservedConfiguration | None,
        stored: ObservedSecret | None,
        now: dt.datetime,
    ) -> Observed:
        """Put together what was read."""
        contents = None if stored is None else self._load(stored)
        pems = () if published is None else tuple(entry.bundle for entry in published.entries)
        durations = self._timer.durations(conditions(pems, contents), self._steady())
        return Observed(
            published=pems, contents=contents, served=self._served, now=now, durations=durations
        )

    def _contested(self, seen: Observed, published: ObservedConfiguration | None) -> bool:
        """Note whether somebody took away what was published; tell whether to leave it so."""
        at = self._steady()
        gone = self._present.difference(seen.durations)
        self._present = set(seen.durations)
        if published is not None and gone & set(map(bundle.fingerprint, seen.desired)):
            present = dict.fromkeys(each for pem in seen.published for each in bundle.read(pem))
            others = [each for each in present if each not in seen.desired]
            self._contest.lost(published, others, at)
        return self._contest.rests(at)

    def _load(self, stored: ObservedSecret) -> Contents | None:
        """Read the Secret's data, and tell when its authorities expire."""
        try:
            contents = Contents.load(stored.data)
        except ContentsError as error:
            raise ContentsError(
                f"{self._secret} {error}: it stays as it is. Delete it, and certificates are made "
                "anew; or name another one with --tls-secret."
            ) from None
        expiry = self._metrics.certificate_not_after
        if contents is not None:
            expiry.labels("authority").set(_timestamp(contents.authority.certificate))
        if contents is not None and contents.next is not None:
            expiry.labels("next-authority").set(_timestamp(contents.next.certificate))
        else:
            expiry.remove_by_labels({"certificate": "next-authority"})
        return contents

    def _adopt(self, seen: Observed) -> Observed:
        """Serve the Secret's leaf from the next handshake on."""
        assert seen.contents is not None  # noqa: S101  or there was nothing to adopt
        leaf, issuer = seen.contents.leaf, seen.contents.authority.certificate
        self._serving.use(leaf.certificate_pem, leaf.key_pem)
        self._served = Served(certificate=leaf.certificate, issuer=issuer)
        issued = leaf.certificate.not_valid_before_utc + BACKDATE
        self._metrics.last_rotation.set(issued.timestamp())
        _log.info(
            "certificate-adopted",
            fingerprint=bundle.fingerprint(leaf.certificate),
            issuer=bundle.fingerprint(issuer),
            expires=leaf.certificate.not_valid_after_utc.isoformat(),
        )
        return dataclasses.replace(seen, served=self._served)

    def _do(
        self,
        step: Step,
        seen: Observed,
        published: ObservedConfiguration | None,
        stored: ObservedSecret | None,
    ) -> None:
        """Take a step."""
        if step is Step.PUBLISH:
            self._publish(published, [with_desired(pem, seen) for pem in seen.published])
            self._present.update(map(bundle.fingerprint, seen.desired))
        elif step is Step.RETIRE:
            self._publish(
                published, [without_retired(pem, seen, self._policy) for pem in seen.published]
            )
        else:
            self._write(step, seen, stored)
        self._metrics.certificate_steps.labels(step).inc()
        _log.info("certificates-step", step=step)

    def _publish(self, published: ObservedConfiguration | None, pems: list[bytes]) -> None:
        """Write the caBundles, if nobody else has since they were read."""
        assert published is not None  # noqa: S101  or there is no bundle to change
        self._bundles.publish(published, pems)

    def _write(self, step: Step, seen: Observed, stored: ObservedSecret | None) -> None:
        """Write new contents into the Secret, if nobody else has since it was read."""
        if seen.contents is None:
            contents = rotation.create(self._policy, seen.now)
        else:
            contents = _INTO_THE_SECRET[step](seen.contents, self._policy, seen.now)
        if stored is None:
            self._secret.create(contents.data())
        else:
            self._secret.replace(contents.data(), stored.resource_version)


def _timestamp(certificate: x509.Certificate) -> float:
    """Tell when a certificate expires, in seconds since the epoch."""
    return certificate.not_valid_after_utc.timestamp()


_POLL: Final = 10.0
"""Seconds between two looks, at most; the configuration is also watched."""
_SHORTEST_POLL: Final = 0.5
"""Seconds; where a caBundle is given no time to arrive, we still have something else to do."""


class ManagedCertificate:
    """The Secret's leaf; a :class:`webhook.certificates.Certificate`.

    Nothing is served before there is one, and what is served stays so while nobody can be asked.

    Args:
        managed: What was chosen.
        secret: Holds authority and leaf.
        bundles: Of the configuration that points to us.
        metrics: Told what becomes of them.
        clients: Who may connect; ``None``: anybody.
    """

    def __init__(
        self,
        managed: Managed,
        secret: SecretClient,
        bundles: CaBundleClient,
        metrics: Metrics,
        clients: Clients | None = None,
    ) -> None:
        self._clients = clients
        serving = Serving(metrics, clients)
        self.context = serving.context
        """What the server listens with."""
        self._turn = Turn(managed.policy, secret, bundles, serving, metrics)
        # Often enough to see an authority arrive within the time that it is given for that.
        wait = managed.policy.propagation.total_seconds()
        poll = min(_POLL, max(_SHORTEST_POLL, wait / 2))
        self._lookout = Lookout(self._turn.take, bundles.watch, poll, metrics)

    @property
    def verified(self) -> bool:
        """See :attr:`webhook.certificates.verification.Publication.verified`."""
        return self._turn.publication.verified

    async def run(self) -> None:
        """Keep Secret, bundles and leaf as they should be until cancelled."""
        async with asyncio.TaskGroup() as group:
            if self._clients is not None:
                group.create_task(self._clients.run())
            await self._lookout.run()
