"""A registration of a test's own, which the test may damage, and what users get from it."""

import base64
import dataclasses
import json
from functools import cached_property
from typing import Any

import urllib3

from tests.controlplane import ControlPlane
from tests.e2e.conftest import DEADLINE, bare_pod, pods_of
from tests.e2e.objects import mode
from tests.e2e.registration import configuration
from tests.e2e.webhook_with_files import WebhookWithFiles

Json = dict[str, Any]

LABEL = "failures.example.org/keep"
"""Not the label that the session's registration selects by, which therefore keeps out of this."""
OWN_LABEL = {"SOURCE_IP_WEBHOOK_LABEL_KEY": LABEL}
"""What tells a process of that label."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the API server answered to the creation of a Pod."""

    plane: ControlPlane
    response: urllib3.BaseHTTPResponse

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status

    @cached_property
    def body(self) -> Json:
        """The Pod, or the Status that says why there is none."""
        body: Json = json.loads(self.response.data)
        return body

    @property
    def message(self) -> str:
        """What a user is told; kubectl prints it after ``Error from server``."""
        message: str = self.body.get("message", "")
        return message

    @property
    def mode(self) -> str | None:
        """The setting."""
        return mode(self.body)

    def audit(self) -> Json:
        """Wait for the event of just this request in the audit log."""
        own = self.response.headers["Audit-Id"]
        return self.plane.wait_for(
            lambda: next((e for e in self.plane.audit_events(own) if e["auditID"] == own), None),
            DEADLINE,
            f"audit event {own}",
        )

    def failed_open(self) -> list[str]:
        """Name the webhooks that the audit log says this request went on without."""
        annotations = self.audit().get("annotations", {})
        return [value for key, value in annotations.items() if key.startswith("failed-open.")]


@dataclasses.dataclass
class Webhook:
    """One registration, for one namespace, of a service under one failurePolicy."""

    plane: ControlPlane
    process: WebhookWithFiles
    namespace: str
    policy: str

    @property
    def path(self) -> str:
        """Path of its configuration."""
        group = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
        return f"{group}/0-{self.namespace}"

    def register(
        self,
        *,
        port: int | None = None,
        path: str = "/mutate",
        ca: bytes | None = None,
        timeout: int = 10,
        versions: tuple[str, ...] = ("v1",),
    ) -> urllib3.BaseHTTPResponse:
        """Write the configuration, by default a good one, and return the API server's answer.

        Ten seconds are more than users should wait: a busy machine must not look like a fault.
        """
        url = f"https://127.0.0.1:{port or self.process.port}{path}"
        body = configuration(url, b"", failure_policy=self.policy)
        body["metadata"]["name"] = self.path.rpartition("/")[2]
        for hook in body["webhooks"]:
            bundle = self.process.ca if ca is None else ca
            hook["clientConfig"]["caBundle"] = base64.b64encode(bundle).decode()
            hook["timeoutSeconds"] = timeout
            hook["admissionReviewVersions"] = list(versions)
            hook["namespaceSelector"] = {
                "matchLabels": {"kubernetes.io/metadata.name": self.namespace}
            }
        return self.plane.request(
            "PATCH",
            f"{self.path}?fieldManager=tests&force=true",
            body,
            content_type="application/apply-patch+yaml",
        )

    def unregister(self) -> None:
        """Remove the configuration; fine if there is none."""
        self.plane.request("DELETE", self.path)

    def register_anew(self, **how: Any) -> None:
        """Write a configuration that works, and wait until it is this one that is called."""
        self.unregister()
        self.wait_until_it_fails()
        self.register(**how)
        self.wait_until_it_works()

    def create(self, name: str, *, query: str = "", pod: Json | None = None) -> Answer:
        """Create a Pod, the smallest one by default."""
        body = pod or bare_pod(name, self.namespace)
        return Answer(
            self.plane, self.plane.request("POST", f"{pods_of(self.namespace)}{query}", body)
        )

    def works(self) -> bool:
        """Tell by a dry run whether a Pod would get its setting now."""
        return self.create("probe", query="?dryRun=All").mode == "TPROXY"

    def wait_until_it_works(self) -> None:
        """Wait until the API server has seen the configuration and the service answers."""
        self.plane.wait_for(self.works, DEADLINE, f"{self.path} to work")

    def wait_until_it_fails(self) -> None:
        """Wait until the API server has seen that something is wrong."""
        self.plane.wait_for(lambda: not self.works(), DEADLINE, f"{self.path} to fail")
