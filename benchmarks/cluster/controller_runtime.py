"""The peer in the cluster: a controller-runtime webhook that does the same, deployed as ours is."""

import base64
import datetime as dt
import json
from typing import Any, Final

from benchmarks.peers.commands import CONTROLLER_RUNTIME, CONTROLLER_RUNTIME_BINARY
from certs.authority import Authority, Leaf
from certs.contents import CERTIFICATE, KEY
from tests.cluster import Cluster
from tests.images import names

Json = dict[str, Any]

WEBHOOK: Final = "pods.controller-runtime.example.org"
"""Its entry of its MutatingWebhookConfiguration."""
LABELS: Final = {"controller-runtime.benchmarks.example.org/preserve": "enabled"}
"""Of the namespaces that it is for."""

_NAME: Final = CONTROLLER_RUNTIME
NAMESPACE: Final = "controller-runtime-webhook"
CONTAINER: Final = "webhook"
"""Where it runs."""
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


def install(cluster: Cluster) -> None:
    """Install it in two replicas behind a Service, and wait until they are ready.

    The binary is not put into an image of its own: a container of an image that is there anyway
    runs it from this machine's disk, which is the nodes' disk.

    Raises:
        subprocess.CalledProcessError: kubectl failed; a note has its words.
    """
    now = dt.datetime.now(dt.UTC)
    authority = Authority.create(_NAME, now=now, lifetime=_LIFETIME)
    leaf = authority.issue((f"{_NAME}.{NAMESPACE}.svc",), now=now, lifetime=_LIFETIME)
    cluster.kubectl("create", "namespace", NAMESPACE)
    _apply(cluster, _secret(leaf), _deployment(), _service())
    cluster.kubectl(
        *("rollout", "status", f"deployment/{_NAME}", f"--timeout={_READY}"),
        namespace=NAMESPACE,
        timeout_seconds=150,
    )
    _apply(cluster, _configuration(authority))


def _apply(cluster: Cluster, *things: Json) -> None:
    text = "\n---\n".join(map(json.dumps, things))
    cluster.kubectl("apply", "--server-side", "-f", "-", input=text, namespace=NAMESPACE)


def _secret(leaf: Leaf) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": _NAME},
        "type": "kubernetes.io/tls",
        "stringData": {
            CERTIFICATE: leaf.certificate_pem.decode(),
            KEY: leaf.key_pem.decode(),
        },
    }


def _deployment() -> Json:
    binary = CONTROLLER_RUNTIME_BINARY
    container = {
        "name": CONTAINER,
        "image": names.SLEEP,
        "imagePullPolicy": "IfNotPresent",
        "command": [
            *(f"/program/{binary.name}", "-host", "$(ADDRESS)"),
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
            "hostPath": {"path": str(binary.resolve().parent), "type": "Directory"},
        },
        {"name": "tls", "secret": {"secretName": _NAME}},
    ]
    labels = {"app": _NAME}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": _NAME},
        "spec": {
            "replicas": _REPLICAS,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container], "volumes": volumes},
            },
        },
    }


def _service() -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": _NAME},
        "spec": {"selector": {"app": _NAME}, "ports": [{"port": 443, "targetPort": _PORT}]},
    }


def _configuration(authority: Authority) -> Json:
    """Make the registration, which says the same as our chart's."""
    bundle = base64.b64encode(authority.certificate_pem).decode()
    service = {"namespace": NAMESPACE, "name": _NAME, "path": "/mutate"}
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
        "metadata": {"name": f"0-{_NAME}"},
        "webhooks": [
            {
                "name": WEBHOOK,
                "clientConfig": {"service": service, "caBundle": bundle},
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "timeoutSeconds": 2,
                "failurePolicy": "Ignore",
                "reinvocationPolicy": "Never",
                "namespaceSelector": {"matchLabels": LABELS},
                "rules": [rule],
            }
        ],
    }
