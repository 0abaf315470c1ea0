"""What runs through the API server as a stream: a command in a container, a port of a Pod.

Both are WebSockets. They are spoken by websocket-client and not by ``kubernetes.stream``, which
(37.0.2) sends no header but that of the token, so that nobody could be impersonated, and which does
not know every way in which a kubeconfig says whom to trust.

Source:
    Kubernetes, API reference, ``pods/exec`` and ``pods/portforward``; Kubernetes Enhancement
    Proposal 4006; k8s.io/apimachinery pkg/util/remotecommand/constants.go.
"""

import contextlib
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote, urlencode

from websocket import ABNF, WebSocket, WebSocketBadStatusException, WebSocketException

from webhook.cluster import CommandFailed, Unreachable, answers
from webhook.cluster.client import Client

_EXEC: Final = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_PORT_FORWARD: Final = ("v4.channel.k8s.io",)
_STDOUT: Final = 1
_ERROR: Final = 3
"""Channel of the Status in which a command's end is told."""
_DATA: Final = 0
_MOST_OUTPUT: Final = 16 << 20
"""Bytes of a command's output. /proc/net/tcp has 150 for each connection."""
_UNAUTHORIZED: Final = 401


def exec_in(
    client: Client,
    namespace: str,
    pod: str,
    container: str,
    command: Sequence[str],
    *,
    timeout: float = 10.0,
) -> str:
    """Run a command in a container and return what it prints.

    Args:
        client: May ``get`` and ``create`` ``pods/exec`` there; which of them is asked for depends
            on the version of Kubernetes.
        namespace: Of the Pod.
        pod: Its name.
        container: One of its running containers.
        command: Program and arguments; no shell looks at them.
        timeout: How long all of it may take, in seconds.

    Returns:
        Its standard output; what is no UTF-8 becomes U+FFFD.

    Raises:
        CommandFailed: The command failed, or there is no such program.
        ClusterError: It could not be asked for, or did not end in time.
    """
    query = [("container", container), ("stdout", "true"), ("stderr", "true")]
    path = f"{_path(namespace, pod)}/exec"
    what = f"exec {command[0]} in {pod}/{container} of namespace {namespace}"
    output = bytearray()
    deadline = time.monotonic() + timeout
    asked = f"{path}?{urlencode([*(('command', each) for each in command), *query])}"
    with _Channels(client, asked, what, _EXEC, timeout) as channels:
        for channel, content in channels.frames(deadline):
            if channel == _STDOUT:
                output += content
            elif channel == _ERROR:
                return _ended(content, output.decode(errors="replace"), what)
            if len(output) > _MOST_OUTPUT:
                raise Unreachable(f"{what}: it prints more than {_MOST_OUTPUT} bytes")
    raise Unreachable(f"{what}: the connection ended before the command did")


def port_forward(
    client: Client, namespace: str, pod: str, port: int, *, timeout: float = 10.0
) -> "Forwarded":
    """Connect to a port of a Pod, wherever that Pod is.

    Args:
        client: May ``get`` and ``create`` ``pods/portforward`` there.
        namespace: Of the Pod.
        pod: Its name.
        port: TCP port that it listens on, 1 to 65535.
        timeout: How long to wait for the connection, and for each answer on it, in seconds.

    Raises:
        ClusterError: There is no connection.
    """
    path = f"{_path(namespace, pod)}/portforward?ports={port}"
    what = f"connect to port {port} of {pod} of namespace {namespace}"
    return Forwarded(_Channels(client, path, what, _PORT_FORWARD, timeout), timeout)


class Forwarded:
    """A connection to a port of a Pod: it sends and receives bytes as a socket does.

    It is no file of the system; for TLS give what it receives to ``ssl.SSLContext.wrap_bio``.
    Whoever gets it closes it, most easily by ``with``.

    Args:
        channels: Carries it.
        timeout: How long to wait for each answer, in seconds.
    """

    def __init__(self, channels: "_Channels", timeout: float) -> None:
        self._channels = channels
        self._timeout = timeout
        self._received = bytearray()
        self._greeted: set[int] = set()

    def __enter__(self) -> Self:
        """Be used."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def sendall(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            Unreachable: The connection is broken.
        """
        self._channels.send(_DATA, data)

    def recv(self, size: int) -> bytes:
        """Receive at least one byte, or none where the peer has closed.

        Args:
            size: How many bytes at most.

        Raises:
            Unreachable: Nobody listens there, the connection broke, or nothing came in time.
        """
        if not self._received:
            self._wait()
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken

    def close(self) -> None:
        """Close the connection."""
        self._channels.close()

    def _wait(self) -> None:
        """Wait for bytes or the end."""
        for channel, content in self._channels.frames(time.monotonic() + self._timeout):
            if channel not in self._greeted:  # the number of the port, on each channel
                self._greeted.add(channel)
            elif channel != _DATA:
                raise Unreachable(f"{self._channels.what}: {answers.one_line(content.decode())}")
            elif content:
                self._received += content
                return


