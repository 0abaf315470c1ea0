"""Peers in the cluster: webhooks in Go that do the same, deployed as ours is."""

import base64
import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.peers import commands
from certs.authority import Authority, Leaf
from certs.contents import CERTIFICATE, KEY
from tests.cluster import Cluster
from tests.images import names

Json = dict[str, Any]

CONTAINER: Final = "webhook"
"""The container of a peer's Pods in which it runs."""
_PORT: Final = 9443
_REPLICAS: Final = 2
"""As many as our chart has."""
_RESOURCES: Final = {
    "requests": {"cpu": "100m", "memory": "128Mi"},
    "limits": {"memory": "384Mi"},
}
"""The defaults of our chart. Who asks for no processor gets what others leave."""
_LIFETIME: Final = dt.timedelta(days=1)
_READY: Final = "2m"


@dataclasses.dataclass(frozen=True, slots=True)
class Peer:
    """A webhook that is one program, which takes ``-host``, ``-port`` and ``-tls``."""

    name: str
    """Of its Deployment, its Service and its Secret."""

    program: Path
    """Its binary on this machine."""

    @property
    def webhook(self) -> str:
        """The name of its entry of its MutatingWebhookConfiguration."""
        return f"pods.{self.name}.example.org"

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels of the namespaces that it is for."""
        return {f"{self.name}.benchmarks.example.org/preserve": "enabled"}

    @property
    def namespace(self) -> str:
        """Where it runs."""
        return f"{self.name}-webhook"

    def install(self, cluster: Cluster) -> None:
        """Install it in two replicas behind a Service, and wait until they are ready.

        The binary is not put into an image of its own: a container of an image that is there anyway
        runs it from this machine's disk, which is the nodes' disk.

        Raises:
            subprocess.CalledProcessError: kubectl failed; a note has its words.
        """
        now = dt.datetime.now(dt.UTC)
        authority = Authority.create(self.name, now=now, lifetime=_LIFETIME)
        host = f"{self.name}.{self.namespace}.svc"
        leaf = authority.issue((host,), now=now, lifetime=_LIFETIME)
        cluster.kubectl("create", "namespace", self.namespace)
        self._apply(cluster, _secret(self, leaf), _deployment(self), _service(self))
        cluster.kubectl(
            *("rollout", "status", f"deployment/{self.name}", f"--timeout={_READY}"),
            namespace=self.namespace,
            timeout_seconds=150,
        )
        self._apply(cluster, _configuration(self, authority))

    def _apply(self, cluster: Cluster, *things: Json) -> None:
        text = "\n---\n".join(map(json.dumps, things))
        cluster.kubectl("apply", "--server-side", "-f", "-", input=text, namespace=self.namespace)


CONTROLLER_RUNTIME: Final = Peer(commands.CONTROLLER_RUNTIME, commands.CONTROLLER_RUNTIME_BINARY)
LEAST: Final = Peer(commands.LEAST, commands.LEAST_BINARY)
ALL: Final = (CONTROLLER_RUNTIME, LEAST)


def _secret(peer: Peer, leaf: Leaf) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": peer.name},
        "type": "kubernetes.io/tls",
        "stringData": {
            CERTIFICATE: leaf.certificate_pem.decode(),
            KEY: leaf.key_pem.decode(),
        },
    }


def _deployment(peer: Peer) -> Json:
    container = {
        "name": CONTAINER,
        "image": names.SLEEP,
        "imagePullPolicy": "IfNotPresent",
        "command": [
            *(f"/program/{peer.program.name}", "-host", "$(ADDRESS)"),
            *("-port", str(_PORT), "-tls", "/tls"),
        ],
        "env": [{"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "ports": [{"containerPort": _PORT}],
        "resources": _RESOURCES,
        "readinessProbe": {"tcpSocket": {"port": _PORT}, "periodSeconds": 1},
        "volumeMounts": [
            {"name": "program", "mountPath": "/program", "readOnly": True},
            {"name": "tls", "mountPath": "/tls", "readOnly": True},
        ],
    }
    volumes = [
        {
            "name": "program",
            "hostPath": {"path": str(peer.program.resolve().parent), "type": "Directory"},
        },
        {"name": "tls", "secret": {"secretName": peer.name}},
    ]
    labels = {"app": peer.name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": peer.name},
        "spec": {
            "replicas": _REPLICAS,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container], "volumes": volumes},
            },
        },
    }


def _service(peer: Peer) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": peer.name},
        "spec": {"selector": {"app": peer.name}, "ports": [{"port": 443, "targetPort": _PORT}]},
    }


def _configuration(peer: Peer, authority: Authority) -> Json:
    """Make the registration, which says the same as our chart's."""
    bundle = base64.b64encode(authority.certificate_pem).decode()
    service = {"namespace": peer.namespace, "name": peer.name, "path": "/mutate"}
    rule = {
        "operations": ["CREATE"],
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "resources": ["pods"],
        "scope": "Namespaced",
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": f"0-{peer.name}"},
        "webhooks": [
            {
                "name": peer.webhook,
                "clientConfig": {"service": service, "caBundle": bundle},
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "timeoutSeconds": 2,
                "failurePolicy": "Ignore",
                "reinvocationPolicy": "Never",
                "namespaceSelector": {"matchLabels": dict(peer.labels)},
                "rules": [rule],
            }
        ],
    }
