"""The caBundles of our MutatingWebhookConfiguration: whom the API server believes to be us."""

import datetime as dt
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

import msgspec

from webhook.cluster import NotFound, answers, writes
from webhook.cluster.client import Client
from webhook.cluster.watch import Watch

_COLLECTION: Final = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"


class Entry(NamedTuple):
    """One webhook of the configuration."""

    name: str
    host: str
    """The name that the API server verifies."""
    bundle: bytes
    """PEM as published; empty where there is none."""


class Published(NamedTuple):
    """The configuration as it was read."""

    entries: tuple[Entry, ...]
    resource_version: str
    writers: tuple[str, ...] = ()
    """Who wrote a caBundle that is there, and when; the last one first. By the name of a field
    manager, which of two with one name says nothing."""


class _Service(msgspec.Struct, gc=False):
    """``clientConfig.service``."""

    namespace: str
    name: str


class _ClientConfig(msgspec.Struct, gc=False, rename="camel"):
    """``clientConfig``: has a service or a URL; msgspec decodes base64 into bytes."""

    service: _Service | None = None
    url: str = ""
    ca_bundle: bytes = b""


class _Webhook(msgspec.Struct, gc=False, rename="camel"):
    """One of ``webhooks``."""

    name: str
    client_config: _ClientConfig


class _Manager(msgspec.Struct, gc=False, rename={"fields": "fieldsV1"}):
    """One of ``managedFields``."""

    manager: str = ""
    time: str = ""
    fields: msgspec.Raw = msgspec.Raw()


class _Metadata(writes.Metadata, gc=False, rename="camel"):
    """``metadata``, with who wrote what."""

    managed_fields: tuple[_Manager, ...] = ()


class _Configuration(msgspec.Struct, gc=False):
    """The part of a MutatingWebhookConfiguration that we read."""

    metadata: _Metadata
    webhooks: tuple[_Webhook, ...] = ()


_decoder = msgspec.json.Decoder(_Configuration)


class Bundles:
    """The caBundles of one configuration. Safe to share between threads; everything blocks."""

    def __init__(self, client: Client, configuration: str) -> None:
        """Name the configuration; it need not be there.

        Args:
            client: May ``get``, ``watch`` and ``patch`` this MutatingWebhookConfiguration.
            configuration: What it is called.
        """
        self._client = client
        self._name = configuration
        self._path = f"{_COLLECTION}/{quote(configuration, safe='')}"

    def read(self) -> tuple[Published | None, dt.datetime | None]:
        """Read them.

        Returns:
            All entries, ``None`` where there is no such configuration; and the API server's clock
            in UTC, ``None`` where it did not tell.

        Raises:
            ClusterError: Nobody can tell.
        """
        try:
            answer = self._client.get(self._path)
        except NotFound as missing:
            return None, missing.date
        found = answers.decode(_decoder, answer.body, f"get {self._path}")
        entries = tuple(
            Entry(each.name, _host(each.client_config), each.client_config.ca_bundle)
            for each in found.webhooks
        )
        writers = tuple(_writers(found.metadata.managed_fields))
        return Published(entries, found.metadata.resource_version, writers), answer.date

    def publish(self, published: Published, bundles: Sequence[bytes]) -> None:
        """Set the bundles that differ, all of them or none; nothing is sent where none does.

        Args:
            published: What :meth:`read` returned.
            bundles: PEM, one for each entry.

        Raises:
            Conflict: The configuration was changed since.
            NotFound: It was deleted since.
            ClusterError: It failed otherwise.
        """
        operations: list[writes.Operation] = []
        for index, (entry, bundle) in enumerate(zip(published.entries, bundles, strict=True)):
            if entry.bundle != bundle:
                webhook = f"/webhooks/{index}"
                value = b64encode(bundle).decode()
                operations += [
                    # Never the bundle of somebody else's entry, whatever the resourceVersion says.
                    {"op": "test", "path": f"{webhook}/name", "value": entry.name},
                    writes.add(f"{webhook}/clientConfig/caBundle", value),
                ]
        if operations:
            writes.patch(self._client, self._path, operations, published.resource_version)

    def watch(self) -> Watch:
        """Prepare a watch of this configuration, for whoever wants to be woken by a change.

        Its first event is the configuration as it is.
        """
        query = {
            # With this selector a right that is limited to one name is enough.
            "fieldSelector": f"metadata.name={self._name}",
            "allowWatchBookmarks": "true",
        }
        return self._client.watch(_COLLECTION, query)


def _writers(managers: Iterable[_Manager]) -> Iterator[str]:
    """Name who wrote a caBundle.

    Source:
        Kubernetes, "Server-Side Apply": managedFields, and FieldsV1 in its API reference.
    """
    for each in sorted(managers, key=lambda each: each.time, reverse=True):
        if b'"f:caBundle"' in bytes(each.fields):
            yield f"{each.manager} {each.time}"


def _host(config: _ClientConfig) -> str:
    """Tell which name the API server verifies; empty where a URL has none."""
    if config.service is not None:
        return f"{config.service.name}.{config.service.namespace}.svc"
    try:
        return urlsplit(config.url).hostname or ""
    except ValueError:  # brackets that hold no address
        return ""
