"""Two replicas, a configuration that calls them in turn, and the Secret that they share."""

import base64
import subprocess
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import urllib3
from cryptography import x509

from tests.controlplane import ControlPlane
from tests.e2e.certificates import rights
from tests.e2e.certificates.leaks import Leaks
from tests.e2e.certificates.relay import Relay
from tests.e2e.certificates.replica import Replica
from tests.e2e.conftest import DEADLINE
from tests.webhook_process import COMMAND, REPOSITORY

_GROUP = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"

Json = dict[str, Any]


class Deployment:
    """What a chart would install, under a name of its own; made by :func:`deploying.deployed`."""

    def __init__(
        self,
        plane: ControlPlane,
        name: str,
        replicas: Sequence[Replica],
        balancer: Relay,
        leaks: Leaks,
    ) -> None:
        self.plane = plane
        self.name = name
        self.replicas = replicas
        self.balancer = balancer
        self.leaks = leaks
        self.shop = f"{name}-shop"
        """The namespace whose Pods are created."""
        self.path = f"{_GROUP}/{name}"
        self.secret_path = f"/api/v1/namespaces/{name}/secrets/{rights.SECRET}"

    def start(self) -> None:
        """Start all replicas at the same moment, and wait for them."""
        for replica in self.replicas:
            replica.launch()
        for replica in self.replicas:
            replica.wait_until_ready()

    def published(self) -> list[bytes]:
        """Read the caBundle of each entry."""
        webhooks = self.plane.api.json("GET", self.path)["webhooks"]
        bundles = (webhook["clientConfig"].get("caBundle", "") for webhook in webhooks)
        return [base64.b64decode(bundle) for bundle in bundles]

    def publish(self, *values: bytes | None) -> None:
        """Write the caBundle of the first entries by hand; ``None``: take it away."""
        answer = self.try_to_publish(*values)
        assert answer.status == HTTPStatus.OK, answer.data

    def try_to_publish(self, *values: bytes | None) -> urllib3.BaseHTTPResponse:
        """Write it, and return the API server's answer, which is a conflict if others write too."""
        operations = [
            {"op": "remove", "path": f"/webhooks/{index}/clientConfig/caBundle"}
            if value is None
            else {
                "op": "add",
                "path": f"/webhooks/{index}/clientConfig/caBundle",
                "value": base64.b64encode(value).decode(),
            }
            for index, value in enumerate(values)
        ]
        return self.plane.request(
            "PATCH", self.path, operations, content_type="application/json-patch+json"
        )

    def secret(self) -> dict[str, bytes]:
        """Read the Secret; empty where it has no data or is not there."""
        found = self.plane.find("Secret", rights.SECRET, self.name) or {}
        data = {key: base64.b64decode(text) for key, text in (found.get("data") or {}).items()}
        self.leaks.note(data)
        return data

    def write_secret(self, data: dict[str, bytes]) -> None:
        """Replace what the Secret holds by hand."""
        encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        operations = [{"op": "add", "path": "/data", "value": encoded}]
        self._patch(self.secret_path, operations, "application/json-patch+json")

    def delete_secret(self) -> None:
        """Delete the Secret."""
        self.plane.api.json("DELETE", self.secret_path)

    def allow(self, *verbs: str) -> None:
        """Change what may be done with the configuration; without verbs: what is documented."""
        rules = rights.cluster_rules(self.name, *verbs)
        path = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{self.name}"
        self._patch(path, {"rules": rules}, "application/merge-patch+json")
        question = ("patch", f"mutatingwebhookconfigurations/{self.name}")
        account = f"--as=system:serviceaccount:{self.name}:{self.name}"
        answer = "yes" if not verbs or "patch" in verbs else "no"
        self.plane.wait_for(
            lambda: (
                self.plane.kubectl("auth", "can-i", *question, account, check=False).stdout.strip()
                == answer
            ),
            DEADLINE,
            "the API server to know of the rights",
        )

    def command(self, *arguments: str, code: int = 0) -> str:
        """Run ``source-ip-webhook certificates`` as an admin; return its standard output."""
        where = ["--tls-namespace", self.name]
        if arguments[0] == "show":
            where += ["--configuration", self.name]
        done = subprocess.run(  # noqa: S603
            [*COMMAND, "certificates", *arguments, *where],
            env={"KUBECONFIG": str(self.plane.kubeconfig)},
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        self.leaks.texts[f"certificates {' '.join(arguments)}"] = done.stdout + done.stderr
        assert done.returncode == code, done.stderr
        return done.stdout

    @property
    def settled(self) -> bool:
        """Whether both bundles hold the Secret's authority alone, and all replicas its leaf."""
        secret = self.secret()
        if not secret or "next-ca.crt" in secret:
            return False
        leaf = x509.load_pem_x509_certificate(secret["tls.crt"]).not_valid_after_utc.timestamp()
        gauge = 'certificate_not_after_timestamp_seconds{certificate="serving"}'
        return set(self.published()) == {secret["ca.crt"]} and all(
            replica.metric(gauge) == leaf for replica in self.replicas
        )

    def wait_until_settled(self, seconds: float = DEADLINE) -> None:
        """Wait for the end of whatever is under way."""
        self.plane.wait_for(lambda: self.settled, seconds, "certificates to come to rest")

    def _patch(self, path: str, body: Json | list[Json], content_type: str) -> None:
        answer = self.plane.request("PATCH", path, body, content_type=content_type)
        assert answer.status == HTTPStatus.OK, answer.data
