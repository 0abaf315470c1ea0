"""A steady load on the API server: Pods are created while something else happens."""

import itertools
import threading
import time
from types import TracebackType
from typing import Self

from tests.controlplane import ControlPlane
from tests.kubelet.creation import Creator
from tests.kubelet.report import Report, Sample, summarize

_BATCH = 500
"""Pods that are deleted together."""


class Load:
    """Creates Pods at a steady rate, from the beginning of a `with` block to its end.

    Requests are sent when they are due, whatever became of those before: a slow answer does not
    slow the load down. Only when all threads wait for answers at once is a request sent late, and
    the report says how late.

    By default nothing is stored (dryRun=All). Webhooks without side effects are called all the
    same, and so is all of admission; but etcd does not grow, and neither controllers nor the
    deletion of so many Pods takes part in what is measured. `dry_run=False` is for what only
    happens to stored Pods; those are deleted in batches, and all of them in the end.
    """

    def __init__(
        self,
        plane: ControlPlane,
        namespace: str,
        *,
        rate: float = 50.0,
        threads: int = 16,
        dry_run: bool = True,
        annotation: tuple[str, str] = ("sidecar.istio.io/interceptionMode", "TPROXY"),
    ) -> None:
        """Describe it; nothing is sent yet.

        Args:
            plane: the control plane.
            namespace: where to create Pods; best one whose Pods nobody runs.
            rate: Pods per second.
            threads: most requests at a time, each over a connection that is kept alive.
            dry_run: whether the API server only acts as if.
            annotation: name and value that a patched Pod has.
        """
        self._rate = rate
        self._dry_run = dry_run
        self._creator = Creator(
            plane, namespace, connections=threads, dry_run=dry_run, annotation=annotation
        )
        self._numbers = itertools.count()
        self._samples: list[Sample] = []
        self._began = 0.0
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, name=f"load-{n}") for n in range(threads)
        ]

    def __enter__(self) -> Self:
        """Begin."""
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Send nothing more, wait for the answers that are due, and delete what was stored."""
        self._ended.set()
        for thread in self._threads:
            thread.join()
        if not self._dry_run:
            self._creator.delete()
        self._creator.close()

    @property
    def samples(self) -> list[Sample]:
        """What was answered so far, in the order of the answers."""
        return self._samples.copy()

    def report(self) -> Report:
        """Add up what was answered so far.

        Raises:
            ValueError: nothing was.
        """
        return summarize(self.samples)

    def _work(self) -> None:
        """Send one request after the other, each when it is due."""
        while True:
            number = next(self._numbers)  # safe: one step of the interpreter
            due = self._began + number / self._rate
            if self._ended.wait(max(due - time.monotonic(), 0.0)):
                return
            self._samples.append(self._send(number, due))
            if not self._dry_run and number % _BATCH == _BATCH - 1:
                self._creator.delete()

    def _send(self, number: int, due: float) -> Sample:
        started = time.monotonic()
        outcome = self._creator.create(number)
        latency = time.monotonic() - started
        return Sample(started, started - due, latency, outcome)
