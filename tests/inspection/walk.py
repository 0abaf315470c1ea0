"""The way from the installation to "all clean", walked in a real mesh, for docs/operations.md.

``python -m tests.inspection.walk`` types each command and writes what it says into the page.
A test holds that the page has every step, and that the commands in it are those that there are.
"""

import dataclasses
import json
import re
import subprocess
import tempfile
from itertools import chain
from pathlib import Path
from typing import Final

import click

from tests.cluster import Cluster, mesh
from tests.cluster.user import User
from tests.images import names
from tests.inspection.admin import Admin, Json, workload
from tests.lab.scene import APPS

PAGE: Final = Path(__file__).parents[2] / "docs" / "operations.md"
_BLOCK: Final = re.compile(
    r"(?P<mark><!-- step (?P<name>[a-z-]+) -->\n)```console\n(?P<text>.*?)```\n", re.DOTALL
)
_SHOP: Final = "shop"
_ROLE: Final = "source-ip:source-ip-webhook:audit"
_RELEASE: Final = "source-ip-webhook charts/source-ip-webhook --namespace source-ip"
_KEPT: Final = "--reset-then-reuse-values"


PRINTED: Final = "PRINTED"
"""Stands for the commands of kubectl that the last one has printed."""


@dataclasses.dataclass(frozen=True)
class Step:
    """Some commands that are typed one after the other.

    Attributes:
        name: What the page calls it.
        commands: Lines for a shell.
    """

    name: str
    commands: tuple[str, ...]


STEPS: Final = (
    Step(
        "install",
        (f"helm upgrade --install {_RELEASE} --create-namespace --values values.yaml --wait",),
    ),
    Step("doctor", ("source-ip-webhook doctor",)),
    Step(
        "label",
        (
            f"kubectl label namespace {_SHOP} source-ip-preservation=enabled",
            "kubectl label namespace istio-system source-ip-preservation=north-south",
        ),
    ),
    Step("audit", ("source-ip-webhook audit; echo exit code $?",)),
    Step("live", (f"source-ip-webhook audit -n {_SHOP} --live",)),
    Step("try", (f"source-ip-webhook audit -n {_SHOP} --fix --dry-run=server",)),
    Step("fix", ("source-ip-webhook audit --fix --yes; echo exit code $?",)),
    Step(
        "by-hand",
        (PRINTED, "kubectl -n istio-system rollout status deployment/istio-ingressgateway"),
    ),
    Step("clean", ("source-ip-webhook audit --live; echo exit code $?",)),
    Step(
        "doctor-again", ("source-ip-webhook doctor | tail -n 1; echo exit code ${PIPESTATUS[0]}",)
    ),
    Step(
        "cron",
        (
            f"helm upgrade {_RELEASE} {_KEPT} --set audit.enabled=true --wait >/dev/null",
            "kubectl -n source-ip create job now --from=cronjob/source-ip-webhook-audit",
            "kubectl -n source-ip wait job/now --for=condition=complete --timeout=60s",
            "kubectl -n source-ip logs job/now",
        ),
    ),
    Step(
        "rights",
        (
            "source-ip-webhook audit --as ann; echo exit code $?",
            f"kubectl create clusterrolebinding ann-audits --user=ann --clusterrole={_ROLE}",
            "source-ip-webhook audit --as ann; echo exit code $?",
        ),
    ),
    Step("plugin", (f"kubectl source-ip audit -n {_SHOP}",)),
    Step("policy", ("source-ip-webhook policy | kubectl apply --dry-run=server -f -",)),
)
"""In the order in which they are taken."""


def blocks(page: str) -> dict[str, str]:
    """Return the blocks of a page, by the names of their steps."""
    return {match["name"]: match["text"] for match in _BLOCK.finditer(page)}


def commands(block: str) -> tuple[str, ...]:
    """Return the commands of a block."""
    return tuple(line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ "))


def written(page: str, texts: dict[str, str]) -> str:
    """Write other texts into the blocks of a page."""
    return _BLOCK.sub(lambda match: f"{match['mark']}```console\n{texts[match['name']]}```\n", page)


def walk(user: User) -> dict[str, str]:
    """Take every step, and return what a terminal shows."""
    shown: dict[str, str] = {}
    said = ""
    for step in STEPS:
        text = ""
        printed = tuple(line.strip() for line in said.splitlines() if line.startswith("  kubectl "))
        for line in chain(*(printed if each == PRINTED else (each,) for each in step.commands)):
            said = _typed(user, line)
            text += f"$ {line}\n{said}"
        shown[step.name] = text
        click.echo(f"--- {step.name}\n{text}")
    return shown


def _typed(user: User, line: str) -> str:
    """Type a line; return both of its streams, without the blanks at the ends of lines."""
    done = subprocess.run(  # noqa: S603
        ["bash", "-c", line],  # noqa: S607
        env=user.environment,
        cwd=user.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return "".join(f"{each.rstrip()}\n" for each in done.stdout.splitlines())


def _prepare(cluster: Cluster, user: User) -> None:
    """Have a mesh with applications in it, and all that the commands name."""
    mesh.install_mesh(cluster)
    admin = Admin(cluster, user)
    admin.namespace(_SHOP)
    for app in ("sleep", "httpbin"):
        cluster.kubectl("apply", "-f", str(APPS / f"{app}.yaml"), namespace=_SHOP)
    for app in ("sleep", "httpbin"):
        admin.rolled_out(f"deployment/{app}", _SHOP)
    admin.pass_a_second()
    repository, _, tag = names.WEBHOOK.rpartition(":")
    values = {"image": {"repository": repository, "tag": tag}}
    (user.folder / "values.yaml").write_text(json.dumps(values))
    (user.folder / "charts").symlink_to(mesh.CHART.parent)
    # A client outside of the mesh that stays connected, so that there is something to be seen.
    admin.namespace("clients", injected=False)
    client: Json = {"name": "curl", "image": names.SLEEP, "imagePullPolicy": "IfNotPresent"}
    client["command"] = ["sh", "-c", _CLIENT]
    admin.create(workload("client", runs=True, containers=[client]), namespace="clients")
    admin.rolled_out("deployment/client", "clients")


_CLIENT: Final = (
    f"while true; do curl --silent --no-buffer 'http://httpbin.{_SHOP}:8000/drip"
    "?duration=600&numbytes=600' >/dev/null; sleep 1; done"
)


@click.command()
def main() -> None:
    """Walk from the installation to "all clean", and write it into docs/operations.md."""
    with tempfile.TemporaryDirectory(prefix="walk-") as name:
        folder = Path(name)
        described = Cluster(folder / "cluster", images=mesh.IMAGES)
        user = User(folder, described.kubeconfig)
        with described as cluster:
            _prepare(cluster, user)
            texts = walk(user)
    PAGE.write_text(written(PAGE.read_text(), texts))


if __name__ == "__main__":
    main()
