"""Puts a service together from its settings: certificate, namespaces, metrics, server."""

import datetime as dt
from pathlib import Path

from certs.authority import Authority
from certs.store import CERTIFICATE, KEY, write_files
from webhook.cluster.client import Client
from webhook.namespaces import Namespaces
from webhook.namespaces.cluster import ClusterNamespaces
from webhook.server.lifecycle import Service
from webhook.server.tls import ServingCertificate
from webhook.settings import CertificateFiles, SelfSigned, Settings
from webhook.telemetry.metrics import Metrics

_SELF_SIGNED_HOSTS = ("localhost", "127.0.0.1", "::1")
_SELF_SIGNED_DAYS = 30
"""Days; long enough to try out, too short to forget in production."""


def assemble(settings: Settings) -> Service:
    """Make the service that these settings describe, ready to be started.

    Raises:
        certs.store.StoreError: A self-signed certificate cannot be written.
        webhook.server.tls.CertificateError: There is no certificate that could be served.
        webhook.namespaces.file.NamespacesError: The file of namespaces cannot be read.
        webhook.cluster.ConfigurationError: Nothing tells where the API server is.
    """
    metrics = Metrics()
    certificate = ServingCertificate(_certificate_files(settings.tls), metrics)
    return Service(settings, certificate, _namespaces(settings.namespaces, metrics), metrics)


def _certificate_files(source: CertificateFiles | SelfSigned) -> CertificateFiles:
    """Find the certificate's files, made just now where nobody else makes them."""
    if isinstance(source, CertificateFiles):
        return source
    now = dt.datetime.now(dt.UTC)
    authority = Authority.create("source-ip-webhook", now=now, days=_SELF_SIGNED_DAYS)
    leaf = authority.issue(_SELF_SIGNED_HOSTS, now=now, days=_SELF_SIGNED_DAYS)
    write_files(source.directory, authority, leaf)
    return CertificateFiles(certificate=source.directory / CERTIFICATE, key=source.directory / KEY)


def _namespaces(path: Path | None, metrics: Metrics) -> Namespaces:
    """Choose where labels come from; the file's YAML library stays out of a cluster's server."""
    if path is None:
        return ClusterNamespaces(Client(), metrics)
    from webhook.namespaces.file import FileNamespaces  # noqa: PLC0415

    namespaces = FileNamespaces.load(path)
    metrics.namespace_cache_synced.set(1)
    return namespaces
