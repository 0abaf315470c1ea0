"""A cluster in memory that is all well, which tests take apart, and the client that reads it."""

import base64
import copy
import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from certs import bundle, rotation
from certs.policy import Policy
from webhook.admission.options import Options
from webhook.cluster import ClusterError, NotFound
from webhook.cluster.client import Answer, Client
from webhook.doctor.checks import Check, Verdict
from webhook.doctor.inspection import Inspection, Installation
from webhook.doctor.run import SUBJECTS
from webhook.doctor.ways import Dial

Json = dict[str, Any]

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
CONFIGURATIONS = f"{ADMISSION}/mutatingwebhookconfigurations"
POLICIES = f"{ADMISSION}/mutatingadmissionpolicies"
POLICY_BINDINGS = f"{ADMISSION}/mutatingadmissionpolicybindings"
RESTRICTIONS = f"{ADMISSION}/validatingadmissionpolicies"
RESTRICTION_BINDINGS = f"{ADMISSION}/validatingadmissionpolicybindings"
NAMESPACES = "/api/v1/namespaces"
NODES = "/api/v1/nodes"
SERVICES = "/api/v1/services"
DAEMON_SETS = "/apis/apps/v1/daemonsets"
DEPLOYMENTS = "/apis/apps/v1/deployments"
SIDECARS = "/apis/networking.istio.io/v1beta1/sidecars"
L2 = "/apis/metallb.io/v1beta1/l2advertisements"
OWN = "source-ip"
NAME = "x-source-ip-webhook"
OWN_DEPLOYMENT = f"/apis/apps/v1/namespaces/{OWN}/deployments/{NAME}"
OWN_SERVICE = f"/api/v1/namespaces/{OWN}/services/{NAME}"
SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{OWN}/endpointslices"
BUDGETS = f"/apis/policy/v1/namespaces/{OWN}/poddisruptionbudgets"
MESH = "/api/v1/namespaces/istio-system/configmaps/istio"
CILIUM = "/api/v1/namespaces/kube-system/configmaps/cilium-config"
ENI = "/api/v1/namespaces/kube-system/configmaps/eni-config"
LABEL = "source-ip-preservation"
NOW = dt.datetime(2031, 2, 3, 4, 5, 6, tzinfo=dt.UTC)
"""The played API server's clock."""
HOST = f"{NAME}.{OWN}.svc"
SERVED = rotation.create(Policy(hosts=(HOST,)), NOW)
"""What replicas serve, and the authority of it."""
LABELS = {
    "app.kubernetes.io/name": "source-ip-webhook",
    "app.kubernetes.io/instance": "x",
    "app.kubernetes.io/component": "webhook",
}


def named(name: str, namespace: str = "", **labels: str) -> Json:
    """Make an object with nothing but metadata; ``_`` in a label's key stands for ``-``."""
    spelled = {key.replace("_", "-"): value for key, value in labels.items()}
    return {"metadata": {"name": name, "namespace": namespace, "labels": spelled}}


def hook(half: str, resource: str) -> Json:
    """Make an entry of the configuration as the chart does."""
    return {
        "name": f"{resource}.source-ip-webhook.io",
        "clientConfig": {
            "service": {"namespace": OWN, "name": NAME, "path": "/mutate", "port": 443},
            "caBundle": base64.b64encode(bundle.write(SERVED.authorities)).decode(),
        },
        "rules": [
            {
                "operations": ["CREATE"] if resource == "pods" else ["CREATE", "UPDATE"],
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "resources": [resource],
                "scope": "Namespaced",
            }
        ],
        "namespaceSelector": {
            "matchExpressions": [
                {"key": LABEL, "operator": "In", "values": ["enabled", half]},
                {
                    "key": "kubernetes.io/metadata.name",
                    "operator": "NotIn",
                    "values": ["kube-system", "kube-node-lease", OWN],
                },
            ]
        },
        "objectSelector": {
            "matchExpressions": [{"key": LABEL, "operator": "NotIn", "values": ["disabled"]}]
        },
        "admissionReviewVersions": ["v1"],
        "failurePolicy": "Ignore",
        "timeoutSeconds": 2,
    }


