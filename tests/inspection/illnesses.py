"""What can be wrong with an installation and its mesh, each made so, as rounds of doctor's visits.

What does not get in the way of each other is wrong in the same round.
"""

import contextlib
import dataclasses
from collections.abc import Callable
from typing import Final

from tests.inspection import ill_calls, ill_installation, ill_mesh
from tests.inspection.admin import Admin
from tests.inspection.proxy import Proxy


@dataclasses.dataclass(frozen=True)
class Round:
    """One state of the cluster in which several checks have something to say.

    Attributes:
        name: What is wrong.
        fails: Names of the checks that fail.
        warns: Names of those that warn.
        ill: Makes it so, and afterwards mends whatever no printed command mends.
        typed: Names of the checks whose cure is a command, which is typed.
        flags: Flags of ``doctor``.
        seen_by_proxy: Whether doctor asks through the proxy.
    """

    name: str
    ill: Callable[[Admin, Proxy], contextlib.AbstractContextManager[None]]
    fails: frozenset[str] = frozenset()
    warns: frozenset[str] = frozenset()
    typed: frozenset[str] = frozenset()
    flags: tuple[str, ...] = ()
    seen_by_proxy: bool = False


_OF_NAMESPACES: Final = frozenset(
    {
        "injection-labels",
        "injection",
        "pod-security",
        "ambient",
        "gateways",
        "system-namespaces",
        "cilium-l2",
    }
)
_OF_VALUES: Final = frozenset(
    {"replicas", "disruption-budget", "self-restriction", "failure-policy"}
)
ROUNDS: Final = (
    Round(
        "labels of namespaces",
        ill_mesh.namespaces,
        fails=frozenset({"label-values"}),
        warns=_OF_NAMESPACES,
        typed=_OF_NAMESPACES | {"label-values"},
    ),
    Round(
        "settings of the mesh",
        ill_mesh.mesh,
        fails=frozenset({"istio", "inbound-traffic-policy", "probe-plain"}),
        warns=frozenset({"interception", "mesh-mode", "sidecars", "other-webhooks"}),
    ),
    Round(
        "values of the chart",
        ill_installation.values,
        fails=frozenset({"order", "registration"}),
        warns=_OF_VALUES,
        typed=_OF_VALUES | {"order", "registration"},
        flags=("--configuration", ill_installation.LATE),
    ),
    Round(
        "one node",
        ill_installation.one_node,
        warns=frozenset({"spread"}),
        typed=frozenset({"spread"}),
    ),
    Round(
        "no configuration",
        ill_installation.gone,
        fails=frozenset({"configuration", "probe-pod", "probe-service"}),
        typed=frozenset({"configuration"}),
    ),
    Round(
        "an authority that issued nothing",
        ill_installation.untrusted,
        fails=frozenset({"ca-bundle"}),
    ),
    Round(
        "nobody answers",
        ill_calls.silent,
        fails=frozenset({"fail-open", "rejections", "probe-service"}),
    ),
    Round(
        "an old and slow API server, a year later, and flags of another installation",
        ill_calls.told,
        fails=frozenset({"api-server-version", "certificate"}),
        warns=frozenset({"flags", "latency"}),
        typed=frozenset({"flags"}),
        flags=("--cilium-l2",),
        seen_by_proxy=True,
    ),
)
"""Everything that doctor can find, in an order in which each round leaves the cluster well."""

INFORMATION: Final = frozenset({"kube-proxy", "terway", "metallb"})
"""Checks that only say what there is."""
