"""Control planes that serve mutating policies."""

import os
from pathlib import Path
from typing import Final

from tests.controlplane import ControlPlane
from tests.controlplane.components import EMULATED
from webhook.policy.choices import ApiVersion

_ON_DEMAND: Final = (
    "--feature-gates=MutatingAdmissionPolicy=true",
    "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
    # The API server's own informers are of v1, which an older version would not serve.
    "--emulation-forward-compatible=true",
)
"""What Kubernetes 1.34 and 1.35 have to be told."""


def version() -> ApiVersion:
    """Tell which version of mutating policies the wanted Kubernetes serves."""
    emulated = os.environ.get(EMULATED, "")
    return ApiVersion.V1BETA1 if emulated in {"1.34", "1.35"} else ApiVersion.V1


def control_plane(folder: Path, *args: str, controllers: bool = False) -> ControlPlane:
    """Describe a control plane of the wanted Kubernetes.

    Args:
        folder: Where its files go.
        args: Further flags of kube-apiserver.
        controllers: Whether controllers run.
    """
    on_demand = _ON_DEMAND if version() is ApiVersion.V1BETA1 else ()
    return ControlPlane(
        folder,
        controllers=controllers,
        emulated_version=os.environ.get(EMULATED),
        apiserver_args=(*on_demand, *args),
    )
