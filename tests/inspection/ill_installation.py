"""An installation that is not as the chart makes it, or not any more."""

import base64
import contextlib
import json
from collections.abc import Iterator
from typing import Any, Final

from tests.cluster import mesh
from tests.inspection.admin import Admin
from tests.inspection.proxy import Proxy
from webhook.labels import REVISION

Json = dict[str, Any]

LATE: Final = "h-source-ip-webhook"
"""A name of the configuration that comes before Istio's own, and after one that comes early."""
CONFIGURATION: Final = "mutatingwebhookconfiguration/0-source-ip-webhook"
_DEPLOYMENT: Final = f"deployment/{mesh.RELEASE}"
_EARLY: Final = "a-istio-sidecar-injector"


@contextlib.contextmanager
def values(admin: Admin, _proxy: Proxy) -> Iterator[None]:
    """Install with values that save at the wrong end, and edit the configuration by hand.

    It has a name that comes too late for an injector of Istio's. Whoever asks by the usual name is
    told the other one.
    """
    admin.create(_early_injector(admin))
    upgrade(
        admin,
        "--set=replicas=1,podDisruptionBudget.enabled=false,selfRestriction.enabled=false",
        f"--set=timeoutSeconds=15,configuration.name={LATE}",
    )
    path = "/webhooks/0/namespaceSelector/matchExpressions/0/values"
    patch = json.dumps([{"op": "replace", "path": path, "value": ["enabled"]}])
    late = f"mutatingwebhookconfiguration/{LATE}"
    admin.kubectl("patch", late, "--type=json", f"--patch={patch}")
    told = next(each for each in admin.doctor().report["checks"] if each["name"] == "configuration")
    assert told["status"] == "failed"
    assert told["cure"] == f"source-ip-webhook doctor --configuration {LATE}"
    yield
    admin.kubectl("delete", "mutatingwebhookconfiguration", _EARLY)
    rolled_out(admin)


def _early_injector(admin: Admin) -> Json:
    """Write a configuration of Istio's injector that comes early, and matches no namespace."""
    usual = admin.cluster.get("MutatingWebhookConfiguration", "istio-sidecar-injector")
    entry = {
        **usual["webhooks"][0],
        "namespaceSelector": {"matchLabels": {REVISION: "nobody"}},
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": _EARLY},
        "webhooks": [entry],
    }


@contextlib.contextmanager
def one_node(admin: Admin, _proxy: Proxy) -> Iterator[None]:
    """Have both replicas on one node, as after a drain of the other one."""
    gone = next(pod for pod in replicas(admin) if pod["spec"]["nodeName"] == "n2")
    admin.kubectl("cordon", "n2")
    try:
        admin.kubectl("delete", "pod", gone["metadata"]["name"], namespace=mesh.NAMESPACE)
        rolled_out(admin)
    finally:
        admin.kubectl("uncordon", "n2")
    yield


@contextlib.contextmanager
def gone(admin: Admin, _proxy: Proxy) -> Iterator[None]:
    """Delete the configuration."""
    admin.kubectl("delete", CONFIGURATION)
    yield


@contextlib.contextmanager
def untrusted(admin: Admin, _proxy: Proxy) -> Iterator[None]:
    """Publish an authority that issued nothing, and take away the right to put that right."""
    (role,) = (
        each
        for each in admin.cluster.api.items("ClusterRole")
        if any(
            "mutatingwebhookconfigurations" in rule.get("resources", ()) for rule in each["rules"]
        )
        and each["metadata"].get("labels", {}).get("app.kubernetes.io/component") == "webhook"
    )
    _set_rules(admin, role["metadata"]["name"], [])
    # The authorizer hears of that a moment later; before, the webhook would mend what comes next.
    account = f"--as=system:serviceaccount:{mesh.NAMESPACE}:{mesh.RELEASE}"
    command = ("auth", "can-i", "patch", CONFIGURATION, account)
    admin.wait_for(
        lambda: admin.cluster.kubectl(*command, check=False).stdout.strip() == "no",
        "the right to be gone",
    )
    other = admin.cluster.api.ca_file.read_bytes()
    patch = json.dumps(
        [
            {
                "op": "replace",
                "path": f"/webhooks/{number}/clientConfig/caBundle",
                "value": base64.b64encode(other).decode(),
            }
            for number in (0, 1)
        ]
    )
    admin.kubectl("patch", CONFIGURATION, "--type=json", f"--patch={patch}")
    yield
    _set_rules(admin, role["metadata"]["name"], role["rules"])


def _set_rules(admin: Admin, role: str, rules: list[Json]) -> None:
    patch = json.dumps([{"op": "replace", "path": "/rules", "value": rules}])
    admin.kubectl("patch", "clusterrole", role, "--type=json", f"--patch={patch}")


def upgrade(admin: Admin, *flags: str) -> None:
    """Upgrade the release to other values, and wait until its Pods are ready."""
    where = ("--namespace", mesh.NAMESPACE, "--reuse-values", "--wait", "--timeout=2m")
    admin.cluster.helm("upgrade", mesh.RELEASE, str(mesh.CHART), *where, *flags)


def rolled_out(admin: Admin) -> None:
    """Wait until the release's Pods are ready, and none is about to end."""
    admin.rolled_out(_DEPLOYMENT, mesh.NAMESPACE)
    admin.wait_for(
        lambda: all("deletionTimestamp" not in pod["metadata"] for pod in replicas(admin)),
        "the former Pods to end",
    )


def replicas(admin: Admin) -> list[Json]:
    """List the Pods of the webhook."""
    return admin.pods(mesh.NAMESPACE, **{"app.kubernetes.io/component": "webhook"})
