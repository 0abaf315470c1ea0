"""How the two objects that we write are read and written: a Secret, and our configuration.

Of two writers of one object, the later one gets a Conflict and changes nothing, as
:meth:`webhook.cluster.client.Client.patch` has it.
"""

import datetime as dt
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from webhook.cluster import NotFound, answers
from webhook.cluster.answers import ConfigurationEntry, ObservedConfiguration, Watch
from webhook.cluster.client import Client, Operation, VersionedMetadata, add_operation

_CONFIGURATIONS: Final = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"


class ObservedSecret(NamedTuple):
    """A Secret as it was read."""

    data: dict[str, bytes]
    """Decoded; empty where the Secret has none."""
    resource_version: str

    def __repr__(self) -> str:
        """Keep the data out of logs and tracebacks."""
        return f"ObservedSecret({sorted(self.data)}, resource_version={self.resource_version!r})"


class _Secret(msgspec.Struct, gc=False):
    """The part of a ``v1 Secret`` that we read; msgspec decodes base64 into bytes."""

    metadata: VersionedMetadata
    data: dict[str, bytes] = {}


class _ServiceReference(msgspec.Struct, gc=False):
    """``clientConfig.service``."""

    namespace: str
    name: str


class _ClientConfig(msgspec.Struct, gc=False, rename="camel"):
    """``clientConfig``: has a service or a URL; msgspec decodes base64 into bytes."""

    service: _ServiceReference | None = None
    url: str = ""
    ca_bundle: bytes = b""


class _MutatingWebhook(msgspec.Struct, gc=False, rename="camel"):
    """One of ``webhooks``."""

    name: str
    client_config: _ClientConfig


class _ManagedFields(msgspec.Struct, gc=False, rename={"fields": "fieldsV1"}):
    """One of ``managedFields``."""

    manager: str = ""
    time: str = ""
    fields: msgspec.Raw = msgspec.Raw()


class _ConfigurationMetadata(VersionedMetadata, gc=False, rename="camel"):
    """``metadata`` of a configuration, with who wrote what."""

    managed_fields: tuple[_ManagedFields, ...] = ()


class _Configuration(msgspec.Struct, gc=False):
    """The part of a MutatingWebhookConfiguration that we read."""

    metadata: _ConfigurationMetadata
    webhooks: tuple[_MutatingWebhook, ...] = ()


T = TypeVar("T", _Secret, _Configuration)
_secret = msgspec.json.Decoder(_Secret)
_configuration = msgspec.json.Decoder(_Configuration)


class SecretClient:
    """Reads and writes one Secret. Safe to share between threads; everything blocks.

    Args:
        client: May ``get`` and ``patch`` this Secret, and ``create`` Secrets in its namespace.
        namespace: Where it is.
        name: What it is called. It need not be there.
    """

    def __init__(self, client: Client, namespace: str, name: str) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._collection = f"/api/v1/namespaces/{quote(namespace, safe='')}/secrets"
        self._path = f"{self._collection}/{quote(name, safe='')}"

    def __str__(self) -> str:
        """Name it as people do.

        Its authorities have this in their subject, by which they are known: it cannot be reworded.
        """
        return f"Secret {self._namespace}/{self._name}"

    def read(self) -> tuple[ObservedSecret | None, dt.datetime | None]:
        """Read it.

        Returns:
            The Secret, ``None`` where there is none; and the API server's clock in UTC, ``None``
            where it did not tell.

        Raises:
            ClusterError: Nobody can tell.
        """
        found, date = _read(self._client, self._path, _secret)
        if found is None:
            return None, date
        return ObservedSecret(found.data, found.metadata.resource_version), date

    def create(self, data: Mapping[str, bytes]) -> None:
        """Make it, of type ``Opaque``.

        Args:
            data: What it has, not yet in base64.

        Raises:
            Conflict: There is one.
            NotFound: There is no such namespace.
            ClusterError: It failed otherwise.
        """
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": self._name, "namespace": self._namespace},
            "type": "Opaque",
            "data": _encoded(data),
        }
        self._client.create(self._collection, body)

    def replace(self, data: Mapping[str, bytes], resource_version: str) -> None:
        """Replace all of its data and leave labels, type and what else it has as they are.

        Args:
            data: What it has from now on, not yet in base64.
            resource_version: Of the Secret that was read before.

        Raises:
            Conflict: It was changed since.
            NotFound: It was deleted since.
            ClusterError: It failed otherwise.
        """
        operations = [add_operation("/data", _encoded(data))]
        self._client.patch(self._path, operations, resource_version)


