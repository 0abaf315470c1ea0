"""How the sidecar of an existing Pod intercepts inbound connections, whatever its annotation says.

Three places have to agree on TPROXY. Envoy is rendered for the mode in the variable
``ISTIO_META_INTERCEPTION_MODE``; the rules in the kernel are those of the argument ``-m`` of the
container ``istio-init``, or, where istio-cni makes them and there is no such container, those of
the annotation; and Envoy can bind a client's address only as user 0 with NET_ADMIN.

Source:
    istio/istio files/injection-template.yaml; cni/pkg/plugin/sidecar_redirect.go;
    pilot/pkg/model/context.go, GetInterceptionMode.
"""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Final

from webhook.admission.review import Capabilities, SecurityContext
from webhook.audit.findings import Evidence
from webhook.audit.objects import LiveContainer, LivePod
from webhook.labels import INTERCEPTION_MODE, NONE, TPROXY

PROXY: Final = "istio-proxy"
INIT: Final = "istio-init"
VALIDATION: Final = "istio-validation"
"""Names of the containers that Istio's injector adds."""
MODE_VARIABLE: Final = "ISTIO_META_INTERCEPTION_MODE"
ABSENT: Final = "absent"
"""What evidence says of a field that is not there."""
_ROUTER: Final = ["proxy", "router"]
"""Arguments of a gateway's proxy, which intercepts nothing."""


@dataclasses.dataclass(frozen=True, slots=True)
class Interception:
    """What the sidecar of a Pod does."""

    rendered: str | None
    """The mode that Envoy was rendered for; ``None``: none is told, which means REDIRECT."""
    ruled: str | None
    """The mode of the kernel's rules; ``None``: none is told, which means REDIRECT."""
    by_init: bool
    """Whether istio-init makes the rules, or istio-cni by the annotation."""
    user: int | None
    """The proxy's user."""
    capabilities: tuple[str, ...]
    """What the proxy may do beyond what every container may."""
    field: str
    """Path of the proxy's container."""

    @property
    def in_force(self) -> bool:
        """Whether inbound connections keep their clients' addresses, if the proxy runs."""
        return self.rendered == self.ruled == TPROXY

    @property
    def off(self) -> bool:
        """Whether nothing is intercepted."""
        return self.rendered == NONE

    @property
    def privileged(self) -> bool:
        """Whether the proxy may do what TPROXY needs."""
        return self.user == 0 and not {"NET_ADMIN", "ALL"}.isdisjoint(self.capabilities)

    @property
    def modes(self) -> tuple[Evidence, ...]:
        """What shows the mode that is in force."""
        rules = (
            Evidence(
                f'.spec.initContainers[?(@.name=="{INIT}")].args',
                f"-m {self.ruled}" if self.ruled else ABSENT,
            )
            if self.by_init
            else annotation(self.ruled)
        )
        return (
            Evidence(
                f'{self.field}.env[?(@.name=="{MODE_VARIABLE}")].value', self.rendered or ABSENT
            ),
            rules,
        )

    @property
    def rights(self) -> tuple[Evidence, ...]:
        """What shows what the proxy may do."""
        context = f"{self.field}.securityContext"
        return (
            Evidence(f"{context}.runAsUser", ABSENT if self.user is None else str(self.user)),
            Evidence(f"{context}.capabilities.add", ", ".join(self.capabilities) or ABSENT),
        )


def interception(pod: LivePod) -> Interception | None:
    """Read how a Pod's inbound connections are intercepted; ``None`` where it has no sidecar."""
    spec = pod.spec
    proxy, field = _named(PROXY, spec.containers), ".spec.containers"
    if proxy is None:  # a native sidecar
        proxy, field = _named(PROXY, spec.init_containers), ".spec.initContainers"
    if proxy is None or is_router(proxy):
        return None
    init = _named(INIT, spec.init_containers)
    context = proxy.security_context or SecurityContext()
    return Interception(
        rendered=next((each.value for each in proxy.env or () if each.name == MODE_VARIABLE), None),
        ruled=(
            (pod.metadata.annotations or {}).get(INTERCEPTION_MODE)
            if init is None
            else _mode_argument(init.args or ())
        ),
        by_init=init is not None,
        user=context.run_as_user,
        capabilities=tuple((context.capabilities or Capabilities()).add or ()),
        field=f'{field}[?(@.name=="{PROXY}")]',
    )


def is_router(container: LiveContainer) -> bool:
    """Tell whether a proxy is a gateway's."""
    return (container.args or [])[:2] == _ROUTER


def annotation(value: str | None) -> Evidence:
    """Show what the annotation that chooses the mode says."""
    escaped = INTERCEPTION_MODE.replace(".", r"\.")
    return Evidence(f".metadata.annotations.{escaped}", ABSENT if value is None else value)


def _named(name: str, containers: Sequence[LiveContainer] | None) -> LiveContainer | None:
    for each in containers or ():
        if each.name == name:
            return each
    return None


def _mode_argument(arguments: Sequence[str]) -> str | None:
    """Read ``-m`` of istio-init."""
    for flag, value in itertools.pairwise(arguments):
        if flag == "-m":
            return value
    return None
