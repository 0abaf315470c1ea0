"""``serve``: the admission server."""

import math
from pathlib import Path
from typing import Any

import click

from webhook.admission.options import Options
from webhook.cli.access import config_map
from webhook.cli.shared import ENVIRONMENT, Failure, with_options
from webhook.cli.tls import CONFIGURATION, default_of, path, with_tls
from webhook.settings import (
    AuditReport,
    CertificateFiles,
    Certificates,
    ClientCertificates,
    Listening,
    LogFormat,
    Logs,
    Managed,
    SelfSigned,
    Settings,
    Shutdown,
)


def _namespaces(context: click.Context, parameter: click.Parameter, value: str) -> Path | None:
    """Read the value of ``--namespaces``: ``None`` for the cluster, else a file's path."""
    return None if value == "cluster" else path(context, parameter, value)


def _clients(authorities: Path | None, names: tuple[str, ...]) -> ClientCertificates | None:
    """Describe which clients may call; ``None`` means all of them."""
    if authorities is not None:
        return ClientCertificates(authorities=authorities, names=frozenset(names))
    if names:
        raise click.UsageError(
            "A client's name is worth nothing without the authority that vouches for it: give "
            "--client-ca FILE with --client-name."
        )
    return None


def _audit_report(named: tuple[str, str] | None) -> AuditReport | None:
    """Describe where audits are published; ``None`` means nowhere."""
    return None if named is None else AuditReport(namespace=named[0], name=named[1])


def _finite(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    """Refuse ``nan``, which passes click's (8.5.1) check of the range as well."""
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is no number of seconds.")
    return value


class _Port(click.IntRange):
    """A port, from a flag or from a variable of which Kubernetes may have one of its own.

    Where a Service is called source-ip-webhook, its pods get the variable SOURCE_IP_WEBHOOK_PORT
    with a URL (Kubernetes, Service, "Environment variables"), which nobody has chosen.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Take a number; a URL means the default."""
        if isinstance(value, str) and "://" in value:
            return default_of(Listening, "port")
        return super().convert(value, param, ctx)


@click.command(context_settings=ENVIRONMENT)
@click.option(
    "--host", default=default_of(Listening, "host"), help="Address to listen on.  [default: all]"
)
@click.option(
    "--port",
    type=_Port(0, 65535),
    default=default_of(Listening, "port"),
    show_default=True,
    help="TLS port of POST /mutate; 0 picks a free one.",
)
@click.option(
    "--ops-port",
    type=click.IntRange(0, 65535),
    default=default_of(Listening, "ops_port"),
    show_default=True,
    help="Plain port of /livez, /readyz and /metrics; 0 picks a free one.",
)
@with_tls
@CONFIGURATION
@click.option(
    "--client-ca",
    metavar="FILE",
    callback=path,
    help="PEM; only clients with a certificate of this authority may call.",
)
@click.option(
    "--client-name",
    multiple=True,
    metavar="NAME",
    help="Common or alternative name of such a certificate; repeatable; any, if none is given.",
)
@click.option(
    "--namespaces",
    default="cluster",
    show_default=True,
    metavar="cluster|FILE",
    callback=_namespaces,
    help="Where namespace labels come from: the cluster, or a YAML file of Namespaces.",
)
@with_options
@click.option(
    "--audit-report",
    metavar="NAMESPACE/NAME",
    callback=config_map,
    help="ConfigMap in which audits in the cluster publish; exposed as metrics.",
)
@click.option(
    "--drain",
    type=click.FloatRange(0, 3600),
    default=default_of(Shutdown, "drain"),
    callback=_finite,
    show_default=True,
    help="Seconds to keep answering after SIGTERM, not ready any more.",
)
@click.option(
    "--log-format",
    type=click.Choice([form.value for form in LogFormat]),
    default=default_of(Logs, "format").value,
    show_default=True,
    help="One JSON object on each line, or lines for people.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default=default_of(Logs, "level"),
    show_default=True,
    help="The least that is logged; at info, one line for each decision.",
)
def serve(
    *,
    host: str,
    port: int,
    ops_port: int,
    tls: CertificateFiles | SelfSigned | Managed,
    configuration: str,
    client_ca: Path | None,
    client_name: tuple[str, ...],
    namespaces: Path | None,
    options: Options,
    audit_report: tuple[str, str] | None,
    drain: float,
    log_format: str,
    log_level: str,
) -> None:
    """Run the admission server.

    One TLS source is needed: --tls-managed, or --tls-cert with --tls-key (reloaded when they
    change), or --tls-self-signed.
    """
    settings = Settings(
        certificates=Certificates(source=tls, configuration=configuration),
        listening=Listening(
            host=host, port=port, ops_port=ops_port, clients=_clients(client_ca, client_name)
        ),
        admission=options,
        namespaces=namespaces,
        audit_report=_audit_report(audit_report),
        shutdown=Shutdown(drain=drain),
        logs=Logs(format=LogFormat(log_format), level=log_level),
    )
    import structlog  # noqa: PLC0415
    import uvloop  # noqa: PLC0415

    from certs.contents import FolderError  # noqa: PLC0415
    from webhook import logs  # noqa: PLC0415
    from webhook.certificates import CertificateError  # noqa: PLC0415
    from webhook.cluster import ConfigurationError  # noqa: PLC0415
    from webhook.namespaces.file import NamespacesError  # noqa: PLC0415
    from webhook.server.lifecycle import assemble  # noqa: PLC0415
    from webhook.server.listening import ListenError  # noqa: PLC0415

    logs.configure(settings.logs.format, settings.logs.level)
    try:
        with logs.failures_logged():
            uvloop.run(assemble(settings).run())
    except (
        CertificateError,
        ConfigurationError,
        ListenError,
        NamespacesError,
        FolderError,
    ) as error:
        raise Failure(str(error)) from error
    except Exception as error:
        structlog.get_logger(__name__).critical("crashed", exc_info=error)
        raise SystemExit(1) from error
