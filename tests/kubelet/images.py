"""What stands for a container image: programs of this repository."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kubelet.plan import Bind

REPOSITORY = Path(__file__).resolve().parents[2]

_REFERENCE = re.compile(r"\$(?:\$|\(([^()]*)\))")
_SYSTEM = Path("/usr")


@dataclass(frozen=True)
class Image:
    """What a Dockerfile fixes, for a program that Python runs.

    Attributes:
        entrypoint: program and arguments (ENTRYPOINT).
        command: further arguments (CMD).
        environment: environment variables (ENV).
        user: user id (USER).
        group: group id (USER).
        working_dir: where programs start (WORKDIR).
        paths: folders of the node that are the image's files, at the same place and read-only.
    """

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: int = 0
    group: int = 0
    working_dir: str = "/"
    paths: tuple[Path, ...] = (REPOSITORY, Path(sys.prefix), Path(sys.base_prefix))

    def binds(self) -> list[Bind]:
        """List its files, none twice."""
        chosen: list[Path] = []
        for path in sorted(self.paths):
            # The system's own folders are in every container.
            if not any(path.is_relative_to(outer) for outer in (_SYSTEM, *chosen)):
                chosen.append(path)
        return [Bind(str(path), str(path)) for path in chosen]

    def arguments(
        self, container: Mapping[str, Any], environment: Mapping[str, str]
    ) -> tuple[str, ...]:
        """Return the program and arguments of a container.

        `command` replaces ENTRYPOINT and CMD, `args` alone replaces CMD; see "Define a Command and
        Arguments for a Container" of the Kubernetes documentation.

        Args:
            container: its part of the Pod's spec.
            environment: what $(NAME) in it stands for.
        """
        command = tuple(container.get("command") or ())
        args = tuple(container.get("args") or ())
        words = command + args if command else self.entrypoint + (args or self.command)
        return tuple(expand(word, environment) for word in words)


def name_of(reference: str) -> str:
    """Return the last part of an image's name: `app` for registry.example:5000/team/app:1@sha256:0.

    Args:
        reference: as it stands in a Pod's spec.
    """
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[0]


def expand(text: str, environment: Mapping[str, str]) -> str:
    """Replace each $(NAME) by its value, and $$ by $; an unknown name stays as it is.

    The rule is that of third_party/forked/golang/expansion of Kubernetes.

    Args:
        text: an argument or a value.
        environment: the values.
    """

    def replace(reference: re.Match[str]) -> str:
        if reference[0] == "$$":
            return "$"
        return environment.get(reference[1], reference[0])

    return _REFERENCE.sub(replace, text)
