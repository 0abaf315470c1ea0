"""``serve`` as a process: start, signals, drain, and what its log never holds."""

import contextlib
import http.client
import itertools
import json
import os
import select
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.reviews import recorded, review
from tests.server.running import DEADLINE
from tests.situations import pod

NAMESPACES = """
apiVersion: v1
kind: Namespace
metadata: {name: default, labels: {source-ip-preservation: enabled}}
"""


class Process:
    """A process of ``serve``, its log and its addresses."""

    def __init__(self, folder: Path, *flags: str, **environment: str) -> None:
        self.folder = folder
        self.lines: list[str] = []
        (folder / "namespaces.yaml").write_text(NAMESPACES)
        self.popen = subprocess.Popen(  # noqa: S603
            [
                *(sys.executable, "-m", "webhook", "serve", "--host", "127.0.0.1"),
                *("--port", "0", "--ops-port", "0", "--drain", "30", *flags),
            ],
            env={
                **os.environ,
                "SOURCE_IP_WEBHOOK_TLS_SELF_SIGNED": str(folder / "tls"),
                "SOURCE_IP_WEBHOOK_NAMESPACES": str(folder / "namespaces.yaml"),
                **environment,
            },
            stderr=subprocess.PIPE,
            bufsize=0,  # select does not see lines that a buffer holds
        )
        try:
            started = self.event("serving")
        except BaseException:  # nobody else knows of it yet
            self.popen.kill()
            self.popen.wait(DEADLINE)
            raise
        self.url = f"https://127.0.0.1:{started['port']}/mutate"
        self.ops = f"http://127.0.0.1:{started['ops_port']}"
        self.client = urllib3.PoolManager(
            ca_certs=str(folder / "tls" / "ca.crt"), retries=False, timeout=DEADLINE
        )

    def event(
        self, name: str, *, while_waiting: Callable[[], object] = lambda: None
    ) -> dict[str, Any]:
        """Wait for an event in the log; do something before each look."""
        assert self.popen.stderr is not None
        ends = time.monotonic() + DEADLINE
        while_waiting()
        while select.select([self.popen.stderr], [], [], max(0, ends - time.monotonic()))[0]:
            line = self.popen.stderr.readline().decode()
            assert line, self.lines
            self.lines.append(line)
            event: dict[str, Any] = json.loads(line)
            if event["event"] == name:
                return event
            while_waiting()
        pytest.fail(f"no event {name} in {self.lines}")

    def post(self, body: bytes, **headers: str) -> urllib3.BaseHTTPResponse:
        """Send a review."""
        headers = {"Content-Type": "application/json", **headers}
        return self.client.request("POST", self.url, body=body, headers=headers)

    def wait_until_closed(self) -> None:
        """Wait until the port takes no connection any more."""
        address = ("127.0.0.1", urllib3.util.parse_url(self.url).port or 0)
        ends = time.monotonic() + DEADLINE
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < ends:
                socket.create_connection(address, DEADLINE).close()
            pytest.fail("the port stays open")

    def end(self) -> int:
        """Wait for the end, and return the code."""
        assert self.popen.stderr is not None
        code = self.popen.wait(DEADLINE)
        self.lines += self.popen.stderr.read().decode().splitlines()
        return code


@contextlib.contextmanager
def serve(folder: Path, *flags: str, **environment: str) -> Iterator[Process]:
    """Run ``serve`` for the length of a block."""
    process = Process(folder, *flags, **environment)
    try:
        yield process
    finally:
        process.client.clear()
        process.popen.kill()
        process.popen.wait(DEADLINE)
        assert process.popen.stderr is not None
        process.popen.stderr.close()


def test_recorded_review_is_answered_over_verified_tls(tmp_path: Path) -> None:
    """The documented command answers what an API server sent, and stops at once on Ctrl-C."""
    with serve(tmp_path) as process:
        answer = process.post(recorded("pod_create_generateName.json"))
        ready = process.client.request("GET", f"{process.ops}/readyz")
        process.popen.send_signal(signal.SIGINT)

        assert answer.json()["response"]["patchType"] == "JSONPatch"
        assert ready.status == 200
        assert process.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_termination_drains(tmp_path: Path, number: signal.Signals) -> None:
    """A signal to end: not ready, still answering, ending connections; a second signal stops."""
    with serve(tmp_path) as process:
        before = process.post(recorded("pod_create_generateName.json"))
        process.popen.send_signal(number)
        process.event("draining")
        ready = process.client.request("GET", f"{process.ops}/readyz")
        during = [process.post(recorded("pod_create_generateName.json")) for _ in range(3)]
        process.popen.send_signal(number)

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
            process.popen.send_signal(signal.SIGHUP)
            answer = process.post(recorded("pod_create_generateName.json"))
            process.popen.send_signal(signal.SIGINT)

            assert "connection" not in answer.headers
            assert process.end() == 0
            assert not any("draining" in line for line in process.lines)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_drain_ends_by_itself(tmp_path: Path) -> None:
    """Without a second signal the process stops after the time that was set."""
    with serve(tmp_path, "--drain", "0.05") as process:
        process.popen.send_signal(signal.SIGTERM)

        assert process.end() == 0
        assert "stopping" in process.lines[-1]


