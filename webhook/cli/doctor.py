"""``doctor``: is the installation right, and does the mesh let it work?"""

import sys
from typing import Any

import click

from webhook.admission.options import Options
from webhook.cli.access import with_client
from webhook.cli.report import OUTPUT, deliver
from webhook.cli.shared import ENVIRONMENT, Bar, with_options
from webhook.cli.tls import CONFIGURATION


@click.command(context_settings=ENVIRONMENT)
@OUTPUT
@CONFIGURATION
@with_options
@with_client
def doctor(*, client: Any, options: Options, configuration: str, output: str) -> None:
    """Check installation and mesh; each check has its evidence and its cure.

    Give it the flags that the webhook runs with. It changes nothing: what it creates, it creates by
    dry run. Ends with 1 where something is wrong or warned of, and with 2 where something could not
    be told.
    """
    from webhook.doctor.inspection import Installation  # noqa: PLC0415
    from webhook.doctor.run import run  # noqa: PLC0415

    bar = Bar(sys.stderr)
    report = run(client, options, Installation(configuration), progress=bar.at)
    bar.clear()
    deliver(report, output)
    raise SystemExit(report.exit_code)
