"""Puts a service together from its settings: certificate, namespaces, metrics, server."""

import datetime as dt
import functools
from collections.abc import Callable

from certs.authority import Authority
from certs.store import CERTIFICATE, KEY, write_files
from webhook.certificates import Certificate
from webhook.certificates.clients import Clients
from webhook.certificates.files import FileCertificate
from webhook.certificates.managed import ManagedCertificate
from webhook.cluster.ca_bundle import Bundles
from webhook.cluster.client import Client
from webhook.cluster.secret import SecretStore
from webhook.namespaces import Namespaces
from webhook.namespaces.cluster import ClusterNamespaces
from webhook.namespaces.typos import Typos
from webhook.server.lifecycle import Service
from webhook.settings import CertificateFiles, SelfSigned, Settings
from webhook.sidecars import ClusterSidecars
from webhook.telemetry.metrics import Metrics

Connect = Callable[[], Client]
"""Makes the client at the first call, and returns the same one from then on."""

_SELF_SIGNED_HOSTS = ("localhost", "127.0.0.1", "::1")
_SELF_SIGNED_LIFETIME = dt.timedelta(days=30)
"""Long enough to try out, too short to forget in production."""


def assemble(settings: Settings) -> Service:
    """Make the service that these settings describe, ready to be started.

    Raises:
        certs.store.StoreError: A self-signed certificate cannot be written.
        webhook.certificates.CertificateError: There is no certificate that could be served.
        webhook.namespaces.file.NamespacesError: The file of namespaces cannot be read.
        webhook.cluster.ConfigurationError: Nothing tells where the API server is.
    """
    metrics = Metrics()
    connect = functools.cache(Client)  # one for all, and none where nobody asks the cluster
    certificate = _certificate(settings, connect, metrics)
    namespaces = _namespaces(settings, connect, metrics)
    sidecars = None
    if settings.namespaces is None and not settings.options.ignore_sidecars:
        sidecars = ClusterSidecars(connect(), metrics)
    return Service(settings, certificate, namespaces, metrics, sidecars)


def _certificate(settings: Settings, connect: Connect, metrics: Metrics) -> Certificate:
    """Choose where the certificate comes from."""
    source = settings.tls
    clients = None if settings.clients is None else Clients(settings.clients, metrics)
    if isinstance(source, SelfSigned):
        return FileCertificate(_self_signed(source), None, metrics, clients)
    if isinstance(source, CertificateFiles) and settings.namespaces is not None:
        return FileCertificate(source, None, metrics, clients)
    bundles = Bundles(connect(), settings.configuration)
    if isinstance(source, CertificateFiles):
        return FileCertificate(source, bundles, metrics, clients)
    secret = SecretStore(connect(), source.namespace, source.secret)
    return ManagedCertificate(source, secret, bundles, metrics, clients)


def _self_signed(source: SelfSigned) -> CertificateFiles:
    """Make a certificate just now, which no configuration knows."""
    now = dt.datetime.now(dt.UTC)
    authority = Authority.create("source-ip-webhook", now=now, lifetime=_SELF_SIGNED_LIFETIME)
    leaf = authority.issue(_SELF_SIGNED_HOSTS, now=now, lifetime=_SELF_SIGNED_LIFETIME)
    write_files(source.directory, authority, leaf)
    return CertificateFiles(certificate=source.directory / CERTIFICATE, key=source.directory / KEY)


def _namespaces(settings: Settings, connect: Connect, metrics: Metrics) -> Namespaces:
    """Choose where labels come from; the file's YAML library stays out of a cluster's server."""
    label_key = settings.options.label_key
    if settings.namespaces is None:
        return ClusterNamespaces(connect(), metrics, label_key=label_key)
    from webhook.namespaces.file import FileNamespaces  # noqa: PLC0415

    namespaces = FileNamespaces.load(settings.namespaces, Typos(label_key).look)
    metrics.namespace_cache_synced.set(1)
    return namespaces
