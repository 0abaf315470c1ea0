"""The tokens with which a Pod's containers talk to the API server."""

import time
from collections.abc import Mapping
from typing import Any

from tests.controlplane.api import ApiClient

_RENEWED_AFTER = 0.8
"""Part of a token's life after which kubelet asks for another one (pkg/kubelet/token)."""


class Token:
    """A token of a Pod's ServiceAccount, from the TokenRequest API: real, and bound to the Pod."""

    def __init__(self, api: ApiClient, pod: Mapping[str, Any], source: Mapping[str, Any]) -> None:
        """Describe it; nothing is asked for yet.

        Args:
            api: access as a cluster admin.
            pod: the Pod.
            source: a serviceAccountToken source of a projected volume.
        """
        self._api = api
        metadata = pod["metadata"]
        account = pod["spec"].get("serviceAccountName", "default")
        self._path = f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts/{account}/token"
        self._seconds: int = source.get("expirationSeconds", 3600)
        bound = {"apiVersion": "v1", "kind": "Pod"} | {k: metadata[k] for k in ("name", "uid")}
        self._body: dict[str, Any] = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": self._seconds, "boundObjectRef": bound},
        }
        if audience := source.get("audience"):
            self._body["spec"]["audiences"] = [audience]
        self._value = b""
        self._asked = 0.0

    def value(self) -> bytes:
        """Return it, or a new one where most of its life is over.

        Raises:
            ApiError: there is no such ServiceAccount, or another error.
            urllib3.exceptions.HTTPError: no answer was received.
        """
        now = time.monotonic()
        if not self._value or now - self._asked > self._seconds * _RENEWED_AFTER:
            answer = self._api.json("POST", self._path, self._body)
            self._value, self._asked = answer["status"]["token"].encode(), now
        return self._value
