"""Looks again and again: when the configuration changes, when time has passed, after a failure.

Never one long timer: a machine that slept, or a clock that was set, is noticed at the next look.
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
"""Seconds at most before a next look after one that changed something, and the longest first pause
after a failure; that one doubles with each. Random below that: replicas must not act in step."""
_LAST_RETRY: Final = 30.0
"""Longest pause after a failure, in seconds."""
_REWATCH: Final = (1.0, 5.0)
"""Seconds between two watches, picked anew each time."""
_CONFLICTS: Final = 5
"""How often in a row somebody else may have been first; after that it is no longer believed."""
_ERRORS: Final = (ClusterError, ContentsError, CertificateError)
_log = structlog.get_logger(__name__)


class Lookout:
    """Calls a function that looks, for as long as it runs.

    Args:
        look: Looks, and does what has to be done; blocks. Tells whether it changed anything.
        watch: Makes a watch of what :attr:`look` should be called for at once.
        poll: Seconds between two looks when nothing happens, at most.
        metrics: Counts the failures.
    """

    def __init__(
        self,
        look: Callable[[], bool],
        watch: Callable[[], Watch],
        poll: float,
        metrics: Metrics,
    ) -> None:
        self._look = look
        self._watch = watch
        self._poll = poll
        self._failures = metrics.certificate_failures
        self._woken = asyncio.Event()
        self._complaint = ""
        self._conflicts = 0

    async def run(self) -> None:
        """Look until cancelled."""
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(_ERRORS),
            wait=tenacity.wait_random_exponential(_SOON, _LAST_RETRY),
            sleep=self._pause,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(self._wake_on_change())
            while True:
                changed: bool = await retrying(self._look_once)
                longest = _SOON if changed else self._poll
                await self._pause(random.uniform(longest / 2, longest))  # noqa: S311  no secret

    async def _look_once(self) -> bool:
        """Look, and say when that begins to fail and when it no longer does.

        A conflict is no failure, as somebody else did what was due; but it is no progress either,
        and one after the other is a failure like any.
        """
        try:
            changed = await in_thread(self._look, "certificates")
        except _ERRORS as error:
            self._conflicts = self._conflicts + 1 if isinstance(error, Conflict) else 0
            if not 0 < self._conflicts <= _CONFLICTS:
                self._complain(str(error))
            raise
        self._conflicts = 0
        if self._complaint:
            self._complaint = ""
            _log.info("certificates-unstuck")
        return changed

    def _complain(self, why: str) -> None:
        """Count a failure, and say what is new about it."""
        self._failures.inc()
        if self._complaint != why:
            self._complaint = why
            _log.warning("certificates-stuck", why=why)

    async def _pause(self, seconds: float) -> None:
        """Wait, or be woken."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)
        self._woken.clear()

    async def _wake_on_change(self) -> None:
        """Watch; whatever is wrong with that, the looks find out and say."""
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
