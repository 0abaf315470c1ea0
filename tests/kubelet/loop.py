"""The beat of a kubelet: what it does again and again, as long as it lives."""

import threading
import time
from collections.abc import Callable, Iterable

import urllib3

from tests.controlplane import ApiError
from tests.kubelet.assignment import Assignment
from tests.kubelet.nodes import Nodes
from tests.kubelet.runtime import is_transient

_PERIOD_SECONDS = 0.1
_RENEWAL_SECONDS = 10.0


class Loop:
    """Looks at namespaces and renews the Nodes' leases, in a thread of its own.

    An API server that does not answer, or is in trouble, is asked again.
    """

    def __init__(
        self,
        nodes: Nodes,
        assignment: Assignment,
        namespaces: Iterable[str],
        report: Callable[[Exception], None],
    ) -> None:
        """Describe it; nothing runs yet.

        Args:
            nodes: to be kept alive.
            assignment: told to look.
            namespaces: to look at.
            report: called with the error that has ended the loop, if one has.
        """
        self._nodes = nodes
        self._assignment = assignment
        self._namespaces = tuple(namespaces)
        self._report = report
        self._renewed = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kubelet")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """End, and wait for that."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._ended.wait(_PERIOD_SECONDS):
                self._beat()
        except Exception as error:  # noqa: BLE001 - a thread's error is the test's
            self._report(error)

    def _beat(self) -> None:
        try:
            for namespace in self._namespaces:
                self._assignment.look_at(namespace)
            if time.monotonic() - self._renewed > _RENEWAL_SECONDS:
                self._nodes.renew()
                self._renewed = time.monotonic()
        except (ApiError, urllib3.exceptions.HTTPError) as error:
            if not is_transient(error):
                raise