class CaBundleClient:
    """Reads, writes and watches the caBundles of one configuration: whom the API server trusts.

    Safe to share between threads; everything blocks.

    Args:
        client: May ``get``, ``watch`` and ``patch`` this MutatingWebhookConfiguration.
        configuration: What it is called. It need not be there.
    """

    def __init__(self, client: Client, configuration: str) -> None:
        self._client = client
        self._name = configuration
        self._path = f"{_CONFIGURATIONS}/{quote(configuration, safe='')}"

    def read(self) -> tuple[ObservedConfiguration | None, dt.datetime | None]:
        """Read them.

        Returns:
            All entries, ``None`` where there is no such configuration; and the API server's clock
            in UTC, ``None`` where it did not tell.

        Raises:
            ClusterError: Nobody can tell.
        """
        found, date = _read(self._client, self._path, _configuration)
        if found is None:
            return None, date
        entries = tuple(
            ConfigurationEntry(each.name, _host(each.client_config), each.client_config.ca_bundle)
            for each in found.webhooks
        )
        writers = tuple(_writers(found.metadata.managed_fields))
        return ObservedConfiguration(entries, found.metadata.resource_version, writers), date

    def publish(self, observed: ObservedConfiguration, bundles: Sequence[bytes]) -> None:
        """Set the bundles that differ, all of them or none; nothing is sent where none does.

        Args:
            observed: What :meth:`read` returned.
            bundles: PEM, one for each entry.

        Raises:
            ValueError: Their number is not that of the entries.
            Conflict: The configuration was changed since.
            NotFound: It was deleted since.
            ClusterError: It failed otherwise.
        """
        operations: list[Operation] = []
        for index, (entry, bundle) in enumerate(zip(observed.entries, bundles, strict=True)):
            if entry.bundle != bundle:
                webhook = f"/webhooks/{index}"
                value = b64encode(bundle).decode()
                operations += [
                    # Never the bundle of somebody else's entry, whatever the resourceVersion says.
                    {"op": "test", "path": f"{webhook}/name", "value": entry.name},
                    add_operation(f"{webhook}/clientConfig/caBundle", value),
                ]
        if operations:
            self._client.patch(self._path, operations, observed.resource_version)

    def watch(self) -> Watch:
        """Prepare a watch of this configuration, for whoever wants to be woken by a change.

        Its first event is the configuration as it is.
        """
        query = {
            # With this selector a right that is limited to one name is enough.
            "fieldSelector": f"metadata.name={self._name}",
            "allowWatchBookmarks": "true",
        }
        return self._client.watch(_CONFIGURATIONS, query)


def _read(
    client: Client, path: str, decoder: msgspec.json.Decoder[T]
) -> tuple[T | None, dt.datetime | None]:
    """Read an object, ``None`` where it is not there; and the API server's clock, if it told."""
    try:
        answer = client.get(path)
    except NotFound as missing:
        return None, missing.date
    return answers.decode(decoder, answer.body, f"get {path}"), answer.date


def _encoded(data: Mapping[str, bytes]) -> dict[str, str]:
    """Write a Secret's data as JSON has it."""
    return {key: b64encode(value).decode() for key, value in data.items()}


def _host(config: _ClientConfig) -> str:
    """Tell which name the API server verifies; empty where a URL has none."""
    if config.service is not None:
        return f"{config.service.name}.{config.service.namespace}.svc"
    try:
        return urlsplit(config.url).hostname or ""
    except ValueError:  # brackets that hold no address
        return ""


def _writers(managers: Iterable[_ManagedFields]) -> Iterator[str]:
    """Name who wrote a caBundle.

    Source:
        Kubernetes, "Server-Side Apply": managedFields, and FieldsV1 in its API reference.
    """
    for each in sorted(managers, key=lambda each: each.time, reverse=True):
        if b'"f:caBundle"' in bytes(each.fields):
            yield f"{each.manager} {each.time}"
