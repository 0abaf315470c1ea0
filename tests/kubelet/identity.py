"""As whom a container runs, and what it may do: securityContext of Pod and container."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from tests.kubelet.errors import ContainerConfigError, UnsupportedError, refuse_unknown
from tests.kubelet.images import Image

# seccompProfile: the node's system calls are not filtered here. fsGroupChangePolicy: volumes are
# made anew for each Pod, so that there is nothing to change.
_OF_BOTH = {"runAsUser", "runAsGroup", "runAsNonRoot", "seccompProfile"}
_OF_PODS = _OF_BOTH | {"fsGroup", "fsGroupChangePolicy", "supplementalGroups"}
_OF_CONTAINERS = _OF_BOTH | {"readOnlyRootFilesystem", "allowPrivilegeEscalation", "capabilities"}


@dataclasses.dataclass(frozen=True)
class Identity:
    """As whom a container runs; its attributes are those of plan.Plan."""

    user: int
    group: int
    groups: tuple[int, ...]
    read_only_root: bool
    no_new_privileges: bool
    drop_capabilities: bool


def identity(pod: Mapping[str, Any], container: Mapping[str, Any], image: Image) -> Identity:
    """Return as whom a container runs; what it says itself comes before what its Pod says.

    Args:
        pod: the Pod.
        container: its part of the Pod's spec.
        image: its image.

    Raises:
        UnsupportedError: it asks for something that nobody does here.
        ContainerConfigError: it is not to run as root, and would.
    """
    where = f"securityContext of container {container['name']}"
    shared = pod["spec"].get("securityContext") or {}
    own = container.get("securityContext") or {}
    refuse_unknown(shared, _OF_PODS, "securityContext of the Pod")
    refuse_unknown(own, _OF_CONTAINERS, where)
    merged = {**shared, **own}
    user = merged.get("runAsUser", image.user)
    if merged.get("runAsNonRoot") and user == 0:
        raise ContainerConfigError("container has runAsNonRoot and image will run as root")
    # A user that the image has no group for runs with root's, as containerd does it.
    group = merged.get("runAsGroup", image.group if user == image.user else 0)
    groups = list(shared.get("supplementalGroups", ()))
    if "fsGroup" in shared:
        groups.append(shared["fsGroup"])
    return Identity(
        user=user,
        group=group,
        groups=tuple(groups),
        read_only_root=own.get("readOnlyRootFilesystem", False),
        no_new_privileges=own.get("allowPrivilegeEscalation") is False,
        drop_capabilities=_drops_all(own.get("capabilities") or {}, where),
    )


def common_user(pod: Mapping[str, Any]) -> int | None:
    """Return the user that the spec gives to all containers alike, or None.

    It owns the files with a ServiceAccount's token (FsUserFrom in pkg/volume/util of Kubernetes).

    Args:
        pod: the Pod.
    """
    shared = (pod["spec"].get("securityContext") or {}).get("runAsUser")
    users = {
        (container.get("securityContext") or {}).get("runAsUser", shared)
        for container in pod["spec"]["containers"]
    }
    return users.pop() if len(users) == 1 else None


def _drops_all(capabilities: Mapping[str, Any], where: str) -> bool:
    refuse_unknown(capabilities, {"drop"}, f"capabilities in {where}")
    dropped = capabilities.get("drop") or []
    if dropped not in ([], ["ALL"]):
        raise UnsupportedError(f"{where}: capabilities are dropped all together here, or not")
    return bool(dropped)
