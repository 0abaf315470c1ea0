"""What is in a Pod's volumes: files by name, read anew whenever they are asked for."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from tests.controlplane.api import ApiClient
from tests.kubelet.atomic import File
from tests.kubelet.environment import field
from tests.kubelet.errors import VolumeNotReadyError, refuse_unknown
from tests.kubelet.identity import common_user
from tests.kubelet.tokens import Token

Files = dict[str, File]
Source = Callable[[], Files]

_DEFAULT_MODE = 0o644
_TOKEN_MODE = 0o600


class Sources:
    """Makes, for one Pod, a function for each volume that returns the files to be in it."""

    def __init__(self, api: ApiClient, pod: Mapping[str, Any]) -> None:
        """Remember whom to ask.

        Args:
            api: access as a cluster admin.
            pod: the Pod, with its addresses.
        """
        self._api = api
        self._pod = pod

    def secret(self, source: Mapping[str, Any]) -> Source:
        """Return the source of a Secret volume."""
        known = {"secretName", "items", "optional", "defaultMode"}
        refuse_unknown(source, known, "secret volume")
        # Only the name of the field that holds the name differs from a projected one.
        mode = source.get("defaultMode", _DEFAULT_MODE)
        return self._stored("Secret", {**source, "name": source["secretName"]}, mode)

    def config_map(self, source: Mapping[str, Any]) -> Source:
        """Return the source of a ConfigMap volume."""
        refuse_unknown(source, {"name", "items", "optional", "defaultMode"}, "configMap volume")
        return self._stored("ConfigMap", source, source.get("defaultMode", _DEFAULT_MODE))

    def projected(self, source: Mapping[str, Any]) -> Source:
        """Return the source of a projected volume, which joins several.

        Raises:
            UnsupportedError: one of them is of a kind that nobody plays here.
        """
        refuse_unknown(source, {"sources", "defaultMode"}, "projected volume")
        mode = source.get("defaultMode", _DEFAULT_MODE)
        parts = [self._part(part, mode) for part in source["sources"]]

        def join() -> Files:
            joined: Files = {}
            for part in parts:
                joined.update(part())
            return joined

        return join

    def _part(self, part: Mapping[str, Any], mode: int) -> Source:
        makers: dict[str, Callable[[Mapping[str, Any], int], Source]] = {
            "serviceAccountToken": self._token,
            "configMap": lambda source, mode: self._stored("ConfigMap", source, mode),
            "secret": lambda source, mode: self._stored("Secret", source, mode),
            "downwardAPI": self._downward,
        }
        refuse_unknown(part, makers, "projected volume")
        ((kind, source),) = part.items()
        return makers[kind](source, mode)

    def _token(self, source: Mapping[str, Any], mode: int) -> Source:
        token = Token(self._api, self._pod, source)
        user = common_user(self._pod)
        shared = self._pod["spec"].get("securityContext") or {}
        if user is not None or "fsGroup" in shared:  # pkg/volume/projected: nobody else may read it
            mode = _TOKEN_MODE
        return lambda: {source["path"]: File(token.value(), mode, user or 0)}

    def _downward(self, source: Mapping[str, Any], mode: int) -> Source:
        for item in source["items"]:
            refuse_unknown(item, {"path", "fieldRef", "mode"}, "downwardAPI volume")
        return lambda: {
            item["path"]: File(
                field(self._pod, item["fieldRef"]["fieldPath"]).encode(), item.get("mode", mode)
            )
            for item in source["items"]
        }

    def _stored(self, kind: str, source: Mapping[str, Any], mode: int) -> Source:
        """Return the source that reads a Secret or a ConfigMap."""
        namespace = self._pod["metadata"]["namespace"]

        def read() -> Files:
            stored = self._api.find(kind, source["name"], namespace)
            if stored is None and not source.get("optional"):
                raise VolumeNotReadyError(f"{kind} {source['name']} not found")
            contents = _contents(stored or {})
            items = source.get("items") or [{"key": key, "path": key} for key in contents]
            missing = [item["key"] for item in items if item["key"] not in contents]
            if missing and not source.get("optional"):
                raise VolumeNotReadyError(f"{kind} {source['name']} has no {', '.join(missing)}")
            return {
                item["path"]: File(contents[item["key"]], item.get("mode", mode))
                for item in items
                if item["key"] in contents
            }

        return read


def _contents(stored: Mapping[str, Any]) -> dict[str, bytes]:
    """Return what a Secret or a ConfigMap holds, by key."""
    if stored.get("kind") == "Secret":
        return {key: base64.b64decode(value) for key, value in stored.get("data", {}).items()}
    binary = {key: base64.b64decode(value) for key, value in stored.get("binaryData", {}).items()}
    return {key: text.encode() for key, text in stored.get("data", {}).items()} | binary
