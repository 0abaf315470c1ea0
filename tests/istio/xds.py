"""What istiod tells the Envoy of a Pod, asked in its place."""

import json
import os
from functools import cached_property

from tests.controlplane import JsonObject
from tests.controlplane.process import run_to_end
from tests.istio import binary, pods

_SECONDS = 60.0


class Proxy:
    """The proxy of a Pod that was injected and never ran."""

    def __init__(self, xds_address: str | None, pod: JsonObject, *, mode: str = "") -> None:
        """Describe it.

        Args:
            xds_address: where istiod answers; None where it does not run.
            pod: the Pod, as the injector made it.
            mode: its mode of interception, if another one than the Pod's own.
        """
        if xds_address is None:
            raise RuntimeError("istiod does not run")
        metadata = pod["metadata"]
        name, namespace = metadata["name"], metadata["namespace"]
        self._address = xds_address
        self._node = {
            "id": f"sidecar~192.0.2.1~{name}.{namespace}~{namespace}.svc.cluster.local",
            "metadata": {
                "CLUSTER_ID": "Kubernetes",
                "INTERCEPTION_MODE": mode or pods.interception_mode_env(pod),
                "LABELS": metadata.get("labels", {}),
                "NAMESPACE": namespace,
            },
        }

    @cached_property
    def _resources(self) -> list[JsonObject]:
        done = run_to_end(
            [*binary.command("xds"), self._address, json.dumps(self._node)],
            {"PATH": os.environ.get("PATH", os.defpath)},
            _SECONDS,
        )
        # Before it stands what Istio logs while its packages are initialised.
        answer = done.stdout.splitlines()[-1]
        resources: list[JsonObject] = json.loads(answer)
        return resources

    @property
    def ports(self) -> set[int]:
        """The ports that it knows an upstream for."""
        names = (each["name"].split("|") for each in self._resources)
        return {int(parts[1]) for parts in names if parts[0] == "inbound"}

    def upstream(self, port: int) -> str | None:
        """Return the address that it calls for what arrives at a port.

        None where it calls the address that the client has called.
        """
        cluster = self._named(f"inbound|{port}||")
        if cluster["type"] == "ORIGINAL_DST":
            return None
        ((endpoint,),) = (group["lbEndpoints"] for group in cluster["loadAssignment"]["endpoints"])
        address: str = endpoint["endpoint"]["address"]["socketAddress"]["address"]
        return address

    @property
    def restores_addresses(self) -> bool:
        """Whether it calls the application from the client's address."""
        filters = self._named("virtualInbound")["listenerFilters"]
        return "envoy.filters.listener.original_src" in {each["name"] for each in filters}

    def _named(self, name: str) -> JsonObject:
        (found,) = (each for each in self._resources if each["name"] == name)
        return found
