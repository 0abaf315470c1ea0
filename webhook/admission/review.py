"""The parts of AdmissionReview, Pod and Service that we read, as typed structs.

msgspec decodes only what is declared here and skips the rest, which is what makes a 9 KB review
cost microseconds. Go's encoder omits what is empty and the API knows ``null`` as absent, hence the
defaults and the ``| None``. Names follow the API; the structs rename camelCase to snake_case.

Source:
    k8s.io/api admission/v1/types.go and core/v1/types.go.
"""

from typing import ClassVar, Literal

import msgspec


class _Wire(msgspec.Struct, gc=False, rename="camel"):
    """Part of an object, spelled in camelCase on the wire.

    Without garbage collection, which it does not need: it is never part of a cycle.
    """


class GroupVersionKind(_Wire):
    """``request.kind``: what the object is; the core group is the empty string."""

    kind: str
    group: str = ""
    version: str = ""


class AdmissionRequest(_Wire):
    """``request``: one object on its way into the cluster."""

    uid: str
    kind: GroupVersionKind
    operation: Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]
    name: str = ""
    """Empty for objects made by ``generateName``, as every pod of a ReplicaSet is."""
    namespace: str = ""
    sub_resource: str = ""
    dry_run: bool | None = None
    object: msgspec.Raw = msgspec.Raw(b"null")
    """The object's JSON, decoded once its kind is known."""
    old_object: msgspec.Raw = msgspec.Raw(b"null")
    """On UPDATE, the object as it is stored."""


class AdmissionReview(_Wire):
    """The body of a request to an admission webhook."""

    api_version: Literal["admission.k8s.io/v1"]
    kind: Literal["AdmissionReview"]
    request: AdmissionRequest


def creation_of(kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """Make the type of an :class:`AdmissionReview` whose object is of one kind, and is there.

    Args:
        kind: Such as :class:`Pod`.
    """
    request = msgspec.defstruct(
        f"{kind.__name__}Creation", [("object", kind)], bases=(AdmissionRequest,), kw_only=True
    )
    return msgspec.defstruct(
        f"{kind.__name__}CreationReview", [("request", request)], bases=(AdmissionReview,)
    )


class ObjectMeta(_Wire):
    """``metadata`` of any object."""

    name: str = ""
    generate_name: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class Capabilities(_Wire):
    """``securityContext.capabilities`` of a container."""

    add: list[str] | None = None
    drop: list[str] | None = None


class WindowsOptions(_Wire):
    """``securityContext.windowsOptions`` of a Pod or a container."""

    host_process: bool | None = None


class SecurityContext(_Wire):
    """``securityContext`` of a container."""

    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    capabilities: Capabilities | None = None
    windows_options: WindowsOptions | None = None


class Container(_Wire):
    """A container, or an init container."""

    name: str
    args: list[str] | None = None
    security_context: SecurityContext | None = None


class PodOS(_Wire):
    """``spec.os`` of a Pod."""

    name: str = ""


class PodSecurityContext(_Wire):
    """``spec.securityContext`` of a Pod."""

    windows_options: WindowsOptions | None = None


class PodSpec(_Wire):
    """``spec`` of a Pod."""

    containers: list[Container] | None = None
    init_containers: list[Container] | None = None
    host_network: bool | None = None
    os: PodOS | None = None
    node_selector: dict[str, str] | None = None
    runtime_class_name: str | None = None
    security_context: PodSecurityContext | None = None


class Pod(_Wire):
    """A Pod."""

    GROUP_KIND: ClassVar[tuple[str, str]] = ("", "Pod")
    """API group and kind, as :class:`GroupVersionKind` names them."""
    metadata: ObjectMeta
    spec: PodSpec


class FieldsOfSpec(_Wire):
    """``f:spec`` of a managed fields entry; only whether the field is listed matters."""

    external_traffic_policy: msgspec.Raw | msgspec.UnsetType = msgspec.field(
        name="f:externalTrafficPolicy", default=msgspec.UNSET
    )


class FieldsV1(_Wire):
    """``fieldsV1`` of a managed fields entry."""

    spec: FieldsOfSpec | None = msgspec.field(name="f:spec", default=None)


class ManagedFieldsEntry(_Wire):
    """One entry of ``metadata.managedFields``: who manages which fields, and how they wrote."""

    operation: str = ""
    """``Apply`` for server-side apply, ``Update`` for every other write."""
    fields_v1: FieldsV1 | None = None


class ServiceObjectMeta(ObjectMeta):
    """``metadata`` of a Service, for which it matters who set what."""

    managed_fields: list[ManagedFieldsEntry] | None = None


class ServiceSpec(_Wire):
    """``spec`` of a Service."""

    type: str = "ClusterIP"
    external_traffic_policy: str | None = None
    health_check_node_port: int | None = None
    selector: dict[str, str] | None = None
    load_balancer_class: str | None = None


class Service(_Wire):
    """A Service."""

    GROUP_KIND: ClassVar[tuple[str, str]] = ("", "Service")
    """API group and kind, as :class:`GroupVersionKind` names them."""
    metadata: ServiceObjectMeta
    spec: ServiceSpec


class WrittenSpec(_Wire):
    """``spec`` of a Service's manifest, of which only what was written of the policy counts."""

    external_traffic_policy: str | None = None


class WrittenService(_Wire):
    """A Service's manifest as the user wrote it, which ``kubectl apply`` and others keep."""

    spec: WrittenSpec | None = None
