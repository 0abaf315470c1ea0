"""What admins ask after the install: who does not see its clients yet, and what mends that."""

from collections.abc import Iterator
from typing import Any, ClassVar

from tests.cluster.user import Answer
from tests.lab import scene
from tests.lab.addresses import SIDECAR
from tests.lab.case import Check, Seen
from tests.lab.lab import MANIFESTS, Lab
from tests.waiting import wait_for

_NAMESPACE = "old"
_CLIENT = f"Pod {scene.LEGACY}/client"
_LIVE = f"source-ip-webhook audit -n {_NAMESPACE} --live"
_FIX = f"source-ip-webhook audit -n {_NAMESPACE} --fix --yes"
_OWNERS = {"Deployment/web": 2, "StatefulSet/cart": 1, "DaemonSet/agent": 2}
"""What is in the namespace, and how many Pods each has."""
_SECONDS = 60.0
_NOBODY = "nobody"
_CLEAN = "Every application sees its clients."

Json = dict[str, Any]


class Audit:
    """Workloads that are older than their namespace's label, and a client that stays connected."""

    name: ClassVar = "audit"
    title: ClassVar = "A namespace full of old Pods"
    change: ClassVar = _FIX
    needs: ClassVar[tuple[str, ...]] = ()
    checks: ClassVar[tuple[Check, ...]] = (
        *(
            Check(
                owner,
                f"whom the Pods of {owner} are connected to",
                f"{_LIVE}: {owner}",
                SIDECAR,
                _CLIENT,
            )
            for owner in _OWNERS
        ),
        Check("exit code", "its exit code", f"{_LIVE}; echo $?", "1", "0"),
        Check(
            "conclusion",
            "its last words",
            f"source-ip-webhook audit -n {_NAMESPACE}",
            "3 findings at 3 owners",
            _CLEAN,
        ),
    )

    def deploy(self, lab: Lab) -> None:
        """Apply workloads of three kinds, then the label, and a client outside of the mesh."""
        lab.make_namespace(_NAMESPACE)
        lab.apply(MANIFESTS / "old.yaml", _NAMESPACE)
        lab.apply(MANIFESTS / "client.yaml", scene.LEGACY)
        lab.wait_until_running(_NAMESPACE, *map(str.lower, _OWNERS))
        lab.wait_until_running(scene.LEGACY, "deployment/client")
        lab.opt_in(_NAMESPACE)
        wait_for_connections(lab)

    def look(self, lab: Lab) -> Iterator[Seen]:
        """Look into all Pods once."""
        answer = audit(lab, "--live", "--output=json")
        for owner, live in _by_owner(answer.report).items():
            yield owner, ", ".join(live["peers"]) or _NOBODY
        yield "exit code", str(answer.code)
        lines = audit(lab).stdout.splitlines()
        yield "conclusion", _CLEAN if _CLEAN in lines else lines[-1].partition(",")[0]

    def make_change(self, lab: Lab) -> None:
        """Have audit restart what has to be, and the client connect to the new Pods."""
        answer = audit(lab, "--fix", "--yes")
        if answer.code:
            raise RuntimeError(f"{_FIX} ended with {answer.code}:\n{answer.text}")
        wait_for_connections(lab)


def wait_for_connections(lab: Lab) -> None:
    """Wait until the client is connected to each Pod."""

    def connected() -> bool:
        found = _by_owner(audit(lab, "--live", "--output=json").report)
        return {owner: each["sidecar"] + each["others"] for owner, each in found.items()} == _OWNERS

    wait_for(connected, _SECONDS, "the client to be connected", interval_seconds=0.5)


def audit(lab: Lab, *flags: str) -> Answer:
    """Run ``source-ip-webhook audit`` for the namespace."""
    return lab.source_ip_webhook("audit", "--namespace", _NAMESPACE, *flags)


def _by_owner(answer: Json) -> dict[str, Json]:
    """Return what was seen in the Pods of each owner."""
    return {f"{each['owner']['kind']}/{each['owner']['name']}": each for each in answer["live"]}