def test_request_in_flight_is_answered(tmp_path: Path) -> None:
    """A review whose body is still arriving when the port closes gets its answer."""
    with serve(tmp_path, "--drain", "0") as process:
        body = recorded("pod_create_generateName.json")
        connection = http.client.HTTPSConnection(
            "127.0.0.1",
            urllib3.util.parse_url(process.url).port,
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
            process.popen.send_signal(signal.SIGTERM)
            process.wait_until_closed()
            connection.send(body[10:])

            assert connection.getresponse().status == 200
        assert process.end() == 0


def test_log_that_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    """Thousands of reviews are answered, probes too; what is lost is counted, and told of later."""
    # Long names make long lines: the queue is full the sooner.
    body = review("Pod", pod(), namespace="default", name="x" * 253)
    dropped = "source_ip_webhook_log_lines_dropped_total"
    with serve(tmp_path) as process:

        def lost() -> float:
            text = process.client.request("GET", f"{process.ops}/metrics").data.decode()
            return float(text.partition(f"\n{dropped} ")[2].split()[0])

        answered = 0
        while lost() < 100:
            assert {process.post(body).status for _ in range(100)} == {200}
            answered += 100
        alive = process.client.request("GET", f"{process.ops}/livez")
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
        process.popen.send_signal(signal.SIGINT)
        assert process.end() == 0


def test_process_ends_although_nobody_reads_its_log(tmp_path: Path) -> None:
    """The last lines are waited for, but not for ever."""
    body = review("Pod", pod(), namespace="default", name="x" * 253)
    with serve(tmp_path) as process:
        for _ in range(300):  # more than a pipe holds
            process.post(body)
        process.popen.send_signal(signal.SIGINT)

        assert process.popen.wait(DEADLINE) == 0


def test_crash_is_in_the_log(tmp_path: Path) -> None:
    """What nobody expected ends the process with a line that holds the traceback."""
    (tmp_path / "sitecustomize.py").write_text(
        "import webhook.server.lifecycle\n"
        "async def fall(*_):\n"
        "    raise LookupError('nobody expected it')\n"
        "webhook.server.lifecycle.WebhookServer.run = fall\n"
    )
    (tmp_path / "namespaces.yaml").write_text(NAMESPACES)
    done = subprocess.run(  # noqa: S603
        [
            *(sys.executable, "-m", "webhook", "serve", "--host", "127.0.0.1"),
            *("--port", "0", "--ops-port", "0"),
            *("--tls-self-signed", str(tmp_path / "tls")),
            *("--namespaces", str(tmp_path / "namespaces.yaml")),
        ],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stderr=subprocess.PIPE,
        check=False,
    )
    line = json.loads(done.stderr)

    assert done.returncode == 1
    assert (line["event"], line["level"]) == ("crashed", "critical")
    assert "nobody expected it" in line["exception"]


def test_log_has_decisions_but_neither_bodies_nor_credentials(tmp_path: Path) -> None:
    """At ``debug`` the log names the object and the reason, and nothing of what was in it."""
    body = review("Pod", pod(env="the-body"), namespace="default")
    with serve(tmp_path, "--log-level", "debug") as process:
        process.post(body, Authorization="Bearer the-token")
        process.post(b'{"the-body": 1}', Authorization="Bearer the-token")
        process.popen.send_signal(signal.SIGINT)
        process.end()
    log = "".join(process.lines)
    (decision,) = [line for line in map(json.loads, process.lines) if line["event"] == "admission"]

    assert (decision["namespace"], decision["name"]) == ("default", "web-")
    assert (decision["outcome"], decision["reason"]) == ("patched", "added")
    assert decision["uid"]
    assert decision["milliseconds"] > 0
    assert "the-body" not in log
    assert "the-token" not in log
