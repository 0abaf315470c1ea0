"""A steady load on the API server: Pods are created while something else happens."""

import itertools
import json
import secrets
import threading
import time
from http import HTTPStatus
from types import TracebackType
from typing import Self

import urllib3

from tests.controlplane.api import ApiClient
from tests.load.report import Report, Sample, summarize

_ANNOTATION = ("sidecar.istio.io/interceptionMode", "TPROXY")
"""What a Pod has that was patched."""
_TIMEOUT_SECONDS = 35.0
"""More than any webhook's: what fails, fails for the API server and not for its client."""


class Load:
    """Creates Pods at a steady rate, from the beginning of a `with` block to its end.

    Requests are sent when they are due, whatever became of those before: a slow answer does not
    slow the load down. Only when all threads wait for answers at once is a request sent late, and
    the report says how late. Each is sent once: a second try would hide a failure.

    Nothing is stored (dryRun=All). Webhooks without side effects are called all the same, and so
    is all of admission; but etcd does not grow, and neither controllers nor the deletion of so
    many Pods takes part in what is measured.
    """

    def __init__(
        self, api: ApiClient, namespace: str, *, rate: float = 50.0, threads: int = 64
    ) -> None:
        """Describe it; nothing is sent yet.

        Args:
            api: access as a cluster admin.
            namespace: where to create Pods.
            rate: Pods per second.
            threads: most requests at a time. The default is enough for the rate where every
                request takes a second.
        """
        self._api = api
        self._path = f"/api/v1/namespaces/{namespace}/pods?dryRun=All"
        self._name = f"load-{secrets.token_hex(3)}"
        self._rate = rate
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
        """Send nothing more, and wait for the answers that are due."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

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
            started = time.monotonic()
            error, patched = self._create(f"{self._name}-{number}")
            latency = time.monotonic() - started
            self._samples.append(Sample(started, started - due, latency, error, patched=patched))

    def _create(self, name: str) -> tuple[str, bool]:
        """Create one Pod as if; return what is wrong, or else whether the Pod is patched."""
        pod = {
            "metadata": {"name": name},
            "spec": {"containers": [{"name": "load", "image": "registry.example.org/load"}]},
        }
        try:
            answer = self._api.request("POST", self._path, pod, timeout_seconds=_TIMEOUT_SECONDS)
        except urllib3.exceptions.HTTPError as failure:
            return repr(failure), False
        if answer.status != HTTPStatus.CREATED:
            return f"{answer.status} {_words(answer.data)}", False
        name, value = _ANNOTATION
        return "", answer.json()["metadata"].get("annotations", {}).get(name) == value


def _words(body: bytes) -> str:
    """Return the message of a Status; a body that is none, such as a proxy's, as it is."""
    try:
        message: str = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")
    return message
