"""What the containers of one Pod share: its address, its volumes, its folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.controlplane.api import ApiClient
from tests.kubelet import environment
from tests.kubelet.errors import refuse_unknown
from tests.kubelet.network import PodNetwork
from tests.kubelet.plan import Bind
from tests.kubelet.volumes import Volumes

# Those below the first line have been heeded before, or mean nothing where one node has it all.
_KNOWN = {
    *("containers", "volumes", "restartPolicy", "terminationGracePeriodSeconds"),
    *("serviceAccountName", "securityContext", "enableServiceLinks"),
    *("nodeName", "nodeSelector", "schedulerName", "tolerations", "affinity"),
    *("topologySpreadConstraints", "priority", "priorityClassName", "preemptionPolicy"),
    *("serviceAccount", "automountServiceAccountToken", "imagePullSecrets", "dnsPolicy"),
}


@dataclass(frozen=True)
class Sandbox:
    """What the containers of one Pod share.

    Attributes:
        pod: the Pod, with its addresses.
        network: its network.
        folder: where its files go.
        volumes: its volumes.
        links: environment variables that name Services.
    """

    pod: Mapping[str, Any]
    network: PodNetwork
    folder: Path
    volumes: Volumes
    links: Mapping[str, str]

    @property
    def name(self) -> str:
        """The Pod's name."""
        name: str = self.pod["metadata"]["name"]
        return name

    @property
    def hosts(self) -> Bind:
        """The /etc/hosts of its containers."""
        return Bind(str(self.folder / "hosts"), "/etc/hosts", read_only=False)


def make_sandbox(
    api: ApiClient, pod: Mapping[str, Any], network: PodNetwork, folder: Path
) -> Sandbox:
    """Make what containers need before they can start.

    Args:
        api: access as a cluster admin.
        pod: the Pod, with its addresses.
        network: its network.
        folder: for its files, made if need be.

    Raises:
        UnsupportedError: the Pod asks for something that nobody plays here.
        VolumeNotReadyError: a volume's Secret or ConfigMap does not exist.
        ApiError: the API server refused to tell.
        urllib3.exceptions.HTTPError: it did not answer.
    """
    refuse_unknown(pod["spec"], _KNOWN, "spec of the Pod")
    folder.mkdir(parents=True, exist_ok=True)
    name = pod["metadata"]["name"]
    (folder / "hosts").write_text(f"127.0.0.1\tlocalhost\n{network.address}\t{name}\n", "utf-8")
    volumes = Volumes(api, pod, folder / "volumes")
    volumes.refresh()
    return Sandbox(pod, network, folder, volumes, _links(api, pod))


def _links(api: ApiClient, pod: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that name Services; that of the API server leads to it directly.

    Nobody routes the addresses of Services here, so that its own would lead nowhere.
    """
    links: dict[str, str] = {}
    if pod["spec"].get("enableServiceLinks", True):
        links = environment.service_links(api.items("Service", pod["metadata"]["namespace"]))
    host, _, port = api.server.removeprefix("https://").rpartition(":")
    return links | {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
