"""How the end of a rollout is waited for, and what is said of one that does not come to it."""

import dataclasses
import datetime as dt
import time
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from webhook.audit import rollout
from webhook.cluster import ClusterError, answers, lists
from webhook.cluster.answers import Page
from webhook.cluster.client import Client
from webhook.settings import written

_INTERVAL: Final = 1.0
"""Seconds between two looks at a workload."""
_WELL: Final = {"", "ContainerCreating", "PodInitializing"}
"""Reasons of a container that waits for nothing but its turn."""
_workload = msgspec.json.Decoder(rollout.Workload)


class _Named(msgspec.Struct, gc=False, rename="camel"):
    name: str
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None


class _Waiting(msgspec.Struct, gc=False):
    reason: str = ""
    message: str = ""


class _State(msgspec.Struct, gc=False):
    waiting: _Waiting | None = None


class _Container(msgspec.Struct, gc=False):
    name: str
    state: _State = msgspec.field(default_factory=_State)


class _Condition(msgspec.Struct, gc=False):
    type: str
    status: str
    message: str = ""


class _PodStatus(msgspec.Struct, gc=False, rename="camel"):
    conditions: list[_Condition] | None = None
    init_container_statuses: list[_Container] | None = None
    container_statuses: list[_Container] | None = None


class _Pod(msgspec.Struct, gc=False):
    metadata: _Named
    status: _PodStatus = msgspec.field(default_factory=_PodStatus)


_pods = msgspec.json.Decoder(Page[_Pod])


class NotReadyError(Exception):
    """A rollout does not come to its end; one sentence says how far it is, and why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Pace:
    """How time passes."""

    clock: Callable[[], float] = time.monotonic
    """Tells the time in seconds."""

    sleep: Callable[[float], None] = time.sleep
    """Waits for so many seconds."""


def until_available(
    client: Client,
    kind: str,
    path: str,
    timeout: dt.timedelta,
    *,
    pods: str,
    progress: Callable[[int, int], None],
    pace: Pace,
) -> int:
    """Wait until all Pods of a workload are new and available.

    Args:
        client: May ``get`` the workload and ``list`` its Pods.
        kind: Of the workload.
        path: Of the workload, absolute and already quoted.
        timeout: How long it may take.
        pods: Of the Pods of its namespace, absolute and already quoted.
        progress: Is told how many Pods are new and available, and how many there are to be.
        pace: Waits.

    Returns:
        How many Pods there are.

    Raises:
        NotReadyError: It failed, or takes longer.
        ClusterError: Nobody can tell how far it is.
    """
    deadline = pace.clock() + timeout.total_seconds()
    while True:
        answer = lists.read(lambda: client.get(path), pace.sleep)
        workload = answers.decode(_workload, answer.body, f"get {path}")
        now = rollout.progress(kind, workload)
        progress(now.done, now.total)
        if now.ended:
            return now.total
        late = pace.clock() >= deadline
        if now.failure or late:
            why = answers.one_line(now.failure or f"it takes longer than {written(timeout)}")
            raise NotReadyError(
                f"{now.done} of {now.total} Pods are new and available: {why.rstrip('.')}. "
                + _trouble(client, pods, workload)
            )
        pace.sleep(_INTERVAL)


def _trouble(client: Client, path: str, workload: rollout.Workload) -> str:
    """Say why there are no new Pods, or what one of the newest waits for."""
    if refusal := rollout.refusal(workload):
        return f"No more Pods can be made: {_words('', refusal)}."
    query = {"labelSelector": str(workload.spec.selector)}
    try:
        found = [pod for page in lists.pages(client, path, _pods, query) for pod in page]
    except ClusterError as error:
        return f"What its Pods wait for cannot be told: {error}"
    found.sort(key=lambda pod: pod.metadata.creation_timestamp, reverse=True)
    alive = [pod for pod in found if pod.metadata.deletion_timestamp is None]
    told = (f"Pod {pod.metadata.name}: {each}." for pod in alive for each in _troubles(pod))
    return next(told, "None of its Pods says why: kubectl describe may show what its events say.")


def _troubles(pod: _Pod) -> Iterator[str]:
    """Say what a Pod waits for."""
    status = pod.status
    for container in (*(status.init_container_statuses or ()), *(status.container_statuses or ())):
        waits = container.state.waiting
        if waits is not None and waits.reason not in _WELL:
            yield f"container {container.name}: {_words(waits.reason, waits.message)}"
    for condition in status.conditions or ():
        if condition.status == "False" and condition.type in {"PodScheduled", "Ready"}:
            yield _words(f"not {condition.type}", condition.message)


def _words(reason: str, message: str) -> str:
    """Join a reason and what is said about it."""
    return answers.one_line(": ".join(filter(None, (reason, message)))).rstrip(".")
