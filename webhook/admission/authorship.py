"""Whether a person wrote a Service's ``Cluster``, by what the object tells of its writer.

The API server has filled in the policy before any webhook is asked, so the field itself tells
nothing. Tools that compare what they apply with what they applied before leave a record of it on
the object: the manifest, or the list of its fields. Only a record that is exact is used, and one
that cannot be read is none.
"""

import base64
import zlib
from collections.abc import Callable
from typing import Final

import msgspec

from webhook.admission.review import FieldsV1, Service, WrittenService
from webhook.labels import (
    CONFIG_SYNC_DECLARED_CONFIG,
    CONFIG_SYNC_DECLARED_FIELDS,
    KAPP_ORIGINAL,
    KUBEVELA_LAST_APPLIED,
    LAST_APPLIED,
    RANCHER_APPLIED,
)

CLUSTER: Final = "Cluster"
"""A value of ``spec.externalTrafficPolicy``, and its default."""
_UNPACKED: Final = 256 * 1024
"""Bytes to which a compressed manifest is unpacked, at most: all annotations of an object together
may have no more, so kubectl could not keep a larger manifest either."""
_manifest = msgspec.json.Decoder(WrittenService)
_fields = msgspec.json.Decoder(FieldsV1)


def is_written(service: Service) -> bool:
    """Tell whether the author of a Service named the policy ``Cluster``.

    Args:
        service: A Service whose policy is ``Cluster``.

    Source:
        Kubernetes, Server-Side Apply, for ``managedFields``; for the rest see
        :data:`_RECORD_READERS`.
    """
    return _owned_by_apply(service) or any(
        _is_evidence(reader, annotation)
        for key, annotation in (service.metadata.annotations or {}).items()
        if (reader := _RECORD_READERS.get(key)) is not None
    )


def _is_evidence(reader: Callable[[str], bool], annotation: str) -> bool:
    """Read one record; one that cannot be read is no evidence, whoever wrote it."""
    try:
        return reader(annotation)
    except (msgspec.MsgspecError, ValueError, RecursionError, zlib.error):
        return False


def _owned_by_apply(service: Service) -> bool:
    """Evidence of server-side apply: the fields that the user's manifest named.

    Entries of operation ``Update`` list the field always, defaulted or not, and prove nothing.
    """
    return any(
        entry.operation == "Apply" and _names_policy(entry.fields_v1)
        for entry in service.metadata.managed_fields or ()
    )


def _names_policy(fields: FieldsV1 | None) -> bool:
    """Whether a set of fields has the policy in it."""
    return (
        fields is not None
        and fields.spec is not None
        and fields.spec.external_traffic_policy is not msgspec.UNSET
    )


def _in_manifest(manifest: str | bytes) -> bool:
    """Whether a manifest in JSON says ``Cluster``; another value there was replaced since then."""
    spec = _manifest.decode(manifest).spec
    return spec is not None and spec.external_traffic_policy == CLUSTER


def _in_packed_manifest(packed: str) -> bool:
    """Whether a manifest says ``Cluster``: as JSON, or compressed with gzip and then in base64.

    The base64 has no padding. A manifest that is longer than :data:`_UNPACKED` is not unpacked to
    its end, and so is no evidence.
    """
    if packed.startswith("{"):
        return _in_manifest(packed)
    compressed = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    gzip = zlib.decompressobj(zlib.MAX_WBITS | 16)
    manifest = gzip.decompress(compressed, _UNPACKED)
    return gzip.eof and _in_manifest(manifest)


def _in_fields(fields: str) -> bool:
    """Whether a set of fields, in the form of ``fieldsV1``, names the policy."""
    return _names_policy(_fields.decode(fields))


_RECORD_READERS: Final[dict[str, Callable[[str], bool]]] = {
    LAST_APPLIED: _in_manifest,
    KUBEVELA_LAST_APPLIED: _in_manifest,
    KAPP_ORIGINAL: _in_manifest,
    CONFIG_SYNC_DECLARED_CONFIG: _in_manifest,
    CONFIG_SYNC_DECLARED_FIELDS: _in_fields,
    RANCHER_APPLIED: _in_packed_manifest,
}
"""Annotations that hold a record, and the function that tells whether it names the policy.

Source:
    kubectl: k8s.io/kubectl pkg/util/apply.go. KubeVela: kubevela/kubevela pkg/utils/apply/apply.go.
    kapp: carvel.dev/kapp, Diff stage; it writes the record by a request of its own after the
    creation, so what it tells comes with an update or with a copy. Config Sync: Google Cloud,
    Labels and annotations of Config Sync. Rancher, k3s: rancher/wrangler
    pkg/apply/desiredset_compare.go.
"""