class _Channels:
    """A WebSocket whose frames begin with the number of their channel.

    Args:
        client: Opens it.
        path: Absolute and already quoted, with its query.
        what: What it is for, for errors.
        protocols: Wanted subprotocols, best first.
        timeout: How long opening it may take, in seconds.

    Raises:
        ClusterError: It cannot be opened.
    """

    def __init__(
        self, client: Client, path: str, what: str, protocols: Sequence[str], timeout: float
    ) -> None:
        self.what = what
        self._socket = _open(client, path, what, protocols, timeout)

    def __enter__(self) -> Self:
        """Be used."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: object, __: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def send(self, channel: int, content: bytes) -> None:
        """Send a frame.

        Raises:
            Unreachable: The connection is broken.
        """
        with self._told():
            self._socket.send_binary(bytes([channel]) + content)

    def frames(self, deadline: float) -> Iterator[tuple[int, bytes]]:
        """Wait for frames until the peer closes.

        Args:
            deadline: Until when, by ``time.monotonic``.

        Yields:
            Channel and content.

        Raises:
            Unreachable: The connection is broken, or the deadline has passed.
        """
        while True:
            with self._told():
                self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
                opcode, content = self._socket.recv_data()
            if opcode == ABNF.OPCODE_CLOSE:
                return
            if content:
                yield content[0], bytes(content[1:])

    def close(self) -> None:
        """Close the connection at once; nobody has to agree."""
        self._socket.shutdown()  # type: ignore[no-untyped-call]

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what breaks a connection into one sentence."""
        try:
            yield
        except (WebSocketException, OSError) as error:
            raise Unreachable(f"{self.what}: {answers.one_line(error)}") from error


def _open(
    client: Client,
    path: str,
    what: str,
    protocols: Sequence[str],
    timeout: float,
    *,
    anew: bool = False,
) -> WebSocket:
    """Open a WebSocket, and once more with fresh credentials where those are refused."""
    dialled = client.dial(path, timeout, anew=anew)
    dialled.connection.settimeout(timeout)
    if any("\n" in value or "\r" in value for _, value in dialled.headers):
        dialled.connection.close()
        raise Unreachable(f"{what}: the token does not fit into a header")
    opened = WebSocket(skip_utf8_validation=True)
    try:
        opened.connect(  # type: ignore[no-untyped-call]
            dialled.url.replace("http", "ws", 1),
            socket=dialled.connection,
            header=[f"{name}: {value}" for name, value in dialled.headers],
            subprotocols=list(protocols),
            suppress_origin=True,
            # The token is for this server and no other.
            redirect_limit=0,
        )
    except WebSocketBadStatusException as refused:
        if refused.status_code == _UNAUTHORIZED and not anew:
            return _open(client, path, what, protocols, timeout, anew=True)
        status = answers.decode_status(refused.resp_body or b"")
        raise answers.error_of(refused.status_code, status, what) from refused
    except (WebSocketException, OSError) as error:
        raise Unreachable(f"{what}: {answers.one_line(error)}") from error
    return opened


def _path(namespace: str, pod: str) -> str:
    """Write the path of a Pod."""
    return f"/api/v1/namespaces/{quote(namespace, '')}/pods/{quote(pod, '')}"


def _ended(content: bytes, output: str, what: str) -> str:
    """Read the Status by which a command's end is told, and return what it has printed.

    Raises:
        CommandFailed: It did not end well.
    """
    status = answers.decode_status(content)
    if status.status == "Success":
        return output
    error = CommandFailed(f"{what}: {answers.one_line(status.message) or 'no reason given'}")
    error.output = output
    raise error
