"""A load on the API server: Pods are created, steadily or as fast as answers come."""

import itertools
import json
import secrets
import threading
import time
from http import HTTPStatus
from types import TracebackType
from typing import Self

import urllib3

from tests.controlplane.api import ApiClient, JsonObject
from tests.load.report import Report, Sample, summarize

_ANNOTATION = ("sidecar.istio.io/interceptionMode", "TPROXY")
"""What a Pod has that was patched."""
_TIMEOUT_SECONDS = 35.0
"""More than any webhook's: what fails, fails for the API server and not for its client."""
_POD: JsonObject = {
    "metadata": {},
    "spec": {"containers": [{"name": "load", "image": "registry.example.org/load"}]},
}
"""The smallest Pod."""


class Load:
    """Creates Pods at a steady rate, from the beginning of a `with` block to its end.

    Requests are sent when they are due, whatever became of those before: a slow answer does not
    slow the load down. Only when all threads wait for answers at once is a request sent late, and
    the report says how late. Each is sent once: a second try would hide a failure.

    Nothing is stored (dryRun=All) unless that is asked for. Webhooks without side effects are
    called all the same, and so is all of admission; but etcd does not grow, and neither controllers
    nor the deletion of so many Pods takes part in what is measured.
    """

    def __init__(
        self,
        api: ApiClient,
        namespace: str,
        *,
        rate: float = 50.0,
        threads: int = 64,
        pod: JsonObject = _POD,
        stored: bool = False,
    ) -> None:
        """Describe it; nothing is sent yet.

        Args:
            api: access as a cluster admin.
            namespace: where to create Pods.
            rate: Pods per second. With ``math.inf`` all are due at once: every thread sends its
                next request when the one before is answered.
            threads: most requests at a time. The default is enough for the rate where every
                request takes a second.
            pod: what to create; each gets a name of its own.
            stored: whether the Pods stay. Whoever asks for that deletes them.
        """
        self._api = api
        self._path = f"/api/v1/namespaces/{namespace}/pods{'' if stored else '?dryRun=All'}"
        self._pod = pod
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
            body = self._body(f"{self._name}-{number}")
            started = time.monotonic()
            answer = self._send(body)
            latency = time.monotonic() - started  # of the request alone, not of reading the Pod
            error, patched = _judge(answer)
            self._samples.append(Sample(started, started - due, latency, error, patched=patched))

    def _body(self, name: str) -> bytes:
        """Write down the Pod that gets this name."""
        return json.dumps(
            {**self._pod, "metadata": {**self._pod["metadata"], "name": name}}
        ).encode()

    def _send(self, body: bytes) -> urllib3.BaseHTTPResponse | urllib3.exceptions.HTTPError:
        """Create one Pod; return what was answered, or why nothing was."""
        try:
            return self._api.request("POST", self._path, body, timeout_seconds=_TIMEOUT_SECONDS)
        except urllib3.exceptions.HTTPError as failure:
            return failure


def _judge(answer: urllib3.BaseHTTPResponse | urllib3.exceptions.HTTPError) -> tuple[str, bool]:
    """Return what is wrong with an answer, or else whether the Pod is patched."""
    if isinstance(answer, urllib3.exceptions.HTTPError):
        return repr(answer), False
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
