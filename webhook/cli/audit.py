"""``audit``: what exists already without the setting, and ``--fix``, which mends it on request."""

import contextlib
import dataclasses
import datetime as dt
import functools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from webhook.admission.options import Options
from webhook.cli import mending
from webhook.cli.access import config_map, named_namespaces, namespaces, with_client
from webhook.cli.report import OUTPUT, deliver
from webhook.cli.shared import ENVIRONMENT, Bar, with_options
from webhook.cli.tls import Duration, default_of
from webhook.settings import Certificates, LogFormat, written

if TYPE_CHECKING:  # which take their time to import
    from webhook.audit.findings import Report
    from webhook.audit.walk import Selection

_TIMEOUT: Final = dt.timedelta(minutes=5)
"""For the new Pods of one owner; half of what Kubernetes waits before it calls a rollout stuck."""


def _fitting(command: Callable[..., None]) -> Callable[..., None]:
    """Refuse flags that mean nothing together, before anybody is asked anything."""

    @functools.wraps(command)
    def checked(**flags: Any) -> None:
        for flag, given in (
            ("--yes", flags["yes"]),
            ("--dry-run", flags["dry_run"] is not None),
            ("--timeout", flags["timeout"] is not None),
        ):
            if given and not flags["fix"]:
                raise click.UsageError(
                    f"{flag} means nothing without --fix: only that changes things."
                )
        if flags["publish"] is not None and (flags["namespace"] or flags["selector"]):
            raise click.UsageError(
                "What --publish writes is taken for the whole cluster: leave --namespace and "
                "--selector out."
            )
        command(**flags)

    return checked


@click.command(context_settings=ENVIRONMENT)
@click.option(
    "-n",
    "--namespace",
    multiple=True,
    metavar="NAME",
    callback=named_namespaces,
    shell_complete=namespaces,
    help="Look into this namespace only; repeatable. By default into all that are opted in.",
)
@click.option("-l", "--selector", default="", metavar="SELECTOR", help="Labels, as kubectl has it.")
@OUTPUT
@click.option(
    "--configuration",
    default=default_of(Certificates, "configuration"),
    show_default=True,
    metavar="NAME",
    help="The webhook's MutatingWebhookConfiguration, whose age tells what is older.",
)
@click.option(
    "--live", is_flag=True, help="Look into running Pods: which addresses they are connected to."
)
@click.option(
    "--fix", is_flag=True, help="Mend what can be, one owner after the other; asks first."
)
@click.option("--yes", is_flag=True, help="With --fix: do not ask.")
@click.option(
    "--dry-run",
    type=click.Choice(["none", "server"]),
    help="With --fix: server lets the API server try each change, and changes nothing.",
)
@click.option(
    "--timeout",
    type=Duration(),
    metavar="TIME",
    help="With --fix: how long the new Pods of one owner may take to be available.  "
    f"[default: {written(_TIMEOUT)}]",
)
@click.option(
    "--publish",
    metavar="NAMESPACE/NAME",
    callback=config_map,
    help="Write the summary into this ConfigMap too, from which serve makes metrics.",
)
@click.option(
    "--exit-zero", is_flag=True, help="End with 0 whatever is found, if there is a report."
)
@with_options
@_fitting
@with_client
def audit(
    *,
    client: Any,
    options: Options,
    namespace: tuple[str, ...],
    selector: str,
    output: str,
    configuration: str,
    live: bool,
    fix: bool,
    yes: bool,
    dry_run: str | None,
    timeout: dt.timedelta | None,
    publish: tuple[str, str] | None,
    exit_zero: bool,
) -> None:
    """Find Pods and Services that exist already and do not see their clients.

    Ends with 1 where there is something to mend; otherwise with 2 where something could not be
    told, and else with 0. Each finding comes with the command that mends it.
    """
    from webhook.audit.walk import Selection  # noqa: PLC0415

    selection = Selection(namespace, selector, configuration)

    def look() -> "Report":
        with contextlib.closing(Bar(sys.stderr)) as bar:
            return _look(client, options, selection, bar, live=live)

    report = look()
    whole = True
    if fix and mending.agreed(report, asked=yes or dry_run == "server"):
        again = functools.partial(_audit_again, client, options, selection)
        patience = _TIMEOUT if timeout is None else timeout
        whole = mending.mend(client, report, patience, again, dry_run=dry_run == "server")
        report = report if dry_run == "server" else look()
    deliver(report, output)
    if publish is not None:
        _publish(client, publish, report, configuration)
    if exit_zero:
        return
    raise SystemExit(report.exit_code if whole else report.exit_code or 1)


def _look(
    client: Any, options: Options, selection: "Selection", bar: Bar, *, live: bool
) -> "Report":
    """Audit, with a look into running Pods or without.

    Args:
        client: Asks the API server.
        options: What the admin chose for the webhook.
        selection: What is audited.
        bar: Shows how far it is.
        live: Look into Pods.
    """
    from webhook.audit import walk  # noqa: PLC0415

    report = walk.run(client, options, selection, bar.count)
    if not live:
        return report
    from webhook.audit.live import Looker  # noqa: PLC0415
    from webhook.cluster.streams import exec_in  # noqa: PLC0415

    looker = Looker(run=functools.partial(exec_in, client), progress=bar.at)
    return looker.look(client, options, report, selection.selector)


def _audit_again(client: Any, options: Options, selection: "Selection", namespace: str) -> "Report":
    """Audit one namespace."""
    from webhook.audit import walk  # noqa: PLC0415

    return walk.run(client, options, dataclasses.replace(selection, namespaces=(namespace,)))


def _publish(client: Any, place: tuple[str, str], report: "Report", configuration: str) -> None:
    """Publish the summary of a report.

    Args:
        client: May ``patch`` the ConfigMap.
        place: Its namespace and name.
        report: What was found.
        configuration: Name of our MutatingWebhookConfiguration.
    """
    from webhook import logs  # noqa: PLC0415
    from webhook.audit import publication  # noqa: PLC0415
    from webhook.doctor import order  # noqa: PLC0415

    logs.configure(LogFormat.JSON, "info")
    ordered = order.before_istio(client, configuration)
    publication.publish(client, *place, report, ordered=ordered)
