"""The process that creates Pods: a client in the cluster's network, with connections of its own.

``python -m benchmarks.cluster.creating KUBECONFIG`` reads an order from each line of standard
input, carries it out, and answers with a line; an empty line follows when the Pods have gone. It
ends when standard input does. Connections are kept from one order to the next, as those of a
controller are.
"""

import base64
import json
import math
import sys
import time
from http import HTTPStatus
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.cluster.pods import POD
from tests.controlplane.api import ApiClient, ApiError
from tests.load import Load, Report
from tests.waiting import wait_for

_DELETED_SECONDS: Final = 60.0
"""How long the API server may take to delete the Pods of one order."""


class Order(msgspec.Struct, frozen=True):
    """What is wanted."""

    namespace: str
    """Where to create Pods."""
    clients: int
    """How many create at a time, each one Pod after the other."""
    seconds: float
    """For how long; what has begun is waited for."""


class Outcome(msgspec.Struct, frozen=True):
    """What became of an order. Latencies are in seconds, from the request to the whole answer."""

    requests: int
    failed: int
    patched: int
    rate: float
    """Creations per second."""
    p50: float
    p99: float
    errors: list[str]
    """The words of a few failures, each once."""


def main() -> None:
    """Do what each line asks for."""
    path = Path(sys.argv[1])
    api = _access(path)
    orders, outcomes = msgspec.json.Decoder(Order), msgspec.json.Encoder()
    for line in sys.stdin.buffer:
        order = orders.decode(line)
        report = _create(api, order)
        sys.stdout.buffer.write(outcomes.encode(_outcome(report)) + b"\n")
        sys.stdout.buffer.flush()
        _delete(api, order.namespace)
        sys.stdout.buffer.write(b"\n")
        sys.stdout.buffer.flush()


def _access(kubeconfig: Path) -> ApiClient:
    """Read the one cluster and the one user of a kubeconfig that `tests.kubeconfig` wrote."""
    found = json.loads(kubeconfig.read_bytes())
    cluster, user = found["clusters"][0]["cluster"], found["users"][0]["user"]
    authority = kubeconfig.with_name("creating-ca.crt")
    authority.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    return ApiClient(cluster["server"], authority, user["token"])


def _create(api: ApiClient, order: Order) -> Report:
    """Create Pods as fast as they are answered."""
    with Load(
        api, order.namespace, rate=math.inf, threads=order.clients, pod=POD, stored=True
    ) as load:
        time.sleep(order.seconds)
    return load.report()


def _delete(api: ApiClient, namespace: str) -> None:
    """Delete all Pods of a namespace, and wait until they have gone.

    Raises:
        ApiError: The API server refuses.
        TimeoutError: They stay.
    """
    path = f"/api/v1/namespaces/{namespace}/pods"
    answer = api.request("DELETE", f"{path}?gracePeriodSeconds=0", timeout_seconds=_DELETED_SECONDS)
    if answer.status != HTTPStatus.OK:
        raise ApiError(f"DELETE {path}", answer)
    wait_for(
        lambda: not api.json("GET", f"{path}?limit=1")["items"],
        _DELETED_SECONDS,
        f"the Pods of {namespace} to be deleted",
    )


def _outcome(report: Report) -> Outcome:
    return Outcome(
        report.requests,
        report.failed,
        report.requests - report.failed - report.unpatched,
        report.rate,
        report.p50,
        report.p99,
        [words for words, _ in report.errors.most_common(3)],
    )


if __name__ == "__main__":
    main()
