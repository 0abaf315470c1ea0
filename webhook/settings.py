"""What an admin can set, in one object: every field with its unit, its default and why.

The command line (``webhook.cli``) fills it from flags and from the environment; everything below
gets the part that it needs and never looks at either.
"""

import dataclasses
import enum
from pathlib import Path

from certs.policy import Policy
from webhook.admission.options import Options


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
    """A certificate authority of our own in a Secret, which replicas keep together."""

    namespace: str
    """Where the Secret is; our own."""

    policy: Policy
    """For which names, for how long, and how patiently."""

    secret: str = "source-ip-webhook-tls"  # noqa: S105  a name, not the thing
    """What it is called. Made if it is not there."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificates:
    """Which clients may connect to ``port``: those with a certificate of these."""

    authorities: Path
    """PEM, the authorities that issue them; reloaded when it changes."""

    names: frozenset[str] = frozenset()
    """Common or alternative names, of which a certificate has to have one. None: any will do."""


class LogFormat(enum.StrEnum):
    """How a log line looks."""

    JSON = "json"
    CONSOLE = "console"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds that a connection may be in each of its states; whoever it belongs to.

    A state's time begins with the state, and nothing that the client sends prolongs it.
    """

    handshake: float = 10.0
    """From the first packet to the end of TLS; after as many the API server gives up as well."""

    silence: float = 30.0
    """From there to the first request. Not less, because the API server now and then opens a
    connection that it needs only later, and a request into one that is just being closed is lost;
    not ``idle``, because this costs a stranger nothing."""

    head: float = 10.0
    """From the first byte of a head to its last; the API server's own deadline is 2."""

    request: float = 20.0
    """From there to the last byte of the answer: 10 for the body, 1 for a client that is still
    sending when it is refused, and the rest for one that is slow to read."""

    rest: float = 10.0
    """For the rest of a body that was answered before it had arrived."""

    idle: float = 120.0
    """Between an answer and the next head. More than the API server's own 90, or it would write a
    request into a connection that we are closing (uvicorn's default of 5 lost 19 calls of 250)."""

    closing: float = 5.0
    """Until the client has confirmed the end of TLS, and read what it was answered."""

    look: float = 0.5
    """Between two looks at all connections: a state may last longer by as much."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of ``serve``."""

    tls: CertificateFiles | SelfSigned | Managed
    """Where the serving certificate comes from; no default, because each source needs a path."""

    host: str = ""
    """Address to listen on. Empty: all addresses, IPv4 and IPv6, since a cluster may be either."""

    port: int = 8443
    """TCP port of ``POST /mutate`` over TLS. 0 picks a free one. Above 1024: no privileges."""

    ops_port: int = 8080
    """TCP port of ``/livez``, ``/readyz`` and ``/metrics``; no TLS, for kubelet and scraper."""

    clients: ClientCertificates | None = None
    """Who may call. ``None``: whoever reaches ``port``, as for most webhooks, because few managed
    clusters let their API server be given a client certificate."""

    namespaces: Path | None = None
    """YAML file of Namespace objects to read labels from. ``None``: the cluster's own."""

    configuration: str = "0-source-ip-webhook"
    """Name of the MutatingWebhookConfiguration whose ``caBundle`` has to verify what we serve."""

    options: Options = dataclasses.field(default_factory=Options)
    """What changes a decision."""

    log_format: LogFormat = LogFormat.JSON
    """JSON for collectors, console for people."""

    log_level: str = "info"
    """Least severe level that is logged. At ``info`` every decision is one line."""

    drain: float = 5.0
    """Seconds between SIGTERM and the closing of the port.

    Not ready, still answering, and every answer ends its connection: the API server never retries a
    POST, so its pooled connections have to be gone before we are. Longer than an EndpointSlice
    takes to reach every API server (measured: 3 s lost nothing in 16 rolling restarts).
    """

    grace: float = 10.0
    """Seconds that requests in flight get after the port is closed; no call lasts longer, because
    the configuration's ``timeoutSeconds`` is 2."""

    patience: Patience = dataclasses.field(default_factory=Patience)
    """How long connections are waited for."""

    connections: int = 256
    """Connections to ``port`` at a time. An API server keeps 25 idle ones at most; more than this
    are busy only where we are overloaded, and then further ones wait to be accepted."""

    ops_connections: int = 64
    """Likewise to ``ops_port``, so that no crowd at one port shuts the other."""

    body_limit: int = 20 * 1024 * 1024
    """Bytes of the largest review. The API server takes objects of 3 MiB, and its JSON encoder can
    make six bytes of one (measured: a 2.9 MB pod arrived as 17.4 MB)."""
