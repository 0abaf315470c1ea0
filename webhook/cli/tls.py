"""The flags that choose the serving certificate, and the lengths of time that some of them take."""

import dataclasses
import datetime as dt
import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from certs.policy import Policy, PolicyError
from webhook.cli.shared import add_flags
from webhook.settings import CertificateFiles, Certificates, Managed, SelfSigned, written

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PART: Final = re.compile(r"(\d+)([smhd])")
_TIMES: Final = {
    "tls_ca_lifetime": "authority_lifetime",
    "tls_leaf_lifetime": "leaf_lifetime",
    "tls_propagation": "propagation",
    "tls_overlap": "overlap",
}
"""Which field of the policy a flag fills."""


def default_of(group: type, field: str) -> Any:
    """Take a flag's default from the field that it fills, where its reason stands.

    Args:
        group: A dataclass, such as one of :mod:`webhook.settings`.
        field: Name of a field of it that has a default.
    """
    return next(each.default for each in dataclasses.fields(group) if each.name == field)


SECRET: Final = (
    click.option(
        "--tls-secret",
        default=default_of(Managed, "secret"),
        show_default=True,
        metavar="NAME",
        help="The Secret.",
    ),
    click.option(
        "--tls-namespace",
        metavar="NAME",
        help="Of Secret and Service.  [default: the Pod's, or that of the kubeconfig's context]",
    ),
)
"""The flags that name the Secret."""
CONFIGURATION: Final = click.option(
    "--configuration",
    default=default_of(Certificates, "configuration"),
    show_default=True,
    metavar="NAME",
    help="The MutatingWebhookConfiguration whose caBundle has to verify the certificate.",
)
"""The flag that names the configuration."""


class Duration(click.ParamType[dt.timedelta]):
    """A length of time, spelled as whole numbers with units (``1h30m``)."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dt.timedelta:
        """Read a length of time; a default may be a ``datetime.timedelta`` already."""
        if isinstance(value, dt.timedelta):
            return value
        if not re.fullmatch(rf"(?:{_PART.pattern})+", value):
            self.fail(
                f"{value!r} is no length of time: give whole numbers with the units d, h, m or s, "
                "such as 90d or 1h30m.",
                param,
                ctx,
            )
        try:
            parts = ({_UNITS[unit]: int(number)} for number, unit in _PART.findall(value))
            total = sum((dt.timedelta(**part) for part in parts), dt.timedelta())
            dt.datetime.now(dt.UTC) + total  # an OverflowError for what ends after the year 9999
        except OverflowError:
            self.fail(f"{value!r} is longer than a calendar can be.", param, ctx)
        return total


def path(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Path | None:
    """Refuse an empty path: it would mean the current folder, which nobody intends."""
    if value == "":
        raise click.BadParameter("This is empty; name a file or a folder.")
    return None if value is None else Path(value)


def with_tls(command: Callable[..., None]) -> Callable[..., None]:
    """Add the flags that choose the TLS source.

    Args:
        command: Gets what they chose as one keyword argument, ``tls``.
    """

    @functools.wraps(command)
    def collect(**arguments: Any) -> None:
        given = {name: arguments.pop(name) for name in list(arguments) if name.startswith("tls_")}
        command(tls=_source(**given), **arguments)

    return add_flags(collect, _FLAGS)


def _source(
    *,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_self_signed: Path | None,
    tls_managed: bool,
    **managed: Any,
) -> CertificateFiles | SelfSigned | Managed:
    """Choose the one TLS source that was given."""
    given = (tls_cert is not None, tls_key is not None, tls_self_signed is not None, tls_managed)
    if given == (False, False, False, True):
        return _managed(**managed)
    if tls_self_signed is not None and given == (False, False, True, False):
        return SelfSigned(directory=tls_self_signed)
    if tls_cert is not None and tls_key is not None and given == (True, True, False, False):
        return CertificateFiles(certificate=tls_cert, key=tls_key)
    raise click.UsageError(
        "A webhook needs one certificate: give --tls-managed to have it made and kept in a Secret, "
        "or --tls-cert together with --tls-key, or --tls-self-signed DIR to try it out."
    )


def _managed(
    *,
    tls_secret: str,
    tls_namespace: str | None,
    tls_service: str,
    tls_host: tuple[str, ...],
    **times: Any,
) -> Managed:
    """Describe the certificate that we keep ourselves."""
    tls_namespace = tls_namespace or own_namespace()
    service = (tls_service, f"{tls_service}.{tls_namespace}", f"{tls_service}.{tls_namespace}.svc")
    try:
        policy = Policy(
            hosts=(*service, *tls_host),
            **{field: times.pop(flag) for flag, field in _TIMES.items()},
        )
    except PolicyError as error:
        chosen = {
            field: f"{_spelled(flag)} {written(error.fields[field])}"
            for flag, field in _TIMES.items()
            if field in error.fields
        }
        raise click.UsageError(error.sentence_with(chosen)) from error
    return Managed(namespace=tls_namespace, secret=tls_secret, policy=policy)


def own_namespace() -> str:
    """Tell which namespace is meant where none was named, by the flags that choose a cluster."""
    from webhook.cluster import access  # noqa: PLC0415

    given = click.get_current_context().params
    return access.own_namespace(given.get("kubeconfig"), given.get("context"))


def _spelled(flag: str) -> str:
    """Write the name of an argument as a flag."""
    return f"--{flag.replace('_', '-')}"


def _time(flag: str, help_: str) -> Callable[..., Any]:
    """Make the flag of a length of time; the policy has its default, and says why."""
    return click.option(
        _spelled(flag),
        type=Duration(),
        default=written(default_of(Policy, _TIMES[flag])),
        show_default=True,
        metavar="TIME",
        help=help_,
    )


_FLAGS: Final = (
    click.option("--tls-cert", callback=path, metavar="FILE", help="Certificate chain, PEM."),
    click.option("--tls-key", callback=path, metavar="FILE", help="Its private key, PEM."),
    click.option(
        "--tls-self-signed",
        callback=path,
        metavar="DIR",
        help="Make ca.crt, tls.crt and tls.key for localhost there; for trying out.",
    ),
    click.option(
        "--tls-managed",
        is_flag=True,
        help="Keep an authority and a certificate in a Secret, and the caBundle in step.",
    ),
    *SECRET,
    click.option(
        "--tls-service",
        default="source-ip-webhook",
        show_default=True,
        metavar="NAME",
        help="The Service that the certificate is for.",
    ),
    click.option(
        "--tls-host",
        multiple=True,
        metavar="NAME",
        help="A further DNS name or address that it is for; repeatable.",
    ),
    _time("tls_ca_lifetime", "Lifetime of the authority; replaced when a third is left."),
    _time("tls_leaf_lifetime", "Lifetime of the certificate; replaced when a third is left."),
    _time("tls_propagation", "How long a caBundle may take to reach every API server."),
    _time("tls_overlap", "How long the old authority stays trusted once it is replaced."),
)
