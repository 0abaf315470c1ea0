"""The summary of the last audit: its Job publishes it in a ConfigMap, and ``serve`` reads it there.

So the replicas of ``serve``, which answer to the network, need no right to what an audit reads; and
the Job may write this one object and nothing else. The chart makes the ConfigMap, empty.
"""

import asyncio
import datetime as dt
import random
from typing import Annotated, Final
from urllib.parse import quote

import msgspec
import structlog
from msgspec import Meta

from webhook.cluster import ClusterError, NotFound, answers
from webhook.cluster.client import Client, in_thread
from webhook.metrics import Metrics

_KEY: Final = "report"
"""The key of the ConfigMap's data under which the summary is, as JSON."""
_POLL: Final = 15.0
"""Seconds between two looks, at most. Polled, as an audit comes once in an hour, and a watch by
each replica would be one more thing that can break."""
_log = structlog.get_logger(__name__)

Count = Annotated[int, Meta(ge=0, le=2**31)]
"""How many; with an upper bound, as whoever may write the ConfigMap could write anything."""
Word = Annotated[str, Meta(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
"""A reason's word."""


class Summary(msgspec.Struct, frozen=True, rename="camel"):
    """What of an audit's report becomes metrics."""

    finished: Annotated[dt.datetime, Meta(tz=True)]
    """When the audit ended, by the clock of the node that it ran on."""
    exit_code: Annotated[int, Meta(ge=0, le=2)]
    """0 clean, 1 findings, 2 could not tell, as ``audit`` has it."""
    findings: Annotated[dict[Word, Count], Meta(max_length=100)]
    """How many findings there are, by the reason's word; 0 for what was looked for in vain."""
    unknown: Count
    """How many things could not be told."""
    ordered_before_istio: bool | None = None
    """Whether our configuration is called before Istio's; ``None`` where nobody could tell."""


class _ConfigMap(msgspec.Struct, gc=False):
    """The part of a ``v1 ConfigMap`` that we read."""

    data: dict[str, str] = {}


_config_map = msgspec.json.Decoder(_ConfigMap)
_summary = msgspec.json.Decoder(Summary)


class SummaryClient:
    """Reads and writes the summary in one ConfigMap. Everything blocks.

    Args:
        client: May ``get`` this ConfigMap to read, and ``patch`` it to publish.
        namespace: Where it is.
        name: What it is called.
    """

    def __init__(self, client: Client, namespace: str, name: str) -> None:
        self._client = client
        self._title = f"ConfigMap {namespace}/{name}"
        namespace, name = quote(namespace, safe=""), quote(name, safe="")
        self._path = f"/api/v1/namespaces/{namespace}/configmaps/{name}"

    def read(self) -> Summary | None:
        """Read the summary.

        Returns:
            The summary; ``None`` where no audit has published one yet.

        Raises:
            ClusterError: Nobody can tell, or there is something else in its place.
        """
        try:
            body = self._client.get(self._path).body
        except NotFound as missing:
            raise self._absent() from missing
        text = answers.decode(_config_map, body, f"get {self._path}").data.get(_KEY)
        if text is None:
            return None
        try:
            return _summary.decode(text)
        # As in webhook.cluster.answers.decode.
        except (ValueError, RecursionError) as error:
            raise ClusterError(
                f"{self._title} holds no summary of an audit under {_KEY!r} "
                f"({answers.one_line(error)}): let the audit run again, in the same version."
            ) from error

    def publish(self, summary: Summary) -> None:
        """Write the summary in the place of the one before, and leave everything else as it is.

        Raises:
            NotFound: There is no such ConfigMap; it is not made, because whoever may do that may
                make any.
            ClusterError: It failed otherwise.
        """
        text = msgspec.json.encode(summary).decode()
        try:
            self._client.send(
                "PATCH",
                self._path,
                {"data": {_KEY: text}},
                content_type="application/merge-patch+json",
                params={"fieldManager": "source-ip-webhook-audit"},
            )
        except NotFound as missing:
            raise self._absent() from missing

    def _absent(self) -> NotFound:
        """Say what to do where there is no such ConfigMap."""
        return NotFound(
            f"{self._title} is not there, and is where audits are published: create it, empty; the "
            "chart does with audit.enabled."
        )


class ClusterSummary:
    """Tells the metrics what the last audit found, for as long as it runs.

    Args:
        client: Where the summary is.
        metrics: Told of it. What was read last stays while nobody can tell; how old it is, is one
            of the metrics.
    """

    def __init__(self, client: SummaryClient, metrics: Metrics) -> None:
        self._client = client
        self._audit = metrics.audit
        self._unread = ""

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            await self._look()
            await asyncio.sleep(random.uniform(_POLL / 2, _POLL))  # noqa: S311  no secret

    async def _look(self) -> None:
        """Look once; log when that begins to fail and when it no longer does."""
        try:
            summary = await in_thread(self._client.read, "audit-summary")
        except ClusterError as error:
            if self._unread != str(error):
                self._unread = str(error)
                _log.warning("audit-summary-unread", why=self._unread)
            return
        if self._unread:
            self._unread = ""
            _log.info("audit-summary-read")
        if summary is None:
            self._audit.forget()
        else:
            self._audit.tell(
                findings=summary.findings,
                unknown=summary.unknown,
                finished=summary.finished.timestamp(),
                ordered=summary.ordered_before_istio,
            )
