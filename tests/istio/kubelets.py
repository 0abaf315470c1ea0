"""The kubelet that is too old: what keeps istiod from making native sidecars."""

import json

from tests.controlplane import ControlPlane

_NAME = "too-old-for-native-sidecars"


class OldKubelet:
    """A Node whose kubelet does not know native sidecars.

    istiod makes them unless the cluster has such a Node; without any Node it does. No kubelet runs
    here, and no scheduler gives this one any work.
    """

    def __init__(self, plane: ControlPlane) -> None:
        """Describe it; there is none yet."""
        self._plane = plane
        self._is_there = False

    def join(self) -> None:
        """Have it in the cluster; fine if it is."""
        if not self._is_there:
            body = {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": _NAME},
                "status": {"nodeInfo": {"kubeletVersion": "v1.32.0"}},
            }
            self._plane.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(body))
            self._is_there = True

    def leave(self) -> None:
        """Have it no longer in the cluster; fine if it is not."""
        if self._is_there:
            self._plane.kubectl("delete", "node", _NAME, "--ignore-not-found")
            self._is_there = False
