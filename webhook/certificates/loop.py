"""When to reconcile: when the configuration changes, when time has passed, after a failure.

Never one long timer: a machine that slept, or a clock that was set, is noticed at the next time.
"""

import asyncio
import contextlib
import functools
import random
from collections.abc import Callable
from typing import Final

import structlog
import tenacity

from certs.contents import ContentsError
from webhook.certificates import CertificateError
from webhook.cluster import ClusterError, Conflict
from webhook.cluster.answers import Watch
from webhook.cluster.client import in_thread, post_to_loop
from webhook.metrics import Metrics

_SOON: Final = 0.2
"""Seconds: the longest pause after a change, and the longest first pause after a failure; that one
doubles with each further failure. Each pause is random, so that replicas do not act in step."""
_LAST_RETRY: Final = 30.0
"""Longest pause after a failure, in seconds."""
_REWATCH: Final = (1.0, 5.0)
"""Seconds between two watches, picked anew each time."""
_CONFLICTS: Final = 5
"""How many conflicts in a row are taken for another replica's work; each further one is a
failure."""
_ERRORS: Final = (ClusterError, ContentsError, CertificateError)
_log = structlog.get_logger(__name__)


class ReconcileLoop:
    """Calls a function that reconciles, for as long as the loop runs.

    Args:
        reconcile: Compares what is with what should be, and does what is due; blocks, and is
            called in a thread, never twice at the same time. Tells whether it changed anything.
        watch: Makes a watch whose events ask for a reconciliation at once.
        poll: Seconds between two reconciliations when nothing happens, at most.
        metrics: Counts the failures.
    """

    def __init__(
        self,
        reconcile: Callable[[], bool],
        watch: Callable[[], Watch],
        poll: float,
        metrics: Metrics,
    ) -> None:
        self._reconcile = reconcile
        self._watch = watch
        self._poll = poll
        self._failures = metrics.certificate_failures
        self._woken = asyncio.Event()
        self._stuck_by = ""
        self._conflicts = 0

    async def run(self) -> None:
        """Reconcile until cancelled."""
        # One object for all calls: each call counts its attempts from the first one again, so that
        # the back-off begins anew after a success (tenacity 9.2).
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(_ERRORS),
            wait=tenacity.wait_random_exponential(_SOON, _LAST_RETRY),
            sleep=self._pause,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(self._wake_on_change())
            while True:
                changed: bool = await retrying(self._reconcile_once)
                longest = _SOON if changed else self._poll
                await self._pause(random.uniform(longest / 2, longest))  # noqa: S311  no secret

    async def _reconcile_once(self) -> bool:
        """Reconcile, and log when that begins to fail and when it no longer does.

        A conflict is no failure, as somebody else did what was due; but it is no progress either,
        and too many in a row are a failure like any other.
        """
        try:
            changed = await in_thread(self._reconcile, "certificates")
        except _ERRORS as error:
            self._conflicts = self._conflicts + 1 if isinstance(error, Conflict) else 0
            if not 0 < self._conflicts <= _CONFLICTS:
                self._note_failure(str(error))
            raise
        self._conflicts = 0
        if self._stuck_by:
            self._stuck_by = ""
            _log.info("certificates-unstuck")
        return changed

    def _note_failure(self, why: str) -> None:
        """Count a failure, and log it unless it is the same as the one before."""
        self._failures.inc()
        if self._stuck_by != why:
            self._stuck_by = why
            _log.warning("certificates-stuck", why=why)

    async def _pause(self, seconds: float) -> None:
        """Wait until the time is over or a change is seen, whichever comes first."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)
        self._woken.clear()

    async def _wake_on_change(self) -> None:
        """Watch; whatever is wrong with that, the next reconciliation finds out and says."""
        loop = asyncio.get_running_loop()

        def read(watch: Watch) -> None:
            for event in watch.events(lambda: None):
                if event.type != "BOOKMARK":
                    post_to_loop(loop, self._woken.set)

        while True:
            watch = self._watch()
            try:
                await in_thread(functools.partial(read, watch), "configuration-watch")
            except ClusterError as error:
                _log.debug("configuration-watch-ended", why=str(error))
            finally:
                watch.close()
            await asyncio.sleep(random.uniform(*_REWATCH))  # noqa: S311  no secret
