"""What a container is told before it is told to stop."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from tests.kubelet.errors import refuse_unknown
from tests.kubelet.get import HttpGet

Hook = Callable[[float, threading.Event], None]
"""Called when a container is to stop: with its grace period in seconds, and what ends the wait."""


def pre_stop(container: Mapping[str, Any], address: str) -> Hook:
    """Return a container's preStop hook.

    A hook that takes longer than the grace period is not waited for any longer; one that fails
    stops nothing ("Container Lifecycle Hooks" of the Kubernetes documentation).

    Args:
        container: its spec.
        address: of its Pod.

    Raises:
        UnsupportedError: it has a hook that nobody plays here.
        ContainerConfigError: it names a port that there is not.
    """
    lifecycle = container.get("lifecycle") or {}
    refuse_unknown(lifecycle, {"preStop"}, f"lifecycle of container {container['name']}")
    action = lifecycle.get("preStop") or {}
    refuse_unknown(action, {"httpGet", "sleep"}, f"preStop of container {container['name']}")
    seconds = action.get("sleep", {}).get("seconds", 0)
    get = HttpGet.parse(action["httpGet"], container, address) if "httpGet" in action else None

    def hook(grace_seconds: float, ended: threading.Event) -> None:
        if get is not None:
            get.send(grace_seconds)
        ended.wait(min(seconds, grace_seconds))

    return hook
