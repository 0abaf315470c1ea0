"""``serve`` as a process: start, signals, drain, and what its log never holds."""

import contextlib
import http.client
import itertools
import json
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import pytest
import urllib3

from tests.reviews import recorded, review
from tests.server.running import DEADLINE
from tests.situations import pod
from tests.webhook_process import PipedWebhookProcess

NAMESPACES = """
apiVersion: v1
kind: Namespace
metadata: {name: default, labels: {source-ip-preservation: enabled}}
"""
UNMEASURED = {"COVERAGE_PROCESS_CONFIG": ""}
"""For processes that do the same a thousand times, which measuring coverage makes twice as slow.
The variable is how coverage 7.17 reaches the processes of a test."""


class Process(PipedWebhookProcess):
    """``serve`` with a certificate of its own, namespaces from a file, and a client for it."""

    def __init__(self, folder: Path, *flags: str, **environment: str) -> None:
        (folder / "namespaces.yaml").write_text(NAMESPACES)
        super().__init__(
            *("--drain", "30", *flags),
            environment={
                "SOURCE_IP_WEBHOOK_TLS_SELF_SIGNED": str(folder / "tls"),
                "SOURCE_IP_WEBHOOK_NAMESPACES": str(folder / "namespaces.yaml"),
                **environment,
            },
        )
        self._folder_of_authority = folder / "tls"

    @cached_property
    def client(self) -> urllib3.PoolManager:
        """A client that trusts it."""
        authority = str(self._folder_of_authority / "ca.crt")
        return urllib3.PoolManager(ca_certs=authority, retries=False, timeout=DEADLINE)

    def post(self, body: bytes, **headers: str) -> urllib3.BaseHTTPResponse:
        """Send a review."""
        headers = {"Content-Type": "application/json", **headers}
        url = f"https://127.0.0.1:{self.port}/mutate"
        return self.client.request("POST", url, body=body, headers=headers)

    def wait_until_closed(self) -> None:
        """Wait until the port takes no connection any more."""
        ends = time.monotonic() + DEADLINE
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < ends:
                socket.create_connection(("127.0.0.1", self.port), DEADLINE).close()
            pytest.fail("the port stays open")


@contextlib.contextmanager
def serve(folder: Path, *flags: str, **environment: str) -> Iterator[Process]:
    """Run ``serve`` for the length of a block."""
    process = Process(folder, *flags, **environment)
    try:
        process.start()
        yield process
    finally:
        process.client.clear()
        process.stop(signal.SIGKILL)


def test_recorded_review_is_answered_over_verified_tls(tmp_path: Path) -> None:
    """The documented command answers what an API server sent, and stops at once on Ctrl-C."""
    with serve(tmp_path) as process:
        answer = process.post(recorded("pod_create_generateName.json"))
        ready = process.ops("/readyz")
        process.send(signal.SIGINT)

        assert answer.json()["response"]["patchType"] == "JSONPatch"
        assert ready.status == 200
        assert process.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_termination_drains(tmp_path: Path, number: signal.Signals) -> None:
    """A signal to end: not ready, still answering, ending connections; a second signal stops."""
    with serve(tmp_path) as process:
        before = process.post(recorded("pod_create_generateName.json"))
        process.send(number)
        process.event("draining")
        ready = process.ops("/readyz")
        during = [process.post(recorded("pod_create_generateName.json")) for _ in range(3)]
        process.send(number)

        assert "connection" not in before.headers
        assert ready.status == 503
        assert [answer.status for answer in during] == [200] * 3
        assert [answer.headers["connection"] for answer in during] == ["close"] * 3
        assert process.end() == 0


