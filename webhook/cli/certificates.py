"""``certificates``: what there is, and a rotation on demand."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import click

from webhook.cli.shared import ENVIRONMENT, Failure
from webhook.cli.tls import CONFIGURATION, SECRET, own_namespace


def _in_cluster(command: Callable[..., None]) -> Callable[..., None]:
    """Add the flags that name the Secret, and turn what the cluster objects to into a sentence.

    Args:
        command: Gets the client and the Secret as ``client`` and ``secret``.
    """

    @functools.wraps(command)
    def connected(*, tls_secret: str, tls_namespace: str | None, **others: Any) -> None:
        from certs.contents import ContentsError  # noqa: PLC0415
        from webhook.certificates.on_demand import NothingToRotateError  # noqa: PLC0415
        from webhook.cluster import ClusterError  # noqa: PLC0415
        from webhook.cluster.client import Client  # noqa: PLC0415
        from webhook.cluster.secret import SecretStore  # noqa: PLC0415

        try:
            client = Client()
            secret = SecretStore(client, tls_namespace or own_namespace(), tls_secret)
            command(client=client, secret=secret, **others)
        except (ClusterError, ContentsError, NothingToRotateError) as error:
            raise Failure(str(error)) from error

    for flag in reversed(SECRET):
        connected = flag(connected)
    return connected


@click.group(context_settings=ENVIRONMENT)
def certificates() -> None:
    """Show or rotate the certificates that serve --tls-managed keeps."""


@certificates.command()
@_in_cluster
@CONFIGURATION
@click.option(
    "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True
)
def show(*, client: Any, secret: Any, configuration: str, output: str) -> None:
    """Show every certificate with expiry and fingerprint, and whether the leaf is verified.

    Ends with 0 where every caBundle verifies the leaf, with 1 where one does not, and with 2 where
    nobody could tell. Works on a Secret of cert-manager's as well.
    """
    from webhook.certificates import inventory  # noqa: PLC0415
    from webhook.cli.inventory import write_json, write_table  # noqa: PLC0415
    from webhook.cluster.ca_bundle import Bundles  # noqa: PLC0415
    from webhook.offline.delivery import DeliveryError, delivered  # noqa: PLC0415

    found = inventory.take(secret, Bundles(client, configuration))
    write = write_json if output == "json" else write_table
    try:
        with delivered(sys.stdout) as stream:
            write(found, stream)
    except DeliveryError as error:
        raise Failure(str(error)) from error
    raise SystemExit(bool(found.problems))


@certificates.command()
@_in_cluster
@click.option(
    "--ca", is_flag=True, help="Replace the authority too, with the overlap that loses no request."
)
def rotate(*, client: Any, secret: Any, ca: bool) -> None:  # noqa: ARG001  show needs it
    """Replace the certificate now, or with --ca its authority as well.

    Both get the names and lifetimes of those before them.
    """
    from webhook.certificates.on_demand import rotate as rotate_on_demand  # noqa: PLC0415

    rotate_on_demand(secret, authority=ca)
    if ca:
        click.echo(
            f"{secret} holds a next authority. The replicas publish it beside the one before, let "
            "it issue the certificate after --tls-propagation, and leave the one before out of "
            "every caBundle after --tls-overlap. See: source-ip-webhook certificates show"
        )
    else:
        click.echo(f"{secret} holds a new certificate. The replicas serve it within seconds.")
