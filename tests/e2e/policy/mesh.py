"""A cluster with Istio's real injector and with the policies, and what is created in it."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import urllib3

from tests.controlplane import ControlPlane
from tests.e2e.conftest import DEADLINE, bare_pod, make_namespace, pods_of
from tests.istio import Istio

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Mesh:
    """The cluster, as a developer meets it."""

    plane: ControlPlane
    istio: Istio
    numbers: Iterator[int]

    def namespace(self, key: str) -> str:
        """Make a namespace that opts in by a label of this key, and whose Pods Istio injects."""
        labels = {key: "enabled", "istio-injection": "enabled"}
        return make_namespace(self.plane, f"shop-{next(self.numbers)}", labels)

    def pod(
        self, namespace: str, *, annotations: dict[str, str] | None = None, query: str = ""
    ) -> urllib3.BaseHTTPResponse:
        """Create a Pod."""
        body = bare_pod(f"web-{next(self.numbers)}", namespace)
        body["metadata"]["annotations"] = annotations or {}
        return self.plane.request("POST", f"{pods_of(namespace)}{query}", body)

    def service(
        self, namespace: str, *, annotations: dict[str, str] | None = None, **spec: Any
    ) -> urllib3.BaseHTTPResponse:
        """Create the Service of a gateway."""
        body = {
            "metadata": {"name": f"gw-{next(self.numbers)}", "annotations": annotations or {}},
            "spec": {
                "type": "LoadBalancer",
                "ports": [{"port": 80}],
                "selector": {"app": "gw"},
                **spec,
            },
        }
        return self.plane.request("POST", f"/api/v1/namespaces/{namespace}/services", body)

    def audited(self, answer: urllib3.BaseHTTPResponse) -> dict[str, str]:
        """Wait for the audit event of a request, and read what our policies had written into it."""
        own = answer.headers["Audit-Id"]
        event: Json = self.plane.wait_for(
            lambda: next((e for e in self.plane.audit_events(own) if e["auditID"] == own), None),
            DEADLINE,
            f"audit event {own}",
        )
        annotations = event["annotations"].items()
        return {
            key.rpartition("/")[2]: value
            for key, value in annotations
            if key.endswith((".report/reason", "/validation_failure"))
        }
