"""One watch request: a response that goes on for minutes, one event per line."""

from collections.abc import Callable, Iterator

import msgspec
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from webhook.cluster import Unreachable, answers


class Event(msgspec.Struct, gc=False):
    """One event of a watch."""

    type: str
    """``ADDED``, ``MODIFIED``, ``DELETED`` or ``BOOKMARK``; an ``ERROR`` is raised instead."""
    object: msgspec.Raw


_decoder = msgspec.json.Decoder(Event)


class Watch:
    """Iterate over its events in one thread, close it from any."""

    def __init__(self, what: str, send: Callable[[], HTTPResponse]) -> None:
        """Prepare a watch; nothing is sent before its events are asked for.

        Args:
            what: Names the request in errors.
            send: Sends it and returns the response, its body not read.
        """
        self._what = what
        self._send = send
        self._response: HTTPResponse | None = None
        self._closed = False

    def events(self, opened: Callable[[], None]) -> Iterator[Event]:
        """Send the request and yield events until the server ends the stream or we close it.

        Args:
            opened: Called once the server has accepted the watch, before the first event.

        Raises:
            ClusterError: The request failed, the connection broke or was silent for too long, or
                the server sent an ``ERROR`` event.
        """
        self._response = response = self._send()
        try:
            if self._closed:  # asked after close() could see the response, so that one of us acts
                return
            opened()
            for line in response:
                yield self._event(line)
        except (HTTPError, OSError, ValueError) as error:  # ValueError: TLS closed under a read
            if not self._closed:
                raise Unreachable(f"{self._what} broke off: {answers.sentence(error)}") from error
        finally:
            response.close()

    def close(self) -> None:
        """Make :meth:`events` end at once, also while it waits for the next one."""
        self._closed = True
        if self._response is not None:
            try:
                self._response.shutdown()
            except (OSError, RuntimeError, ValueError):
                return  # it has ended by itself

    def _event(self, line: bytes) -> Event:
        """Decode one line."""
        event = answers.decode(_decoder, line, self._what)
        if event.type != "ERROR":
            return event
        reason = answers.status(event.object)
        raise answers.error_of(reason.code, reason, self._what)
