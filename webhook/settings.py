"""The settings of ``serve``, grouped by subject: every field with its unit, its default and why.

:class:`Settings` holds one object of each group. The command line (:mod:`webhook.cli`) fills what
has a flag, from the flag or from its environment variable; what has none keeps its default.
Everything below gets the group that it needs, and never looks at flags or environment.
"""

import dataclasses
import datetime as dt
import enum
from pathlib import Path
from typing import Final

from certs.policy import Policy
from webhook.admission.options import Options

CONFIGURATION: Final = "0-source-ip-webhook"
"""Name of our MutatingWebhookConfiguration, as the chart has it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFiles:
    """A serving certificate that somebody else keeps up to date; reloaded when it changes."""

    certificate: Path
    """PEM, the leaf first and then its intermediates."""

    key: Path
    """PEM, unencrypted."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SelfSigned:
    """A certificate authority and a leaf made at start, for trying out."""

    directory: Path
    """Where ``ca.crt``, ``tls.crt`` and ``tls.key`` are written."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """A certificate authority of our own in a Secret, which all replicas use and replace."""

    namespace: str
    """Namespace of the Secret; our own."""

    policy: Policy
    """For which names, how long certificates last, and how long each step of a rotation waits."""

    secret: str = "source-ip-webhook-tls"  # noqa: S105  a name, not the thing
    """Name of the Secret. It is made if it is not there."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """The serving certificate, and what has to trust it."""

    source: CertificateFiles | SelfSigned | Managed
    """Where the certificate comes from; no default, because each source needs a path or a name."""

    configuration: str = CONFIGURATION
    """Name of the MutatingWebhookConfiguration whose ``caBundle`` has to verify what we serve."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificates:
    """Which clients may call: those with a client certificate of one of these authorities."""

    authorities: Path
    """PEM, the authorities that issue client certificates; reloaded when it changes."""

    names: frozenset[str] = frozenset()
    """Common or alternative names, of which a client certificate has to have one. Empty: any."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where the server listens, and to whom."""

    host: str = ""
    """Address to listen on. Empty: all addresses, IPv4 and IPv6, since a cluster may be either."""

    port: int = 8443
    """TCP port of ``POST /mutate`` over TLS. 0 picks a free one. Above 1024: no privileges."""

    ops_port: int = 8080
    """TCP port of ``/livez``, ``/readyz`` and ``/metrics``; no TLS, for kubelet and scraper."""

    clients: ClientCertificates | None = None
    """Who may call ``port``. ``None``: whoever reaches it, as for most webhooks, because few
    managed clusters let their API server be given a client certificate."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much clients can make the server keep. There are no flags for these."""

    connections: int = 256
    """Connections to ``port`` at a time. An API server keeps 25 idle ones at most; more than this
    are busy only where we are overloaded, and then further ones wait to be accepted."""

    ops_connections: int = 64
    """Connections to ``ops_port`` at a time; a limit of its own, so that no crowd at one port shuts
    the other."""

    body: int = 20 * 1024 * 1024
    """Bytes of the largest review. The API server takes objects of 3 MiB, and its JSON encoder can
    make six bytes of one (measured: a 2.9 MB pod arrived as 17.4 MB)."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds that a connection may be in each of its states. There are no flags for these.

    A state's time begins with the state, and nothing that the client sends within it prolongs it.
    The same for both ports. Which state is which: :class:`webhook.server.protocol.BoundedProtocol`.
    """

    handshake: float = 10.0
    """From the first packet until TLS is agreed upon; after as many seconds the API server gives up
    as well."""

    first_request: float = 30.0
    """From there to the first byte of the first request. Not less, because the API server now and
    then opens a connection that it needs only later, and a request that is sent into a connection
    which is just being closed is lost. Not as long as ``keep_alive``, because opening a connection
    costs a stranger nothing."""

    head: float = 10.0
    """From the first byte of a head (request line and headers) to its last; the API server's own
    deadline for a call is 2."""

    request: float = 20.0
    """From there to the last byte of the answer: 10 for the body, 1 for a client that is still
    sending when it is refused, and the rest for one that is slow to read."""

    rest_of_body: float = 10.0
    """From the end of an answer that was given before the body had arrived, to the end of that
    body."""

    keep_alive: float = 120.0
    """From an answer to the next head, on a connection that is kept. More than the API server's own
    90, or it would write a request into a connection that we are closing (uvicorn's default of 5
    lost 19 calls of 250)."""

    closing: float = 5.0
    """From the moment when the connection begins to close, until the client has confirmed the end
    of TLS and read its last answer."""

    check_interval: float = 0.5
    """From one look at all connections to the next: a state may last longer by as much."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shutdown:
    """How the process leaves, so that no request is lost."""

    drain: float = 5.0
    """Seconds between SIGTERM and the closing of the port.

    Not ready, still answering, and every answer ends its connection: the API server never retries a
    POST, so its pooled connections have to be gone before we are. Longer than an EndpointSlice
    takes to reach every API server (measured: 3 s lost nothing in 16 rolling restarts).
    """

    grace: float = 10.0
    """Seconds that requests in flight get after the port is closed; no call lasts longer, because
    the configuration's ``timeoutSeconds`` is 2. There is no flag for it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """The ConfigMap in which audits in the cluster publish what they find."""

    namespace: str
    """Where it is; our own, where the chart makes it."""

    name: str
    """What it is called."""


class LogFormat(enum.StrEnum):
    """How a log line looks."""

    JSON = "json"
    """For collectors."""

    CONSOLE = "console"
    """For people."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """What is written to standard error."""

    format: LogFormat = LogFormat.JSON
    """How a line looks. JSON, because a log in a cluster is read by a collector first."""

    level: str = "info"
    """Least severe level that is written: ``debug``, ``info``, ``warning`` or ``error``. At
    ``info`` every decision is one line."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of ``serve``, one field for each subject."""

    certificates: Certificates
    """What is served, and what has to trust it."""

    listening: Listening = dataclasses.field(default_factory=Listening)
    """Addresses, ports, and who may call."""

    admission: Options = dataclasses.field(default_factory=Options)
    """What changes a decision."""

    namespaces: Path | None = None
    """YAML file of Namespace objects to read labels from. ``None``: the cluster's own."""

    audit_report: AuditReport | None = None
    """Where to read what the last audit found. ``None``: nowhere, as no audit runs by itself unless
    an admin has asked for it."""

    limits: Limits = dataclasses.field(default_factory=Limits)
    """How much clients can make us keep."""

    timeouts: Timeouts = dataclasses.field(default_factory=Timeouts)
    """How long clients can make us wait."""

    shutdown: Shutdown = dataclasses.field(default_factory=Shutdown)
    """How we leave."""

    logs: Logs = dataclasses.field(default_factory=Logs)
    """What is logged, and how it looks."""


def written(length: dt.timedelta) -> str:
    """Write a length of time as flags and Kubernetes have it, such as ``1h30m``."""
    hours, seconds = divmod(length.seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    parts = zip((length.days, hours, minutes, seconds), "dhms", strict=True)
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
