"""The demo: a real server on loopback, and we play the API server for the guide's manifests.

The same requests over the same verified TLS as in a cluster; only the cluster is missing.
"""

import asyncio
import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TextIO

import urllib3

from certs.store import CA_CERTIFICATE
from webhook.admission.options import Options
from webhook.offline import sources
from webhook.offline.apiserver import Review
from webhook.offline.manifests import File, Manifest
from webhook.offline.preview import Preview, forecast
from webhook.offline.table import write_table
from webhook.optin import Mode
from webhook.server.assembly import assemble
from webhook.settings import SelfSigned, Settings

OPTED_IN: Final = "opted-in"
PLAIN: Final = "plain"

_NAMESPACES: Final = """\
apiVersion: v1
kind: Namespace
metadata: {{name: opted-in, labels: {{"{key}": {value}}}}}
---
apiVersion: v1
kind: Namespace
metadata: {{name: plain}}
"""
_TIMEOUT: Final = 10.0
"""Seconds an answer may take; the API server would wait for 2."""


class DemoError(Exception):
    """The server did not answer as it should; the text is one sentence for a person."""


@dataclasses.dataclass(frozen=True, slots=True)
class ApiServer:
    """The API server's side of the connection."""

    url: str
    client: urllib3.PoolManager

    def ask(self, review: Review) -> bytes:
        """Send a review and return the answer.

        Raises:
            DemoError: There is none, or it is an error.
        """
        headers = {"Content-Type": "application/json"}
        try:
            answer = self.client.request("POST", self.url, body=review.body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise DemoError(f"The server at {self.url} did not answer: {error}.") from error
        if answer.status != 200:  # noqa: PLR2004
            raise DemoError(f"The server answered {answer.status}: {answer.data.decode()}")
        return answer.data


def run(names: Sequence[str], options: Options, stream: TextIO) -> None:
    """Run the demo.

    Args:
        names: Files of manifests; none means the guide's own.
        options: What an admin would choose.
        stream: Where to print; a terminal gets colours.

    Raises:
        ManifestError: A file is not readable as manifests.
        DemoError: The server did not answer as it should.
        ListenError: Loopback has no free port.
    """
    files = sources.read(names) if names else sources.guide()
    with tempfile.TemporaryDirectory(prefix="source-ip-webhook-") as folder:
        asyncio.run(_demo(files, options, stream, Path(folder)))


async def _demo(files: list[File], options: Options, stream: TextIO, folder: Path) -> None:
    """Start the server, ask it about everything, and show what came of it."""
    namespaces = folder / "namespaces.yaml"
    namespaces.write_text(_NAMESPACES.format(key=options.label_key, value=Mode.ENABLED))
    tls = SelfSigned(directory=folder / "tls")
    settings = Settings(
        tls=tls, host="127.0.0.1", port=0, ops_port=0, namespaces=namespaces, options=options
    )
    service = assemble(settings)
    async with service.started():
        server = ApiServer(
            f"https://127.0.0.1:{service.port}/mutate",
            urllib3.PoolManager(
                ca_certs=str(tls.directory / CA_CERTIFICATE), retries=False, timeout=_TIMEOUT
            ),
        )
        with server.client:
            shown = await asyncio.to_thread(_play, files, server)
    stream.write(_introduction(len(shown.forecasts), server.url, options.label_key))
    write_table(shown, stream)
    stream.write(_conclusion(options.label_key))


def _play(files: list[File], server: ApiServer) -> Preview:
    """Create every object in both namespaces, as far as the webhook is concerned."""
    manifests = [manifest for file in files for manifest in file.manifests]
    forecasts = []
    others: list[Manifest] = []
    for namespace in (OPTED_IN, PLAIN):
        more, others = forecast(manifests, _all_in(namespace), server.ask)
        forecasts += more
    return Preview(files=files, forecasts=forecasts, others=others, assumed="")


def _all_in(namespace: str) -> Callable[[Manifest], str]:
    """Place every object in one namespace, whatever its manifest names."""
    return lambda _manifest: namespace


def _introduction(count: int, url: str, label_key: str) -> str:
    return (
        f"{count} reviews were answered over verified TLS by the server at {url}.\n"
        f"Namespace {OPTED_IN} is labelled {label_key}={Mode.ENABLED}, {PLAIN} is not.\n\n"
    )


def _conclusion(label_key: str) -> str:
    return (
        "\nIn a cluster, one label does it:\n"
        f"  kubectl label namespace NAME {label_key}={Mode.ENABLED}\n"
    )
