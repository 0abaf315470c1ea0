"""``preview``: what would happen to manifests."""

import gc
import sys
from typing import TYPE_CHECKING

import click

from webhook.admission.options import Options
from webhook.cli.shared import ENVIRONMENT, Failure, with_options
from webhook.optin import Mode

if TYPE_CHECKING:  # which take their time to import
    from webhook.offline.preview import Preview


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
@click.option(
    "--keep-going",
    is_flag=True,
    help="Write yaml or diff although documents cannot be read; they stay as they are.",
)
@with_options
def preview(
    *,
    filename: tuple[str, ...],
    output: str,
    namespace: str,
    assume: str,
    keep_going: bool,
    options: Options,
) -> None:
    """Tell what would happen to manifests; offline, no server.

    Reads -f, or standard input, as kubectl does. Workloads are shown by the Pods that they will
    create. Exit code 1 says that a document was left out because it cannot be read, 2 that nothing
    was shown.
    """
    from webhook.offline import preview as offline_preview  # noqa: PLC0415
    from webhook.offline import render, sources  # noqa: PLC0415
    from webhook.offline.delivery import DeliveryError, delivered  # noqa: PLC0415
    from webhook.offline.documents import ManifestError  # noqa: PLC0415

    gc.disable()  # it would look again and again through what has been read, and find nothing
    try:
        shown = offline_preview.preview(
            sources.read(filename),
            namespace=namespace,
            assume=Mode(assume),
            options=options,
        )
        _report(shown, complete=output in {"yaml", "diff"} and not keep_going)
        with delivered(sys.stdout) as stream:
            render.write(shown, render.Output(output), stream)
        for warning in render.warnings_beside(shown, render.Output(output)):
            click.echo(warning, err=True)
    except (DeliveryError, ManifestError) as error:
        raise Failure(str(error)) from error
    finally:
        gc.enable()
    if shown.problems:
        raise click.exceptions.Exit(1)


def _report(shown: "Preview", *, complete: bool) -> None:
    """Say what was left out, and what kubectl reads otherwise than one may think.

    Raises:
        Failure: Nothing is left, or all of it is wanted.
    """
    sentences = [str(problem) for problem in shown.problems]
    if sentences and not (shown.forecasts or shown.others):
        raise Failure("\n".join(sentences))
    for sentence in sentences:
        click.echo(sentence, err=True)
    for file in shown.files:
        for warning in file.warnings:
            click.echo(f"Warning: {warning}", err=True)
    if sentences and complete:
        raise Failure(
            "Nothing is written, because the above would be missing from it: correct it, or let it "
            "stay as it is with --keep-going."
        )
