"""What happens to a cluster: how many creations fail under ``failurePolicy: Fail``, and how long.

No call is ever repeated by the API server, so what is under way to a replica that dies is lost.
The figures go into docs/reliability.md; asserted is that it is over by itself (the load ends once
creations succeed again), and that nothing fails that need not.
"""

import json
import os
import signal

import pytest

from tests.action.release import DEADLINE, NAME, Release
from tests.chart import helm

pytestmark = pytest.mark.e2e


def test_replica_is_killed(installed: Release) -> None:
    """SIGKILL: what was under way is lost, and connections to it until the Pod is back."""
    pod = installed.pod_names()[0]
    with installed.under_load("a replica is killed"):
        os.kill(installed.kubelet.process(pod), signal.SIGKILL)
        installed.kubelet.wait_for(lambda: restarts(installed, pod) == 1, DEADLINE, "its restart")
        installed.rolled_out()


def restarts(installed: Release, pod: str) -> int:
    """Tell how often the container of a Pod was restarted."""
    (status,) = installed.plane.get("Pod", pod, helm.NAMESPACE)["status"]["containerStatuses"]
    count: int = status["restartCount"]
    return count


def test_replica_hangs(installed: Release) -> None:
    """SIGSTOP: calls to it time out until the probes have taken it out of the Service."""
    pod = installed.pod_names()[0]
    process = installed.kubelet.process(pod)
    with installed.under_load("a replica hangs"):
        os.kill(process, signal.SIGSTOP)
        try:
            installed.kubelet.wait_for(
                lambda: pod not in installed.pod_names(), DEADLINE, "it to be out of the Service"
            )
        finally:
            os.kill(process, signal.SIGCONT)
        installed.rolled_out()


def test_api_server_restarts(installed: Release) -> None:
    """Without it nothing can be created; afterwards no failure is the webhook's."""
    with installed.under_load("the API server restarts"):
        installed.plane.stop_apiserver()
        installed.plane.start_apiserver()
        installed.kubelet.wait_for(installed.works, DEADLINE, "the webhook to be called again")

    errors = installed.reports["the API server restarts"].errors
    assert not [words for words in errors if "failed calling webhook" in words]


def test_bundle_is_wiped(installed: Release) -> None:
    """Somebody removes every caBundle: the watch of any replica puts it back."""
    patch = [
        {"op": "remove", "path": f"/webhooks/{index}/clientConfig/caBundle"} for index in (0, 1)
    ]
    with installed.under_load("caBundle is wiped"):
        installed.kubectl(
            *("patch", "mutatingwebhookconfiguration", "0-source-ip-webhook"),
            *("--type=json", f"--patch={json.dumps(patch)}"),
        )
        installed.kubelet.wait_for(
            lambda: all(
                "caBundle" in h["clientConfig"] for h in installed.configuration()["webhooks"]
            ),
            DEADLINE,
            "it to be back",
        )


def test_secret_is_deleted(installed: Release) -> None:
    """A new authority is made, published beside the old one, and adopted: nothing fails."""
    name = f"{NAME}-tls"
    with installed.under_load("the Secret is deleted"):
        installed.kubectl("delete", "secret", name)
        installed.kubelet.wait_for(
            lambda: installed.plane.find("Secret", name, helm.NAMESPACE), DEADLINE, "a new Secret"
        )
        installed.kubelet.wait_for(
            lambda: "former" not in installed.certificates("show"), DEADLINE, "its authority alone"
        )

    report = installed.reports["the Secret is deleted"]
    assert (report.failed, report.unpatched) == (0, 0)


def test_uninstalling_leaves_nothing(installed: Release) -> None:
    """Nothing of ours is left, and creations go on; the last one of the module."""
    with installed.under_load("uninstalling"):
        installed.uninstall()

    kinds = "all,secrets,serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets"
    rest = [
        *installed.kubectl("get", kinds, "--output=name").split(),
        *installed.kubectl(
            *("get", "clusterroles,clusterrolebindings,mutatingwebhookconfigurations"),
            *("--output=name",),
        ).split(),
    ]
    assert not [name for name in rest if "source-ip" in name]
    assert installed.reports["uninstalling"].failed == 0
