"""The flags by which commands reach a cluster, named and meant as kubectl's are."""

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from webhook.cli.shared import Failure, add_flags

_INTERRUPTED: Final = 130
"""What shells tell of a command that Ctrl-C has ended: 128 and the number of SIGINT."""

_NAMESPACES: Final = "/api/v1/namespaces"
_PATIENCE: Final = 2.0
"""Seconds that somebody waits who has pressed the tabulator."""


def with_client(command: Callable[..., None]) -> Callable[..., None]:
    """Add the flags, and turn what the cluster objects to into a sentence.

    Args:
        command: Gets the client as the keyword argument ``client``.
    """

    @functools.wraps(command)
    def connected(
        *,
        kubeconfig: Path | None,
        context: str | None,
        as_user: str | None,
        as_group: tuple[str, ...],
        **others: Any,
    ) -> None:
        from webhook.cluster import ClusterError  # noqa: PLC0415
        from webhook.cluster.access import Access  # noqa: PLC0415

        if as_group and as_user is None:
            raise click.UsageError("--as-group means nothing without --as: name the user too.")
        access = Access(kubeconfig=kubeconfig, context=context, user=as_user, groups=as_group)
        try:
            command(client=access.connect(), **others)
        except ClusterError as error:
            raise Failure(str(error)) from error
        except KeyboardInterrupt:
            # Of itself click (8.5.1) ends with 1, which says that something was found.
            raise SystemExit(_INTERRUPTED) from None

    return add_flags(connected, _FLAGS)


def namespaces(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offer the names of the cluster's namespaces to a shell that completes a command line.

    Args:
        context: Has the flags that are on the line already.
        incomplete: What there is of the name.

    Returns:
        The names that begin so; none where the cluster does not tell soon.
    """
    import msgspec  # noqa: PLC0415

    from webhook.audit.objects import LiveObject  # noqa: PLC0415
    from webhook.cluster import ClusterError, answers  # noqa: PLC0415
    from webhook.cluster.access import Access  # noqa: PLC0415
    from webhook.cluster.answers import Page  # noqa: PLC0415
    from webhook.cluster.lists import METADATA_ONLY  # noqa: PLC0415

    given = context.params
    access = Access(
        kubeconfig=given.get("kubeconfig"),
        context=given.get("context"),
        user=given.get("as_user"),
        groups=given.get("as_group") or (),
    )
    decoder = msgspec.json.Decoder(Page[LiveObject])
    try:
        answer = access.connect().get(_NAMESPACES, accept=METADATA_ONLY, timeout=_PATIENCE)
        page = answers.decode(decoder, answer.body, f"get {_NAMESPACES}")
    except ClusterError:
        return []
    names = [each.metadata.name for each in page.items]
    return [name for name in names if name.startswith(incomplete)]


def named_namespaces(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """Refuse what no namespace can be called."""
    for value in values:
        if not re.fullmatch(_LABEL, value):
            raise click.BadParameter(f"{value!r} cannot be the name of a namespace.")
    return values


def config_map(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> tuple[str, str] | None:
    """Read the value of a flag that names a ConfigMap: its namespace and its name."""
    if value is None:
        return None
    if (found := _CONFIG_MAP.fullmatch(value)) is None:
        raise click.BadParameter(
            f"{value!r} names no ConfigMap: write NAMESPACE/NAME, such as source-ip/audit."
        )
    return found["namespace"], found["name"]


_LABEL: Final = "[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_SUBDOMAIN: Final = "[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?"
_CONFIG_MAP: Final = re.compile(f"(?P<namespace>{_LABEL})/(?P<name>{_SUBDOMAIN})")
"""A DNS label and a DNS subdomain.

Source:
    Kubernetes, "Object Names and IDs".
"""
_FLAGS: Final = (
    click.option(
        "--kubeconfig",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Kubeconfig to use; by default KUBECONFIG, or else ~/.kube/config.",
    ),
    click.option("--context", metavar="NAME", help="Context of the kubeconfig to use."),
    click.option("--as", "as_user", metavar="USER", help="User to impersonate."),
    click.option(
        "--as-group", multiple=True, metavar="GROUP", help="Group of that user; repeatable."
    ),
)
