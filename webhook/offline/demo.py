"""The demo: a real server on loopback, and we play the API server for the guide's manifests.

The same requests over the same verified TLS as in a cluster; only the cluster is missing.
"""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TextIO

import urllib3

from certs.store import CA_CERTIFICATE
from webhook.admission.answer import receive
from webhook.admission.options import Options
from webhook.offline import sources
from webhook.offline.apiserver import Review
from webhook.offline.connection import ApiServer, DemoError
from webhook.offline.delivery import delivered
from webhook.offline.forecast import Answer, forecast
from webhook.offline.manifests import File, Manifest
from webhook.offline.preview import Preview
from webhook.offline.remarks import remarks
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


def run(
    names: Sequence[str],
    options: Options,
    stream: TextIO | None,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Run the demo.

    Args:
        names: Files of manifests; none means the guide's own.
        options: What an admin would choose.
        stream: Where to print; a terminal gets colours. ``None`` is a closed one.
        tell: Is given a sentence for each file that is left out.

    Raises:
        ManifestError: A file is not readable as manifests, or the server refuses an object.
        DemoError: The server did not answer as it should, or there is no temporary folder.
        ListenError: Loopback has no free port.
        StoreError: The server's certificate cannot be kept.
        DeliveryError: The stream does not take the output.
    """
    files = sources.read(names, tell=tell) if names else sources.guide()
    with _temporary_folder() as folder:
        shown, url = asyncio.run(_demo(files, options, Path(folder)))
    with delivered(stream) as target:
        target.write(_introduction(len(shown.forecasts), url, options.label_key))
        write_table(shown, target)
        target.write(_conclusion(options.label_key))


def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder for certificate and namespaces.

    Raises:
        DemoError: There is no place for it, as in a container whose root is read-only.
    """
    try:
        return tempfile.TemporaryDirectory(prefix="source-ip-webhook-")
    except OSError as error:
        raise DemoError(
            f"The demo needs a temporary folder, and none can be made: {error.strerror}. Name one "
            "that can be written with the variable TMPDIR."
        ) from error


async def _demo(files: list[File], options: Options, folder: Path) -> tuple[Preview, str]:
    """Start the server and ask it about everything; tell what came of it, and where it was."""
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
            return await asyncio.to_thread(_play, files, server, options), server.url


def _play(files: list[File], server: ApiServer, options: Options) -> Preview:
    """Create every object in both namespaces, as far as the webhook is concerned."""
    labels = {OPTED_IN: {options.label_key: Mode.ENABLED.value}, PLAIN: {}}

    def ask(asked: Review) -> Answer:
        body = server.ask(asked)
        admission = receive(asked.body)
        return Answer(body, admission.sees(labels[admission.request.namespace], options))

    manifests = [manifest for file in files for manifest in file.manifests]
    problems = [problem for file in files for problem in file.problems]
    forecasts = []
    others: list[Manifest] = []
    for namespace in (OPTED_IN, PLAIN):
        more, others = forecast(manifests, _all_in(namespace), ask, problems)
        forecasts += more
    for problem in problems:
        raise problem
    return Preview(
        files=files,
        forecasts=forecasts,
        others=others,
        assumed="",
        remarks=remarks(manifests, options.label_key),
        problems=(),
    )


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
