"""What a container is to be, as kubelet tells it to the process that becomes the container."""

import dataclasses
import json
from pathlib import Path
from typing import Any, Self


@dataclasses.dataclass(frozen=True)
class Bind:
    """A file or folder that the container sees.

    Attributes:
        source: where it is on the node.
        target: where the container sees it.
        read_only: whether the container may not write.
    """

    source: str
    target: str
    read_only: bool = True


@dataclasses.dataclass(frozen=True)
class Plan:
    """One run of one container.

    Attributes:
        root: an empty folder, which becomes the container's root.
        network: file descriptor of the network namespace of its Pod.
        hostname: name of its Pod.
        binds: what it sees, in the order of mounting.
        read_only_root: whether nothing but a volume can be written to.
        user: user id.
        group: group id.
        groups: further group ids.
        no_new_privileges: whether no program it starts may have more rights than it has.
        drop_capabilities: whether even root has no rights but those of a file's owner.
        working_dir: where it starts.
        arguments: program and arguments; the program is looked for in the container's PATH.
        environment: all of its environment variables.
    """

    root: str
    network: int
    hostname: str
    binds: tuple[Bind, ...]
    read_only_root: bool
    user: int
    group: int
    groups: tuple[int, ...]
    no_new_privileges: bool
    drop_capabilities: bool
    working_dir: str
    arguments: tuple[str, ...]
    environment: dict[str, str]

    def write(self, path: Path) -> None:
        """Write it into a file that only its owner can read."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(dataclasses.asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote."""
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        binds = tuple(Bind(**bind) for bind in fields.pop("binds"))
        return cls(binds=binds, **fields)
