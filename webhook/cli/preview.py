"""``preview``: what would happen to manifests."""

import sys

import click

from webhook.admission.options import Options
from webhook.cli.shared import ENVIRONMENT, Failure, with_options
from webhook.optin import Mode


@click.command(context_settings=ENVIRONMENT)
@click.option(
    "-f", "--filename", multiple=True, help="Files or folders of manifests, or -; repeatable."
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "yaml", "diff", "json"]),
    default="table",
    show_default=True,
    help="yaml has the settings written into the manifests, for GitOps without a webhook.",
)
@click.option(
    "-n",
    "--namespace",
    default="default",
    show_default=True,
    help="Where objects go that name no namespace.",
)
@click.option(
    "--assume",
    type=click.Choice([mode.value for mode in Mode]),
    default=Mode.ENABLED.value,
    show_default=True,
    help="Label of the namespaces that are not among the manifests.",
)
@with_options
def preview(
    *, filename: tuple[str, ...], output: str, namespace: str, assume: str, options: Options
) -> None:
    """Tell what would happen to manifests; offline, no server.

    Reads -f, or standard input. Workloads are shown by the Pods that they will create.
    """
    from webhook.offline import preview as offline_preview  # noqa: PLC0415
    from webhook.offline import render, sources  # noqa: PLC0415
    from webhook.offline.delivery import DeliveryError, delivered  # noqa: PLC0415
    from webhook.offline.documents import ManifestError  # noqa: PLC0415

    try:
        shown = offline_preview.preview(
            sources.read(filename),
            namespace=namespace,
            assume=Mode(assume),
            options=options,
        )
        with delivered(sys.stdout) as stream:
            render.write(shown, render.Output(output), stream)
        for warning in render.warnings_beside(shown, render.Output(output)):
            click.echo(warning, err=True)
    except (DeliveryError, ManifestError) as error:
        raise Failure(str(error)) from error
