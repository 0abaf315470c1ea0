"""Which webhooks the API server called while a Pod was made."""

import json
import re
from dataclasses import dataclass

from tests.controlplane import ControlPlane, JsonObject

_CALL = re.compile(r"mutation\.webhook\.admission\.k8s\.io/round_(\d+)_index_(\d+)")
_AUDITED_SECONDS = 60.0


@dataclass(frozen=True, order=True)
class Call:
    """One call of one mutating webhook.

    Attributes:
        round: 0, or 1 when it was called again because the Pod had been changed since.
        index: its place among all entries of all configurations, in the order of calling.
        configuration: name of its MutatingWebhookConfiguration.
        webhook: name of its entry there.
        mutated: whether it changed the Pod.
    """

    round: int
    index: int
    configuration: str
    webhook: str
    mutated: bool


def calls(plane: ControlPlane, pod: JsonObject) -> list[Call]:
    """Return the calls that a Pod's creation led to, in their order, from the audit log.

    Args:
        plane: the control plane that made the Pod.
        pod: the Pod, as the API server answered; a dry run will do.

    Raises:
        TimeoutError: the log has nothing on that Pod.
    """
    uid = pod["metadata"]["uid"]

    def creation() -> JsonObject | None:
        for event in plane.audit_events(uid):
            made = event.get("responseObject", {}).get("metadata", {})
            if event["verb"] == "create" and made.get("uid") == uid:
                return event
        return None

    annotations = plane.wait_for(creation, _AUDITED_SECONDS, "the audit of a Pod")["annotations"]
    found = []
    for key, value in annotations.items():
        if place := _CALL.fullmatch(key):
            told = json.loads(value)
            call = (told["configuration"], told["webhook"], told["mutated"])
            found.append(Call(int(place[1]), int(place[2]), *call))
    return sorted(found)
