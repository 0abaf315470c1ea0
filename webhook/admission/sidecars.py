"""Sidecar resources, and which of them Istio applies to a pod.

Only what a rule asks for: whether a Sidecar makes Envoy call the application over loopback.

Source:
    istio/istio pilot/pkg/model/push_context.go, initSidecarScopes and doGetSidecarScope;
    pilot/pkg/networking/core/cluster.go, buildInboundClustersFromSidecar; istio/api
    networking/v1/sidecar.proto.
"""

import itertools
import operator
from collections.abc import Iterable, Mapping
from typing import Any, Final, Self

import msgspec

KIND: Final = ("networking.istio.io", "Sidecar")
"""Group and kind; every version of the group has the fields that are read here."""
_LOOPBACK: Final = ("127.0.0.1:", "[::1]:", "unix:")
"""What a ``defaultEndpoint`` begins with that is not the pod's own address.

A Unix socket is among them because it has no client's address at all. ``0.0.0.0`` and ``[::]`` are
not, because they mean the pod's own address.
"""
_NEVER: Final = "9999"
"""Sorts after every date: what has no creationTimestamp yet will be younger than all that have."""


class _Wire(msgspec.Struct, gc=False, rename="camel"):
    """Part of a Sidecar, spelled as on the wire."""


class _Ingress(_Wire):
    """One of ``spec.ingress``: a listener for inbound connections."""

    default_endpoint: str = ""
    capture_mode: str = "DEFAULT"

    @property
    def loopback(self) -> bool:
        """Whether Envoy would have to call loopback from the client's address.

        A listener with capture mode NONE is a socket of its own, to which no address is restored.
        """
        return self.capture_mode != "NONE" and self.default_endpoint.startswith(_LOOPBACK)


class _Selector(_Wire):
    """``spec.workloadSelector``."""

    labels: dict[str, str] | None = None


class _Spec(_Wire):
    """``spec``."""

    workload_selector: _Selector | None = None
    ingress: list[_Ingress] | None = None


class Sidecar(msgspec.Struct, frozen=True, gc=False):
    """What there is to know about a ``networking.istio.io`` Sidecar."""

    namespace: str
    """The namespace that it is in."""
    name: str
    """Its name."""
    created: str
    """``metadata.creationTimestamp``, RFC 3339 in UTC, which sorts by time."""
    selector: Mapping[str, str] | None
    """Labels of the pods that it is for; ``None``: for all, where no other one selects them."""
    loopback: bool
    """Whether one of its ingress listeners leads to loopback, or to a Unix socket."""

    @classmethod
    def of(cls, namespace: str, name: str, created: str | None, spec: Any) -> Self | None:
        """Read a Sidecar.

        Args:
            namespace: Where it is.
            name: Its name.
            created: Its creationTimestamp; ``None`` where it is yet to be created.
            spec: Its ``spec``, as JSON has it or made of dicts and lists.

        Returns:
            ``None`` where the spec is none that Istio could read either.
        """
        try:
            read = (
                msgspec.json.decode(spec, type=_Spec | None)
                if isinstance(spec, msgspec.Raw)
                else msgspec.convert(spec, _Spec | None)
            ) or _Spec()
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None
        selector = read.workload_selector
        return cls(
            namespace,
            name,
            created or _NEVER,
            None if selector is None else selector.labels or {},
            any(listener.loopback for listener in read.ingress or ()),
        )

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether it is for a pod with these labels, as far as its selector goes."""
        return not self.selector or self.selector.items() <= labels.items()

    @property
    def precedence(self) -> tuple[bool, str, str]:
        """Its place among the Sidecars of its namespace: with a selector first, the oldest first.

        Of two of the same second the name decides.
        """
        return self.selector is None, self.created, self.name


class Sidecars:
    """The Sidecars of a mesh, in memory.

    Args:
        sidecars: Those that are known at the beginning.
    """

    def __init__(self, sidecars: Iterable[Sidecar] = ()) -> None:
        self.replace(sidecars)

    def replace(self, sidecars: Iterable[Sidecar]) -> None:
        """Keep these Sidecars and no others, as after a complete list."""
        namespace = operator.attrgetter("namespace")
        grouped = itertools.groupby(sorted(sidecars, key=namespace), namespace)
        self._ordered = {name: _in_order(each) for name, each in grouped}

    def __len__(self) -> int:
        """Count them."""
        return sum(map(len, self._ordered.values()))

    def put(self, sidecar: Sidecar) -> None:
        """Add a Sidecar, or replace the one that has its namespace and name."""
        self._set(sidecar.namespace, [*self._others(sidecar.namespace, sidecar.name), sidecar])

    def remove(self, namespace: str, name: str) -> None:
        """Remove a Sidecar; nothing happens if there is none of that name.

        Args:
            namespace: Its namespace.
            name: Its name.
        """
        self._set(namespace, self._others(namespace, name))

    def applying(
        self, namespace: str, labels: Mapping[str, str], root_namespace: str
    ) -> Sidecar | None:
        """Find the Sidecar that Istio applies to a pod.

        Args:
            namespace: The pod's.
            labels: The pod's.
            root_namespace: The mesh's root namespace, whose Sidecar without a selector is for all
                namespaces that have none for the pod.
        """
        for sidecar in self._ordered.get(namespace, ()):
            if sidecar.selects(labels):
                return sidecar
        for sidecar in self._ordered.get(root_namespace, ()):
            if sidecar.selector is None:
                return sidecar
        return None

    def _others(self, namespace: str, name: str) -> list[Sidecar]:
        return [each for each in self._ordered.get(namespace, ()) if each.name != name]

    def _set(self, namespace: str, sidecars: list[Sidecar]) -> None:
        if sidecars:
            self._ordered[namespace] = _in_order(sidecars)
        else:
            self._ordered.pop(namespace, None)


NO_SIDECARS: Final = Sidecars()
"""Where no Sidecars are known."""


def _in_order(sidecars: Iterable[Sidecar]) -> tuple[Sidecar, ...]:
    """Put the Sidecars of one namespace into Istio's order."""
    return tuple(sorted(sidecars, key=operator.attrgetter("precedence")))
