"""``certificates``: ``show`` what there is, as a table or as JSON, and ``rotate`` on demand."""

import datetime as dt
import functools
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from webhook.cli.access import with_client
from webhook.cli.shared import ENVIRONMENT, DeliveryError, Failure, add_flags, delivered
from webhook.cli.tls import CONFIGURATION, SECRET, own_namespace

if TYPE_CHECKING:  # which takes its time to import
    from webhook.certificates.commands import Report

_COLUMNS: Final = ("WHERE", "CERTIFICATE", "EXPIRES", "SHA-256")
_WIDTH_OF_A_PIPE: Final = 1000
"""Columns of a table that no terminal shows: more than any line of it has."""


def _with_secret(command: Callable[..., None]) -> Callable[..., None]:
    """Open the Secret that the flags name, and turn what is wrong with it into a sentence.

    Args:
        command: Gets the client and the Secret as ``client`` and ``secret``.
    """

    @functools.wraps(command)
    def named(*, client: Any, tls_secret: str, tls_namespace: str | None, **others: Any) -> None:
        from certs.contents import ContentsError  # noqa: PLC0415
        from webhook.certificates.commands import NothingToRotateError  # noqa: PLC0415
        from webhook.cluster.objects import SecretClient  # noqa: PLC0415

        secret = SecretClient(client, tls_namespace or own_namespace(), tls_secret)
        try:
            command(client=client, secret=secret, **others)
        except (ContentsError, NothingToRotateError) as error:
            raise Failure(str(error)) from error

    return named


def _secret_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Add the flags that name the Secret."""
    return add_flags(command, SECRET)


@click.group(context_settings=ENVIRONMENT)
def certificates() -> None:
    """Show or rotate the certificates that serve --tls-managed keeps."""


@certificates.command()
@_secret_flags
@CONFIGURATION
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="table is for people, json for programs.",
)
@with_client
@_with_secret
def show(*, client: Any, secret: Any, configuration: str, output: str) -> None:
    """Show every certificate with expiry and fingerprint, and whether the leaf is verified.

    Ends with 0 where every caBundle verifies the leaf, with 1 where one does not, and with 2 where
    nobody could tell. Works on a Secret of cert-manager's as well.
    """
    from webhook.certificates import commands  # noqa: PLC0415
    from webhook.cluster.objects import CaBundleClient  # noqa: PLC0415

    report = commands.report(secret, CaBundleClient(client, configuration))
    write = write_report_json if output == "json" else write_report_table
    try:
        with delivered(sys.stdout) as stream:
            write(report, stream)
    except DeliveryError as error:
        raise Failure(str(error)) from error
    raise SystemExit(bool(report.problems))


@certificates.command()
@_secret_flags
@click.option(
    "--ca", is_flag=True, help="Replace the authority too, with the overlap that loses no request."
)
@with_client
@_with_secret
def rotate(*, client: Any, secret: Any, ca: bool) -> None:  # noqa: ARG001  show needs it
    """Replace the certificate now, or with --ca its authority as well.

    Both get the names and lifetimes of those before them.
    """
    from webhook.certificates.commands import rotate as rotate_on_demand  # noqa: PLC0415

    rotate_on_demand(secret, authority=ca)
    if ca:
        click.echo(
            f"{secret} holds a next authority. The replicas publish it beside the one before, let "
            "it issue the certificate after --tls-propagation, and leave the one before out of "
            "every caBundle after --tls-overlap. See: source-ip-webhook certificates show"
        )
    else:
        click.echo(f"{secret} holds a new certificate. The replicas serve it within seconds.")


def write_report_table(report: "Report", stream: TextIO) -> None:
    """Write one line per certificate and place, and below them what is wrong.

    Args:
        report: What to show.
        stream: Where to; a terminal gets lines that fit it, anything else every line in one piece.
    """
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    from certs import bundle  # noqa: PLC0415

    console = Console(file=stream, markup=False, emoji=False, highlight=False)
    table = Table(*_COLUMNS, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for finding in report.findings:
        certificate = finding.certificate
        days = (certificate.not_valid_after_utc - report.now).days
        expires = f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} ({days} d)"
        table.add_row(finding.place, finding.role, expires, bundle.fingerprint(certificate))
    for column in table.columns:
        column.overflow = "fold"
    if not console.is_terminal:
        # rich (15.0.0) takes a pipe for a terminal of 80 columns, and folds what is longer.
        console.width = _WIDTH_OF_A_PIPE
    console.print(table)
    for problem in report.problems or ("Every caBundle verifies the leaf.",):
        console.print(problem, style="yellow" if report.problems else "green", soft_wrap=True)


def write_report_json(report: "Report", stream: TextIO) -> None:
    """Write an object with ``certificates`` and ``problems``.

    Args:
        report: What to show.
        stream: Where to.
    """
    from certs import bundle  # noqa: PLC0415

    certificates = [
        {
            "where": finding.place,
            "role": finding.role,
            "subject": finding.certificate.subject.rfc4514_string(),
            "notBefore": _time(finding.certificate.not_valid_before_utc),
            "notAfter": _time(finding.certificate.not_valid_after_utc),
            "sha256": bundle.fingerprint(finding.certificate),
        }
        for finding in report.findings
    ]
    document = {"certificates": certificates, "problems": report.problems}
    stream.write(json.dumps(document, indent=2) + "\n")


def _time(moment: dt.datetime) -> str:
    """Write a time as Kubernetes does (RFC 3339)."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
