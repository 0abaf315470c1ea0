"""The output of audit and doctor: a table for people, JSON or YAML for programs."""

import sys
from typing import TYPE_CHECKING, Final, TextIO, TypeAlias

import click

from webhook.cli.shared import DeliveryError, Failure, delivered

if TYPE_CHECKING:  # which take their time to import
    from webhook.audit import findings
    from webhook.doctor import checks

    Report: TypeAlias = findings.Report | checks.Report

OUTPUT: Final = click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "yaml"]),
    default="table",
    show_default=True,
    help="json and yaml have the schemas in docs/schemas.",
)
"""The flag that chooses the form."""


def deliver(report: "Report", output: str) -> None:
    """Write a report to standard output.

    Args:
        report: What to show.
        output: The value of ``--output``.

    Raises:
        Failure: Standard output does not take it.
    """
    try:
        with delivered(sys.stdout) as stream:
            write(report, output, stream)
    except DeliveryError as error:
        raise Failure(str(error)) from error


def write(report: "Report", output: str, stream: TextIO) -> None:
    """Write a report.

    Args:
        report: What to show: that of an audit, or that of a doctor.
        output: ``table``, ``json`` or ``yaml``.
        stream: Where to; a table has colours and fits its lines on a terminal, and anywhere else
            every line is in one piece.
    """
    if output == "table":
        from webhook.cli import tables  # noqa: PLC0415

        tables.write(report, stream)
        return
    from webhook.cli import documents  # noqa: PLC0415

    documents.write(report, output, stream)
