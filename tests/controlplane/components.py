"""Where the binary of each control plane component comes from."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ComponentName = Literal[
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
]

BUILT_BINARY = Path(__file__).resolve().parents[2] / ".build" / "controlplane"
"""What this folder's Go module is built into: every component in one binary."""

ASSETS_VARIABLE = "KUBEBUILDER_ASSETS"
"""Environment variable naming a folder of upstream binaries, the convention of envtest."""

EMULATED = "EMULATED_VERSION"
"""Environment variable naming the older Kubernetes, such as 1.34, that tests want a control plane
to behave like."""

_REQUIRED_ASSETS: frozenset[ComponentName] = frozenset({"etcd", "kube-apiserver"})


class ComponentMissingError(Exception):
    """A component's binary is nowhere; the message says what to do about it."""


@dataclass(frozen=True)
class Component:
    """How to start one component.

    Attributes:
        name: the component's upstream name.
        command: the first words of its command line.
        upstream: whether it is an upstream binary, not a subcommand of ours; etcd's flags differ.
    """

    name: ComponentName
    command: tuple[str, ...]
    upstream: bool


def find(name: ComponentName, *, built_binary: Path = BUILT_BINARY) -> Component:
    """Return where `name` is to be started from.

    A folder in KUBEBUILDER_ASSETS comes first and must have etcd and kube-apiserver; what else it
    lacks comes from the binary built here.

    Args:
        name: the component.
        built_binary: the binary built here.

    Raises:
        ComponentMissingError: the component is in neither place.
    """
    assets = os.environ.get(ASSETS_VARIABLE)
    if assets:
        candidate = Path(assets, name)
        if os.access(candidate, os.X_OK):
            return Component(name, (str(candidate),), upstream=True)
        if name in _REQUIRED_ASSETS:
            raise ComponentMissingError(
                f"{ASSETS_VARIABLE} is set to {assets}, which has no executable {name}: "
                f"put it there, or unset {ASSETS_VARIABLE}"
            )
    if os.access(built_binary, os.X_OK):
        return Component(name, (str(built_binary), name), upstream=False)
    raise missing(
        name, built_binary, otherwise=f"set {ASSETS_VARIABLE} to a folder that has {name}"
    )


def missing(program: str, built_binary: Path, *, otherwise: str = "") -> ComponentMissingError:
    """Make the error for a binary that one of our Go modules builds and that is not there.

    Args:
        program: what is missing, by its upstream name.
        built_binary: where it is built; the make target is called the same.
        otherwise: what else would help, such as "put it on PATH"; empty if nothing does.
    """
    build = f"run `make .build/{built_binary.name}` (minutes, the first time)"
    if shutil.which("go") is None:
        build = f"install Go (https://go.dev/dl) and {build}"
    advice = f"Either {build}, or {otherwise}" if otherwise else f"Please {build}"
    return ComponentMissingError(f"{program} is missing: there is no {built_binary}. {advice}")
