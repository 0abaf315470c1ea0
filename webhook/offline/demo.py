"""The demo: a real server on loopback, and we play the API server for the guide's manifests.

The requests are those of a cluster, and so is the verified TLS that they go through.
"""

import asyncio
import contextlib
import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Final, Protocol

import msgspec
import urllib3

from certs.contents import CA_CERTIFICATE
from webhook.admission.answer import ReviewError, receive
from webhook.admission.options import Options
from webhook.labels import Mode
from webhook.manifests.objects import File, Manifest
from webhook.offline import sources
from webhook.offline.apiserver import Review
from webhook.offline.preview import Preview, Response, forecast
from webhook.offline.remarks import remarks
from webhook.settings import Certificates, Listening, LogFormat, Logs, SelfSigned, Settings

OPTED_IN: Final = "opted-in"
"""Name of the namespace that has the label."""
PLAIN: Final = "plain"
"""Name of the namespace that has not."""
LOGS: Final = Logs(format=LogFormat.CONSOLE, level="error")
"""What the server writes beside the demo: nothing of its decisions, which the demo shows."""
_NAMESPACES: Final = """\
apiVersion: v1
kind: Namespace
metadata: {{name: opted-in, labels: {{"{key}": {value}}}}}
---
apiVersion: v1
kind: Namespace
metadata: {{name: plain}}
"""
"""The server's file of namespaces, with these two; the label's key and value are filled in."""
_TIMEOUT: Final = 10.0
"""Seconds an answer may take; the API server would wait for 2."""


class DemoError(Exception):
    """The server could not be asked as it should; the text is one sentence for a person."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What the demo has shown."""

    preview: Preview
    """What each object got in each of the two namespaces."""
    url: str
    """Where the server was."""
    label_key: str
    """Key of the label by which namespaces opt in."""

    @property
    def introduction(self) -> str:
        """What stands above the table."""
        reviewed = {
            (each.namespace, each.manifest, each.template) for each in self.preview.forecasts
        }
        return (
            f"{len(reviewed)} reviews were answered over verified TLS by the server "
            f"at {self.url}.\n"
            f"Namespace {OPTED_IN} is labelled {self.label_key}={Mode.ENABLED}, {PLAIN} is not.\n\n"
        )

    @property
    def conclusion(self) -> str:
        """What stands below it."""
        return (
            "\nIn a cluster, one label does it:\n"
            f"  kubectl label namespace NAME {self.label_key}={Mode.ENABLED}\n"
        )


class Server(Protocol):
    """A server that can be started, as :mod:`webhook.server.lifecycle` puts it together."""

    port: int
    """Where it answers reviews, once started."""

    def started(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Serve for as long as the context lasts."""


@dataclasses.dataclass(frozen=True, slots=True)
class ApiServer:
    """The API server's side of the connection."""

    url: str
    """Where reviews are sent."""
    client: urllib3.PoolManager
    """Trusts the server's authority."""

    def ask(self, review: Review) -> bytes:
        """Send a review and return the answer.

        Raises:
            ReviewError: The server refuses the object.
            DemoError: There is no answer, or it is another error.
        """
        headers = {"Content-Type": "application/json"}
        try:
            answer = self.client.request("POST", self.url, body=review.body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise DemoError(f"The server at {self.url} did not answer: {error}.") from error
        if answer.status == HTTPStatus.BAD_REQUEST:
            raise ReviewError(_message(answer.data))
        if answer.status != HTTPStatus.OK:
            raise DemoError(f"The server answered {answer.status}: {_message(answer.data)}")
        return answer.data


def run(
    names: Sequence[str],
    options: Options,
    assemble: Callable[[Settings], Server],
    tell: Callable[[str], None] = lambda _: None,
) -> Demo:
    """Run the demo.

    Args:
        names: Files of manifests; none means the guide's own.
        options: What an admin would choose.
        assemble: Makes the real server.
        tell: Is given a sentence for each file that is left out.

    Raises:
        ManifestError: A file is not readable as manifests, or the server refuses an object.
        DemoError: The server did not answer as it should, or there is no temporary folder.
        ListenError: Loopback has no free port.
        FolderError: The server's certificate cannot be kept.
    """
    files = sources.read(names, tell=tell) if names else sources.guide()
    with _temporary_folder() as folder:
        shown, url = asyncio.run(_ask_server(files, options, assemble, Path(folder)))
    return Demo(preview=shown, url=url, label_key=options.label_key)


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


async def _ask_server(
    files: list[File],
    options: Options,
    assemble: Callable[[Settings], Server],
    folder: Path,
) -> tuple[Preview, str]:
    """Start the server and ask it about everything; tell what came of it, and where it was."""
    namespaces = folder / "namespaces.yaml"
    namespaces.write_text(_NAMESPACES.format(key=options.label_key, value=Mode.ENABLED))
    tls = SelfSigned(directory=folder / "tls")
    settings = Settings(
        certificates=Certificates(source=tls),
        listening=Listening(host="127.0.0.1", port=0, ops_port=0),
        admission=options,
        namespaces=namespaces,
        logs=LOGS,
    )
    webhook = assemble(settings)
    async with webhook.started():
        server = ApiServer(
            f"https://127.0.0.1:{webhook.port}/mutate",
            urllib3.PoolManager(
                ca_certs=str(tls.directory / CA_CERTIFICATE), retries=False, timeout=_TIMEOUT
            ),
        )
        with server.client:
            return await asyncio.to_thread(_preview_of, files, server, options), server.url


def _preview_of(files: list[File], server: ApiServer, options: Options) -> Preview:
    """Create every object in both namespaces, as far as the webhook is concerned."""
    labels = {OPTED_IN: {options.label_key: Mode.ENABLED.value}, PLAIN: {}}

    def ask(asked: Review) -> Response:
        body = server.ask(asked)
        admission = receive(asked.body)
        return Response(body, admission.sees(labels[admission.request.namespace], options))

    manifests = [manifest for file in files for manifest in file.manifests]
    problems = [problem for file in files for problem in file.problems]
    forecasts = []
    others: list[Manifest] = []
    for namespace in (OPTED_IN, PLAIN):
        more, others = forecast(manifests, _all_in(namespace), ask, problems)
        forecasts += more
    if problems:
        raise problems[0]
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


class _Status(msgspec.Struct):
    """What :mod:`webhook.server.rejections` answers with."""

    message: str


def _message(body: bytes) -> str:
    """Take the sentence out of a refusal, which is a Status unless something else answered."""
    try:
        return msgspec.json.decode(body, type=_Status).message
    except (msgspec.MsgspecError, UnicodeError):
        return body.decode(errors="replace")