def configuration(name: str = "0-source-ip-webhook") -> Json:
    """Make our configuration as the chart does."""
    services = hook("north-south", "services")
    services["matchConditions"] = [
        {"name": "load-balancer", "expression": "object.spec.type == 'LoadBalancer'"},
        {
            "name": "new-or-set-back-to-cluster",
            "expression": "oldObject == null || oldObject.spec.type != object.spec.type || "
            "has(oldObject.spec.externalTrafficPolicy) && "
            "oldObject.spec.externalTrafficPolicy == 'Local' && "
            "has(object.spec.externalTrafficPolicy) && "
            "object.spec.externalTrafficPolicy == 'Cluster'",
        },
    ]
    return {
        "metadata": {"name": name, "labels": LABELS},
        "webhooks": [hook("east-west", "pods"), services],
    }


def injector(name: str = "istio-sidecar-injector", **selected: str) -> Json:
    """Make a configuration of Istio's injector, which selects namespaces with one label.

    Args:
        name: Of the configuration.
        selected: The label, with ``_`` for ``-``, and its value; by default Istio's.
    """
    labels = selected or {"istio_injection": "enabled"}
    return named(name) | {
        "webhooks": [
            {
                "name": "namespace.sidecar-injector.istio.io",
                "clientConfig": {"service": {"namespace": "istio-system", "name": "istiod"}},
                "namespaceSelector": {
                    "matchExpressions": [
                        {"key": key.replace("_", "-"), "operator": "In", "values": [value]}
                        for key, value in labels.items()
                    ]
                },
                "rules": [{"operations": ["CREATE"], "apiGroups": [""], "resources": ["pods"]}],
            }
        ]
    }


def replica(number: int, *, node: str | None = None, ready: bool | None = True) -> Json:
    """Make an endpoint of our Service."""
    return {
        "addresses": [f"10.0.0.{number}"],
        "conditions": {} if ready is None else {"ready": ready},
        "nodeName": node or f"node-{number}",
        "targetRef": {"kind": "Pod", "name": f"{NAME}-{number}"},
    }


def service(name: str, namespace: str, **spec: Any) -> Json:
    """Make a Service of a load balancer."""
    return named(name, namespace) | {"spec": {"type": "LoadBalancer", **spec}}


def daemon_set(name: str, namespace: str = "kube-system", *, ready: int = 2, **labels: str) -> Json:
    """Make a DaemonSet that is wanted on two nodes."""
    status = {"desiredNumberScheduled": 2, "numberReady": ready}
    return named(name, namespace, **labels) | {"status": status}


def istiod(image: str = "docker.io/istio/pilot:1.26.0", **env: str) -> Json:
    """Make a Deployment of Istio's control plane."""
    variables = [{"name": name, "value": value} for name, value in env.items()]
    pod = {"containers": [{"name": "discovery", "image": image, "env": variables}]}
    return named("istiod", "istio-system", app="istiod") | {"spec": {"template": {"spec": pod}}}


def deployment(replicas: int = 2, *args: str) -> Json:
    """Make our Deployment."""
    pod = {"containers": [{"name": "webhook", "args": ["serve", *(args or ("--tls-managed",))]}]}
    template = {"metadata": {"labels": LABELS}, "spec": pod}
    return named(NAME, OWN) | {"spec": {"replicas": replicas, "template": template}}


def metrics(*lines: str, started: int = 1) -> bytes:
    """Make what an API server says at /metrics that was started then."""
    begun = f"process_start_time_seconds {started}"
    help_of = "# HELP apiserver_admission_webhook_x what it counts"
    return "\n".join([help_of, "go_goroutines 7", *lines, begun, ""]).encode()