def test_hangup_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    """Under nohup the process outlives its terminal."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with serve(tmp_path) as process:
            process.send(signal.SIGHUP)
            answer = process.post(recorded("pod_create_generateName.json"))
            process.send(signal.SIGINT)

            assert "connection" not in answer.headers
            assert process.end() == 0
            assert not any("draining" in line for line in process.lines)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_drain_ends_by_itself(tmp_path: Path) -> None:
    """Without a second signal the process stops after the time that was set."""
    with serve(tmp_path, "--drain", "0.05") as process:
        process.send(signal.SIGTERM)

        assert process.end() == 0
        assert "stopping" in process.lines[-1]


def test_request_in_flight_is_answered(tmp_path: Path) -> None:
    """A review whose body is still arriving when the port closes gets its answer."""
    with serve(tmp_path, "--drain", "0") as process:
        body = recorded("pod_create_generateName.json")
        connection = http.client.HTTPSConnection(
            "127.0.0.1",
            process.port,
            timeout=DEADLINE,
            context=ssl.create_default_context(cafile=tmp_path / "tls" / "ca.crt"),
        )
        with contextlib.closing(connection):
            # One review is answered first, so that the connection is known to be served.
            connection.request("POST", "/mutate", body, {"Content-Type": "application/json"})
            connection.getresponse().read()
            connection.putrequest("POST", "/mutate")
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body[:10])
            process.event("admission")
            process.send(signal.SIGTERM)
            process.wait_until_closed()
            connection.send(body[10:])

            assert connection.getresponse().status == 200
        assert process.end() == 0


def test_log_that_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    """Thousands of reviews are answered, probes too; what is lost is counted, and told of later."""
    # Long names make long lines: the queue is full the sooner.
    body = review("Pod", pod(), namespace="default", name="x" * 253)
    with serve(tmp_path, **UNMEASURED) as process:

        def lost() -> float:
            return process.metric("log_lines_dropped_total")

        answered = 0
        while lost() < 100:
            assert {process.post(body).status for _ in range(100)} == {200}
            answered += 100
        alive = process.ops("/livez")
        until = lost()
        lines = itertools.count()
        told = process.event(
            "log-lines-dropped", while_waiting=lambda: next(lines) % 100 or process.post(body)
        )
        again = process.event("admission")

        assert answered >= 1000
        assert alive.status == 200
        assert told["lines"] >= until
        assert again["name"] == "x" * 253
        process.send(signal.SIGINT)
        assert process.end() == 0


def test_process_ends_although_nobody_reads_its_log(tmp_path: Path) -> None:
    """The last lines are waited for, but not for ever."""
    body = review("Pod", pod(), namespace="default", name="x" * 253)
    with serve(tmp_path, **UNMEASURED) as process:
        for _ in range(300):  # more than a pipe holds
            process.post(body)
        process.send(signal.SIGINT)

        assert process.wait() == 0


def test_crash_is_in_the_log(tmp_path: Path) -> None:
    """What nobody expected ends the process with a line that holds the traceback."""
    (tmp_path / "sitecustomize.py").write_text(
        "import webhook.server.lifecycle\n"
        "async def fall(*_):\n"
        "    raise LookupError('nobody expected it')\n"
        "webhook.server.lifecycle.WebhookServer.run = fall\n"
    )
    process = Process(tmp_path, PYTHONPATH=str(tmp_path))
    process.launch()
    try:
        assert process.end() == 1
    finally:
        process.stop(signal.SIGKILL)
    (line,) = map(json.loads, process.lines)

    assert (line["event"], line["level"]) == ("crashed", "critical")
    assert "nobody expected it" in line["exception"]


def test_log_has_decisions_but_neither_bodies_nor_credentials(tmp_path: Path) -> None:
    """At ``debug`` the log names the object and the reason, and nothing of what was in it."""
    body = review("Pod", pod(env="the-body"), namespace="default")
    with serve(tmp_path, "--log-level", "debug") as process:
        process.post(body, Authorization="Bearer the-token")
        process.post(b'{"the-body": 1}', Authorization="Bearer the-token")
        process.send(signal.SIGINT)
        process.end()
    log = "".join(process.lines)
    (decision,) = [line for line in map(json.loads, process.lines) if line["event"] == "admission"]

    assert (decision["namespace"], decision["name"]) == ("default", "web-")
    assert (decision["outcome"], decision["reason"]) == ("patched", "added")
    assert decision["uid"]
    assert decision["milliseconds"] > 0
    assert "the-body" not in log
    assert "the-token" not in log
