"""An API server of objects in memory, asked through what an audit needs of a client."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from webhook.cluster import ClusterError, NotFound
from webhook.cluster.client import Answer, Client
from webhook.cluster.transport import Timeout

Object = dict[str, Any]
NAMESPACES = "/api/v1/namespaces"
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
COLLECTIONS = {
    "Namespace": ("/api/v1", "namespaces"),
    "Node": ("/api/v1", "nodes"),
    "Pod": ("/api/v1", "pods"),
    "Service": ("/api/v1", "services"),
    "ReplicationController": ("/api/v1", "replicationcontrollers"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "StatefulSet": ("/apis/apps/v1", "statefulsets"),
    "DaemonSet": ("/apis/apps/v1", "daemonsets"),
    "ReplicaSet": ("/apis/apps/v1", "replicasets"),
    "Job": ("/apis/batch/v1", "jobs"),
    "CronJob": ("/apis/batch/v1", "cronjobs"),
    "EndpointSlice": ("/apis/discovery.k8s.io/v1", "endpointslices"),
    "MutatingWebhookConfiguration": (
        "/apis/admissionregistration.k8s.io/v1",
        "mutatingwebhookconfigurations",
    ),
    "Sidecar": ("/apis/networking.istio.io/v1beta1", "sidecars"),
    "VirtualService": ("/apis/networking.istio.io/v1beta1", "virtualservices"),
    "Gateway": ("/apis/networking.istio.io/v1beta1", "gateways"),
    "HTTPRoute": ("/apis/gateway.networking.k8s.io/v1", "httproutes"),
    "GRPCRoute": ("/apis/gateway.networking.k8s.io/v1", "grpcroutes"),
}
"""Where the objects of a kind are: what their paths begin with, and their resource."""
CORE = ("/api/v1", "/apis/apps/v1", "/apis/batch/v1", "/apis/discovery.k8s.io/v1")
"""What is served whether there are objects of it or not."""


class Played(Client):
    """Answers reads of the objects that it holds, a page at a time.

    Args:
        objects: All that the cluster has.
        page: Objects in one page.

    Attributes:
        asked: The paths that were asked for, in order.
        failing: By path, what is raised instead of an answer; and after how many pages.
    """

    def __init__(self, *objects: Object, page: int = 500) -> None:
        """Hold some objects."""
        self.objects = objects
        self.page = page
        self.asked: list[str] = []
        self.failing: dict[str, tuple[ClusterError, int]] = {}

    def fail(self, path: str, error: ClusterError, *, after: int = 0) -> None:
        """Raise an error where a path is asked for, after so many good answers."""
        self.failing[path] = error, after

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        accept: str = "application/json",
        timeout: Timeout = 10.0,
    ) -> Answer:
        """Answer as an API server does."""
        del accept, timeout
        params = params or {}
        self.asked.append(path)
        error, left = self.failing.get(path, (None, 0))
        if error is not None:
            if not left:
                raise error
            self.failing[path] = error, left - 1
        found = self._found(path, params.get("labelSelector", ""))
        if isinstance(found, dict):
            return Answer(json.dumps(found).encode(), None)
        start = int(params.get("continue", "0"))
        end = start + self.page
        metadata = {"resourceVersion": "1", **({"continue": str(end)} if end < len(found) else {})}
        body = {"metadata": metadata, "items": found[start:end]}
        return Answer(json.dumps(body).encode(), None)

    def _found(self, path: str, selector: str) -> Object | list[Object]:
        """Find what a path stands for: an object, or all of a collection."""
        prefix, namespace, resource, name = _parts(path)
        of_resource = [
            each for each in self.objects if COLLECTIONS[each["kind"]] == (prefix, resource)
        ]
        if not of_resource and prefix not in CORE:
            raise NotFound(f"get {path}: HTTP 404, the server could not find it")
        wanted = dict(part.split("=") for part in selector.split(",") if part)
        found = [
            each
            for each in of_resource
            if namespace in {None, each["metadata"].get("namespace")}
            and wanted.items() <= each["metadata"].get("labels", {}).items()
        ]
        if name is None:
            return found
        for each in found:
            if each["metadata"]["name"] == name:
                return each
        raise NotFound(f"get {path}: HTTP 404, {name} not found")


def _parts(path: str) -> tuple[str, str | None, str, str | None]:
    """Take a path apart: prefix, namespace, resource and name."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    length = 2 if parts[0] == "api" else 3
    prefix, rest = "/" + "/".join(parts[:length]), parts[length:]
    namespace = None
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    return prefix, namespace, rest[0], rest[1] if len(rest) > 1 else None
