"""``preview`` tells what would happen to manifests, ``demo`` what the guide's own get."""

import contextlib
import gc
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, TextIO

import click

from webhook.admission.options import Options
from webhook.cli.shared import (
    ENVIRONMENT,
    Bar,
    DeliveryError,
    Failure,
    delivered,
    tell,
    with_options,
)
from webhook.labels import Mode

if TYPE_CHECKING:  # which take their time to import
    from webhook.offline.demo import Demo
    from webhook.offline.preview import Preview

# Written out, for the enums stand in modules that take their time to import; a test compares them.
_APPLIERS: Final = ("kubectl", "server-side", "create", "helm3", "helm4")
_OUTCOMES: Final = ("patched", "unchanged", "skipped", "conflict")


def _labels(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, Mode]:
    """Read NAMESPACE=VALUE."""
    labels = {}
    for value in values:
        name, _, mode = value.partition("=")
        if not name or mode not in set(Mode):
            raise click.BadParameter(
                f"{value!r} is not NAMESPACE=VALUE: write one such as shop=enabled; the values are "
                f"{', '.join(Mode)}."
            )
        labels[name] = Mode(mode)
    return labels


@click.command(context_settings=ENVIRONMENT)
@click.argument("file", nargs=-1)
@click.option(
    "-f",
    "--filename",
    multiple=True,
    help="Files or folders of manifests, or -; repeatable. The same as FILE.",
)
@click.option("-R", "--recursive", is_flag=True, help="Read the folders in folders too.")
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
    "--label",
    multiple=True,
    metavar="NAMESPACE=VALUE",
    callback=_labels,
    help="What if this namespace had that label? Whatever the manifests say; repeatable.",
)
@click.option(
    "--applied-by",
    type=click.Choice(_APPLIERS),
    default="kubectl",
    show_default=True,
    help="Who creates the objects: kubectl apply (Argo CD too), server-side apply (Flux too), "
    "kubectl create, or helm install. Only some show whether a value was written.",
)
@click.option(
    "--keep-going",
    is_flag=True,
    help="Write yaml or diff although documents cannot be read; they stay as they are.",
)
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(_OUTCOMES),
    help="Exit with 1 if an object has this outcome; repeatable. For CI.",
)
@click.option(
    "--exit-code",
    is_flag=True,
    help="With -o diff, exit as kubectl diff does: 0 no difference, 1 some, more an error.",
)
@with_options
def preview(
    *,
    file: tuple[str, ...],
    filename: tuple[str, ...],
    recursive: bool,
    output: str,
    namespace: str,
    assume: str,
    label: dict[str, Mode],
    applied_by: str,
    keep_going: bool,
    fail_on: tuple[str, ...],
    exit_code: bool,
    options: Options,
) -> None:
    """Tell what would happen to manifests; offline, no server.

    Reads FILE and -f, or standard input, as kubectl does. Workloads are shown by the Pods that they
    will create. Exit code 1 says that a document was left out because it cannot be read, 2 that
    nothing was shown.
    """
    from webhook.admission.decision import Outcome  # noqa: PLC0415
    from webhook.offline import sources  # noqa: PLC0415
    from webhook.offline.apiserver import Applier  # noqa: PLC0415
    from webhook.offline.preview import build_preview  # noqa: PLC0415

    if exit_code and output != "diff":
        raise click.UsageError("--exit-code tells of differences, so it needs -o diff.")
    with _progress() as progress:

        def tell_beside(sentence: str) -> None:
            progress.clear()
            tell(sentence)

        names = (*filename, *file)
        shown = build_preview(
            sources.read(names, recursive=recursive, tell=tell_beside, progress=progress),
            namespace=namespace,
            assume=Mode(assume),
            labels=label,
            applier=Applier(applied_by),
            options=options,
            progress=progress,
        )
        progress.clear()
        _report(shown, complete=output in {"yaml", "diff"} and not keep_going)
        with delivered(sys.stdout) as stream:
            beside = _write(shown, output, stream, progress)
        for line in beside:
            tell(line)
    outcomes = {forecast.outcome for forecast in shown.forecasts}
    differs = exit_code and Outcome.PATCHED in outcomes
    if shown.problems or differs or outcomes & set(fail_on):
        raise click.exceptions.Exit(1)


@contextlib.contextmanager
def _progress() -> Iterator[Bar]:
    """Give the bar for the work of ``preview``, and turn what goes wrong in it into a failure.

    Raises:
        Failure: The manifests cannot be read or written, or the output cannot be delivered.
    """
    from webhook.manifests.documents import ManifestError  # noqa: PLC0415

    # CPython's collector (3.11 to 3.13) would look again and again through all that has been read,
    # and find nothing to collect: most of it lives as long as the command.
    gc.disable()
    bar = Bar(sys.stderr)
    try:
        yield bar
    except (DeliveryError, ManifestError) as error:
        raise Failure(str(error)) from error
    finally:
        bar.clear()
        gc.enable()


def _write(shown: "Preview", output: str, stream: TextIO, progress: Bar) -> list[str]:
    """Write a preview.

    Args:
        shown: What to show.
        output: The value of ``--output``.
        stream: Where to.
        progress: Is told how far the writing is.

    Returns:
        Lines that the output has no place for.

    Raises:
        ManifestError: A setting has no place of its own in the text.
    """
    if output == "table":
        from webhook.offline.table import write_table  # noqa: PLC0415

        write_table(shown, stream)
        return []
    from webhook.offline import render  # noqa: PLC0415

    form = render.Output(output)
    render.write(shown, form, stream, progress)
    return render.warnings_beside(shown, form)


def _report(shown: "Preview", *, complete: bool) -> None:
    """Say what was left out, and what kubectl reads otherwise than one may think.

    Raises:
        Failure: Nothing is left, or all of it is wanted.
    """
    sentences = [str(problem) for problem in shown.problems]
    if sentences and not (shown.forecasts or shown.others):
        raise Failure("\n".join(sentences))
    for sentence in sentences:
        tell(sentence)
    for file in shown.files:
        for warning in file.warnings:
            tell(f"Warning: {warning}")
    if sentences and complete:
        raise Failure(
            "Nothing is written, because the above would be missing from it: correct it, or let it "
            "stay as it is with --keep-going."
        )


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
    from certs.contents import FolderError  # noqa: PLC0415
    from webhook import logs  # noqa: PLC0415
    from webhook.manifests.documents import ManifestError  # noqa: PLC0415
    from webhook.offline import demo as offline_demo  # noqa: PLC0415
    from webhook.offline.demo import DemoError  # noqa: PLC0415
    from webhook.server.lifecycle import assemble  # noqa: PLC0415
    from webhook.server.listening import ListenError  # noqa: PLC0415

    logs.configure(offline_demo.LOGS.format, offline_demo.LOGS.level)
    try:
        shown = offline_demo.run(filename, options, assemble, tell)
        write_demo(shown, sys.stdout)
    except (DeliveryError, ManifestError, DemoError, ListenError, FolderError) as error:
        raise Failure(str(error)) from error


def write_demo(shown: "Demo", stream: TextIO | None) -> None:
    """Write what the demo has shown.

    Args:
        shown: What it was.
        stream: Where to; a terminal gets colours. ``None`` is a closed one.

    Raises:
        DeliveryError: The stream does not take the output.
    """
    from webhook.offline.table import write_table  # noqa: PLC0415

    with delivered(stream) as target:
        target.write(shown.introduction)
        write_table(shown.preview, target)
        target.write(shown.conclusion)
