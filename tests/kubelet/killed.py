"""A test run that is killed while a Pod runs: `python killed.py FOLDER`.

It prints the process id of the Pod's container.
"""

import os
import signal
import sys
from pathlib import Path

from tests.controlplane import ControlPlane
from tests.kubelet.kubelet import Kubelet
from tests.kubelet.network import ClusterNetwork
from tests.kubelet.workload import IMAGE, Workload

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with (
        ClusterNetwork() as network,
        ControlPlane(folder / "plane", address=network.address) as plane,
        Kubelet(plane, network, folder / "pods", {"program": IMAGE}, ["default"]) as kubelet,
    ):
        web = Workload(plane, kubelet, "default")
        web.deploy()
        pod = web.started()
        print(kubelet.process(pod["metadata"]["name"]), flush=True)  # noqa: T201 - for the test
        os.kill(os.getpid(), signal.SIGKILL)
