"""Shows which certificates there are: as a table for people, or as JSON."""

import datetime as dt
import json
from typing import TextIO

from rich.console import Console
from rich.table import Table

from certs import bundle
from webhook.certificates.inventory import Inventory

_COLUMNS = ("WHERE", "CERTIFICATE", "EXPIRES", "SHA-256")


def write_table(inventory: Inventory, stream: TextIO) -> None:
    """Write one line per certificate and place, and below them what is wrong.

    Args:
        inventory: What to show.
        stream: Where to; a terminal gets lines that fit it, anything else every line in one piece.
    """
    console = Console(file=stream, markup=False, emoji=False, highlight=False)
    table = Table(*_COLUMNS, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for item in inventory.items:
        certificate = item.certificate
        days = (certificate.not_valid_after_utc - inventory.now).days
        expires = f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} ({days} d)"
        table.add_row(item.place, item.role, expires, bundle.fingerprint(certificate))
    for column in table.columns:
        column.overflow = "fold"
    if not console.is_terminal:
        console.width = 1000
    console.print(table)
    for problem in inventory.problems or ("Every caBundle verifies the leaf.",):
        console.print(problem, style="yellow" if inventory.problems else "green", soft_wrap=True)


def write_json(inventory: Inventory, stream: TextIO) -> None:
    """Write an object with ``certificates`` and ``problems``.

    Args:
        inventory: What to show.
        stream: Where to.
    """
    certificates = [
        {
            "where": item.place,
            "role": item.role,
            "subject": item.certificate.subject.rfc4514_string(),
            "notBefore": _time(item.certificate.not_valid_before_utc),
            "notAfter": _time(item.certificate.not_valid_after_utc),
            "sha256": bundle.fingerprint(item.certificate),
        }
        for item in inventory.items
    ]
    document = {"certificates": certificates, "problems": inventory.problems}
    stream.write(json.dumps(document, indent=2) + "\n")


def _time(moment: dt.datetime) -> str:
    """Write a time as Kubernetes does (RFC 3339)."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
