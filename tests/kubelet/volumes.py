"""The volumes of one Pod, as folders on the node."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.controlplane.api import ApiClient
from tests.kubelet import atomic
from tests.kubelet.errors import UnsupportedError, refuse_unknown
from tests.kubelet.plan import Bind
from tests.kubelet.sources import Files, Source, Sources

_GROUP_READS = 0o440
_ANYBODYS = 0o777
_NODES = 0o755


class Volumes:
    """The volumes of one Pod: made once, then kept as the cluster has them.

    Where the Pod has an fsGroup, files belong to that group, which may read them (pkg/volume of
    Kubernetes, SetVolumeOwnership).
    """

    def __init__(self, api: ApiClient, pod: Mapping[str, Any], folder: Path) -> None:
        """Read what the Pod asks for; nothing is made yet.

        Args:
            api: access as a cluster admin.
            pod: the Pod, with its addresses.
            folder: where to make them; nobody else writes to it.

        Raises:
            UnsupportedError: the Pod asks for a volume that nobody plays here.
        """
        self._folder = folder
        self._group: int | None = (pod["spec"].get("securityContext") or {}).get("fsGroup")
        self._sources: dict[str, Source | None] = {}  # None: an emptyDir
        self._written: dict[str, Files] = {}
        sources = Sources(api, pod)
        makers: dict[str, Callable[[Mapping[str, Any]], Source]] = {
            "secret": sources.secret,
            "configMap": sources.config_map,
            "projected": sources.projected,
        }
        for volume in pod["spec"].get("volumes") or ():
            name = volume["name"]
            ((kind, source),) = ((key, value) for key, value in volume.items() if key != "name")
            if kind == "emptyDir":
                refuse_unknown(source, {"medium", "sizeLimit"}, f"volume {name}")
                self._sources[name] = None
            elif kind in makers:
                self._sources[name] = makers[kind](source)
            else:
                raise UnsupportedError(f"volume {name}: nobody plays {kind} here")

    def refresh(self) -> None:
        """Make what is missing, and write what has changed in the cluster.

        Raises:
            VolumeNotReadyError: what a volume is of does not exist; other volumes may be written.
            ApiError: the API server refused to tell.
            urllib3.exceptions.HTTPError: it did not answer.
        """
        for name, source in self._sources.items():
            folder = self._folder / name
            if not folder.exists():
                folder.mkdir(parents=True)
                folder.chmod(_ANYBODYS if source is None else _NODES)
            if source is not None:
                files = self._owned(source())
                if files != self._written.get(name):
                    atomic.write(folder, files)
                    self._written[name] = files

    def binds(self, container: Mapping[str, Any]) -> list[Bind]:
        """Return where a container sees them.

        Args:
            container: its part of the Pod's spec.

        Raises:
            UnsupportedError: it asks for a way of mounting that nobody plays here.
        """
        mounts = container.get("volumeMounts") or ()
        known = {"name", "mountPath", "readOnly"}
        for mount in mounts:
            refuse_unknown(mount, known, f"volumeMounts of container {container['name']}")
        return [
            Bind(
                str(self._folder / mount["name"]),
                mount["mountPath"],
                # Only emptyDir can be written to, whatever the mount says.
                mount.get("readOnly", False) or self._sources[mount["name"]] is not None,
            )
            for mount in mounts
        ]

    def _owned(self, files: Files) -> Files:
        """Give files to the Pod's group."""
        if self._group is None:
            return files
        return {
            path: dataclasses.replace(file, group=self._group, mode=file.mode | _GROUP_READS)
            for path, file in files.items()
        }
