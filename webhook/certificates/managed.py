"""A certificate that needs nobody: our own authority in a Secret, published and replaced by us.

Each reconciliation observes configuration and Secret once, adopts the Secret's leaf if it is time,
and takes at most one step, which :mod:`certs.rotation` decides. What somebody takes out of a
``caBundle`` once was an accident, and is put back at once. Whoever does it again and again looks
after the ``caBundle`` as we do, and would undo each of our writes: then we back off.
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
from webhook.certificates.loop import ReconcileLoop
from webhook.certificates.serving import ClientAuthentication, ServingContext
from webhook.certificates.verification import ApiServerClock, Verification
from webhook.cluster import ClusterError
from webhook.cluster.answers import ObservedConfiguration
from webhook.cluster.objects import CaBundleClient, ObservedSecret, SecretClient
from webhook.metrics import Metrics
from webhook.settings import Managed

_POLL: Final = 10.0
"""Seconds between two reconciliations, at most; the configuration is also watched."""
_SHORTEST_POLL: Final = 0.5
"""The least that this is lowered to, in seconds, where ``propagation`` is short or zero."""
_AT_ONCE: Final = 20
"""How often what is lost is put back at once."""
_PAUSES: Final = (5.0, 10.0, 20.0, 30.0)
"""Seconds before it is put back after that; the last one from then on."""
_CONTESTED: Final = 5
"""From how many losses on somebody contests the caBundle; fewer are accidents."""
_CALM: Final = 120.0
"""Seconds without a loss after which a contest is over; more than three of the longest pauses."""
_INTO_THE_SECRET: Final = {
    Step.INTRODUCE: rotation.introduce,
    Step.PROMOTE: rotation.promote,
    Step.RENEW: rotation.renew,
}
"""What a step makes of the contents of a Secret that holds some."""
_log = structlog.get_logger(__name__)


class ManagedCertificate:
    """The Secret's leaf; a :class:`webhook.certificates.Certificate`.

    Nothing is served before there is one, and what is served stays so while nobody can be asked.

    Args:
        managed: What the admin chose.
        secret: Holds authority and leaf.
        bundles: Of the configuration that points to us.
        metrics: Told what becomes of them.
        clients: Which clients may connect; ``None``: all.
    """

    def __init__(
        self,
        managed: Managed,
        secret: SecretClient,
        bundles: CaBundleClient,
        metrics: Metrics,
        clients: ClientAuthentication | None = None,
    ) -> None:
        self._clients = clients
        serving = ServingContext(metrics, clients)
        self.context = serving.context
        """What the server listens with."""
        self._reconciler = Reconciler(managed.policy, secret, bundles, serving, metrics)
        # Often enough to see an authority arrive within the time that it is given for that.
        wait = managed.policy.propagation.total_seconds()
        poll = min(_POLL, max(_SHORTEST_POLL, wait / 2))
        self._loop = ReconcileLoop(self._reconciler.reconcile, bundles.watch, poll, metrics)

    @property
    def verified(self) -> bool:
        """See :attr:`webhook.certificates.verification.Verification.verified`."""
        return self._reconciler.verification.verified

    async def run(self) -> None:
        """Keep Secret, bundles and leaf as they should be until cancelled."""
        async with asyncio.TaskGroup() as group:
            if self._clients is not None:
                group.create_task(self._clients.run())
            await self._loop.run()


class Reconciler:
    """Reconciles Secret, caBundles and what one replica serves; everything blocks.

    Args:
        policy: What the admin chose.
        secret: Where authority and leaf are kept, for all replicas.
        bundles: Of the configuration that points to us.
        serving: What connections get.
        metrics: Told of each step and of every expiry.
        monotonic: Tells seconds of a clock that never jumps.
    """

    def __init__(
        self,
        policy: Policy,
        secret: SecretClient,
        bundles: CaBundleClient,
        serving: ServingContext,
        metrics: Metrics,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        # The authorities of this Secret can be told from those of others by their subject.
        self._policy = dataclasses.replace(policy, unit=str(secret))
        self._secret = secret
        self._bundles = bundles
        self._serving = serving
        self._metrics = metrics
        self._monotonic = monotonic
        self._timer = ConditionTimer()
        self._served: Served | None = None
        self._backoff = ContestBackoff(metrics)
        # Of the conditions: true at the last reconciliation, or published by it.
        self._true_before: set[str] = set()
        self._clock = ApiServerClock(monotonic)
        self.verification = Verification(serving, metrics, self._clock)
        """Whether what is served is verified by what is published."""

    def reconcile(self) -> bool:
        """Observe, adopt the Secret's leaf if it is time, and take the step that is due.

        Returns:
            Whether there was a step: then it is worth reconciling again soon.

        Raises:
            Conflict: Somebody else was first, which is as good: reconcile again.
            ClusterError: The API server is away or does not let us.
            ContentsError: The Secret holds something that we would not write, and keeps it.
            CertificateError: Its leaf cannot be served.
        """
        try:
            # In this order, which Observed relies upon: what is published before the Secret.
            published, date = self._bundles.read()
            self.verification.published = published
            stored, later = self._secret.read()
            self._clock.update(later or date)
            observed = self._observe(published, stored, self._clock.now())
            if adopts(observed, self._policy):
                observed = self._adopt(observed)
            backing_off = self._backs_off(observed, published)
            step = next_step(observed, self._policy, publishing=not backing_off)
            if step is not Step.REST:
                self._take(step, observed, published, stored)
        except ClusterError as error:
            self._clock.update(error.date)
            raise
        finally:
            self.verification.check()
        return step is not Step.REST

    def _observe(
        self,
        published: ObservedConfiguration | None,
        stored: ObservedSecret | None,
        now: dt.datetime,
    ) -> Observed:
        """Put together what was read, what is served, and for how long each condition has held."""
        contents = None if stored is None else self._load(stored)
        pems = () if published is None else tuple(entry.bundle for entry in published.entries)
        durations = self._timer.durations(conditions(pems, contents), self._monotonic())
        return Observed(
            published=pems, contents=contents, served=self._served, now=now, durations=durations
        )

    def _backs_off(self, observed: Observed, published: ObservedConfiguration | None) -> bool:
        """Note whether somebody took out what was published; tell whether to put it back later."""
        at = self._monotonic()
        gone = self._true_before.difference(observed.durations)
        self._true_before = set(observed.durations)
        if published is not None and gone & set(map(bundle.fingerprint, observed.desired)):
            present = dict.fromkeys(each for pem in observed.published for each in bundle.read(pem))
            others = [each for each in present if each not in observed.desired]
            self._backoff.record_loss(published, others, at)
        return self._backoff.active(at)

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
            # Says nothing where there is no such series (prometheus_client 0.26).
            expiry.remove_by_labels({"certificate": "next-authority"})
        return contents

    def _adopt(self, observed: Observed) -> Observed:
        """Serve the Secret's leaf from the next handshake on."""
        assert observed.contents is not None  # noqa: S101  or there was nothing to adopt
        leaf, issuer = observed.contents.leaf, observed.contents.authority.certificate
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
        return dataclasses.replace(observed, served=self._served)

    def _take(
        self,
        step: Step,
        observed: Observed,
        published: ObservedConfiguration | None,
        stored: ObservedSecret | None,
    ) -> None:
        """Write what the step asks for, then count and log it."""
        if step is Step.PUBLISH:
            self._publish(published, [with_desired(pem, observed) for pem in observed.published])
            # What is gone at the next reconciliation was taken out after this write.
            self._true_before.update(map(bundle.fingerprint, observed.desired))
        elif step is Step.RETIRE:
            self._publish(
                published,
                [without_retired(pem, observed, self._policy) for pem in observed.published],
            )
        else:
            self._write(step, observed, stored)
        self._metrics.certificate_steps.labels(step).inc()
        _log.info("certificates-step", step=step)

    def _publish(self, published: ObservedConfiguration | None, pems: list[bytes]) -> None:
        """Write the caBundles, if nobody else has since they were read."""
        assert published is not None  # noqa: S101  or there is no bundle to change
        self._bundles.publish(published, pems)

    def _write(self, step: Step, observed: Observed, stored: ObservedSecret | None) -> None:
        """Write new contents into the Secret, if nobody else has since it was read."""
        if observed.contents is None:
            contents = rotation.create(self._policy, observed.now)
        else:
            contents = _INTO_THE_SECRET[step](observed.contents, self._policy, observed.now)
        if stored is None:
            self._secret.create(contents.data())
        else:
            self._secret.replace(contents.data(), stored.resource_version)