def healthy() -> dict[str, Any]:
    """Make all objects of a cluster in which every check is OK."""
    policies = [f"{OWN}.{NAME}.{part}" for part in ("configuration", "secret")]
    return {
        "/version": {"gitVersion": "v1.36.2"},
        "/metrics": metrics(),
        CONFIGURATIONS: [configuration(), injector()],
        POLICIES: [],
        POLICY_BINDINGS: [],
        RESTRICTIONS: [named(each) for each in policies],
        RESTRICTION_BINDINGS: [
            named(each) | {"spec": {"policyName": each, "validationActions": ["Deny"]}}
            for each in policies
        ],
        NAMESPACES: [
            named("shop", source_ip_preservation="enabled", istio_injection="enabled"),
            named("plain"),
            named("kube-system"),
            named(OWN),
        ],
        NODES: [named("node-1"), named("node-2")],
        SERVICES: [],
        DAEMON_SETS: [daemon_set("kube-proxy")],
        DEPLOYMENTS: [istiod()],
        OWN_DEPLOYMENT: deployment(),
        OWN_SERVICE: named(NAME, OWN)
        | {"spec": {"selector": LABELS, "ports": [{"name": "https", "port": 443}]}},
        SLICES: [
            named(f"{NAME}-a", OWN)
            | {
                "endpoints": [replica(1), replica(2)],
                "ports": [{"name": "https", "port": 8443}, {"name": "ops", "port": 8080}],
            }
        ],
        BUDGETS: [named(NAME, OWN) | {"spec": {"selector": {"matchLabels": LABELS}}}],
        MESH: {"metadata": {"name": "istio"}, "data": {"mesh": "defaultConfig: {}\n"}},
        SIDECARS: [],
    }


class Played(Client):
    """Reads a cluster in memory.

    Args:
        cluster: By path: a list, an object, bytes, an error to raise, or two of them for the first
            read and all later ones; by method and path what a creation comes back as.

    Attributes:
        cluster: The same.
        asked: The paths of all reads, in order.
        sent: Paths, bodies and queries of all writes.
    """

    def __init__(self, cluster: dict[str, Any]) -> None:
        self.cluster = cluster
        self.asked: list[str] = []
        self.sent: list[tuple[str, Any, Mapping[str, str]]] = []

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        accept: str = "application/json",
        timeout: object = 10.0,
    ) -> Answer:
        """Read."""
        del accept, timeout, params
        self.asked.append(path)
        found = self.cluster.get(path)
        if isinstance(found, tuple):  # first this, and from then on that
            found, self.cluster[path] = found
        if found is None:
            raise NotFound(f"get {path}: HTTP 404, there is none")
        if isinstance(found, ClusterError):
            raise found
        if isinstance(found, list):
            found = {"metadata": {"resourceVersion": "7"}, "items": found}
        return Answer(found if isinstance(found, bytes) else json.dumps(found).encode(), NOW)

    def send(
        self,
        method: str,
        path: str,
        body: Any,
        *,
        content_type: str = "application/json",
        params: Mapping[str, str] | None = None,
        timeout: object = 10.0,
    ) -> Answer:
        """Create, as the webhook would have it in namespace ``shop``, unless the test says else."""
        del content_type, timeout
        self.sent.append((path, body, params or {}))
        made = self.cluster.get(f"{method} {path}")
        if isinstance(made, ClusterError):
            raise made
        return Answer(json.dumps(made or admitted(path, body)).encode(), NOW)


def admitted(path: str, body: Json) -> Json:
    """Do what API server, webhook and Istio's injector do to what is created."""
    made = copy.deepcopy(body)
    opted_in = "/namespaces/shop/" in path
    if path.endswith("/services"):
        made["spec"]["externalTrafficPolicy"] = "Local" if opted_in else "Cluster"
    elif opted_in:
        made["metadata"]["annotations"] = {
            "sidecar.istio.io/interceptionMode": "TPROXY",
            "sidecar.istio.io/status": "{}",
        }
        made["spec"]["containers"].append(proxy("TPROXY"))
    return made


def proxy(mode: str) -> Json:
    """Make the container of a sidecar."""
    return {"name": "istio-proxy", "env": [{"name": "ISTIO_META_INTERCEPTION_MODE", "value": mode}]}


def inspect(
    cluster: dict[str, Any],
    options: Options | None = None,
    *,
    ways: tuple[Dial, ...] = (),
    name: str = Installation().configuration,
) -> Inspection:
    """Begin a run."""
    client, place = Played(cluster), Installation(name)
    return Inspection(client, options or Options(), place, ways)


def ask(
    check: str, cluster: dict[str, Any], options: Options | None = None, **choices: Any
) -> list[Verdict]:
    """Make one check."""
    (subject,) = (each for each in SUBJECTS if each.name == check)
    return list(subject.ask(inspect(cluster, options, **choices)))


def only(checks: tuple[Check, ...], name: str) -> Check:
    """Return the only check of a name."""
    (found,) = (each for each in checks if each.name == name)
    return found
