"""How ``audit --fix`` asks before it acts, and what it says meanwhile, on standard error."""

import contextlib
import datetime as dt
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from webhook.cli.shared import Bar, Failure, tell

if TYPE_CHECKING:  # which takes its time to import
    from webhook.audit.findings import Report


def agreed(report: "Report", *, asked: bool) -> bool:
    """Show what is going to be done, and ask whether it shall be.

    Args:
        report: What was found.
        asked: Whether somebody has said so already.

    Raises:
        Failure: There is nobody to ask.
        KeyboardInterrupt: Somebody has ended it with Ctrl-C or Ctrl-D.
    """
    from webhook.audit.plan import plan  # noqa: PLC0415

    steps = plan(report)
    if not steps:
        tell("There is nothing that --fix can mend by itself.")
        return False
    tell("This is going to be done, one after the other:")
    for step in steps:
        tell(f"  {step}")
    if asked:
        return True
    if not can_ask():
        raise Failure(
            "Nothing is changed, because standard input is no terminal where you could be asked: "
            "say --yes, or try it with --dry-run=server."
        )
    try:
        return click.confirm("Shall it be done?", err=True)
    except click.Abort:  # upon which click (8.5.1) ends with 1, as if something was found
        tell("\nNothing is changed.")
        raise KeyboardInterrupt from None


def can_ask() -> bool:
    """Tell whether somebody sits at standard input, which the shell may have closed."""
    return sys.stdin is not None and sys.stdin.isatty()


def mend(
    client: Any,
    report: "Report",
    timeout: dt.timedelta,
    again: Callable[[str], "Report"],
    *,
    dry_run: bool,
) -> bool:
    """Do what can be done, and tell whether all of it was.

    Args:
        client: May do it.
        report: What was found.
        timeout: How long the new Pods of one owner may take to be available.
        again: Audits a namespace.
        dry_run: Change nothing.

    Raises:
        KeyboardInterrupt: Somebody has ended it; what was done until then is told.
    """
    from webhook.audit.fix import Carrier, Outcome, summary  # noqa: PLC0415
    from webhook.audit.plan import plan  # noqa: PLC0415

    outcome = Outcome(plan(report))
    with contextlib.closing(Bar(sys.stderr)) as bar:

        def tell_beside(sentence: str) -> None:
            bar.clear()
            tell(sentence)

        carrier = Carrier(
            client=client,
            timeout=timeout,
            audit=again,
            dry_run=dry_run,
            tell=tell_beside,
            progress=bar.at,
        )
        try:
            carrier.carry_out(outcome)
        finally:
            for line in summary(outcome, report.label_key) if outcome.pending else ():
                tell_beside(line)
    return not outcome.pending