class ContestBackoff:
    """Backs off where somebody else keeps taking our authority out of one configuration.

    Args:
        metrics: Told whether somebody does.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._gauge = metrics.ca_bundle_contested
        self._losses = 0
        self._last = 0.0

    def record_loss(
        self, published: ObservedConfiguration, others: Iterable[x509.Certificate], at: float
    ) -> None:
        """Note that an authority that was published is not there any more, and log a contest.

        Args:
            published: The configuration without it.
            others: The authorities in it that are not ours.
            at: Monotonic seconds.
        """
        self._forget_after_calm(at)
        self._losses += 1
        self._last = at
        if self._losses == _CONTESTED or self._losses > _AT_ONCE:
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

    def active(self, at: float) -> bool:
        """Tell whether to leave the configuration as it is for now.

        Args:
            at: Monotonic seconds.
        """
        self._forget_after_calm(at)
        return bool(self._losses) and at - self._last < self._pause

    def _forget_after_calm(self, at: float) -> None:
        """Begin anew where nothing was lost for long, whether or not it was asked meanwhile."""
        if self._losses and at - self._last > _CALM:
            if self._losses >= _CONTESTED:
                _log.info("ca-bundle-uncontested")
            self._losses = 0
            self._gauge.set(0)

    @property
    def _pause(self) -> float:
        """How long to wait after the last loss, in seconds."""
        beyond = self._losses - _AT_ONCE
        return 0.0 if beyond <= 0 else _PAUSES[min(beyond, len(_PAUSES)) - 1]


def _timestamp(certificate: x509.Certificate) -> float:
    """Tell when a certificate expires, in seconds since the epoch."""
    return certificate.not_valid_after_utc.timestamp()
