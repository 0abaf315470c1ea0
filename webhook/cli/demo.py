"""``demo``: the guide's manifests, without a cluster."""

import sys

import click

from webhook.admission.options import Options
from webhook.cli.shared import ENVIRONMENT, Failure, tell, with_options
from webhook.settings import LogFormat


@click.command(context_settings=ENVIRONMENT)
@click.option(
    "-f", "--filename", multiple=True, help="Manifests instead of the guide's; repeatable."
)
@with_options
def demo(*, filename: tuple[str, ...], options: Options) -> None:
    """Show what the guide's own manifests get; no cluster needed.

    Starts the real HTTPS server on loopback, plays the API server for every object in an opted-in
    and in a plain namespace, and prints what each got and what its application will see.
    """
    from certs.store import StoreError  # noqa: PLC0415
    from webhook.offline import demo as offline_demo  # noqa: PLC0415
    from webhook.offline.connection import DemoError  # noqa: PLC0415
    from webhook.offline.delivery import DeliveryError  # noqa: PLC0415
    from webhook.offline.documents import ManifestError  # noqa: PLC0415
    from webhook.server.listening import ListenError  # noqa: PLC0415
    from webhook.telemetry import logs  # noqa: PLC0415

    logs.configure(LogFormat.CONSOLE, "error")
    try:
        offline_demo.run(filename, options, sys.stdout, tell)
    except (DeliveryError, ManifestError, DemoError, ListenError, StoreError) as error:
        raise Failure(str(error)) from error
