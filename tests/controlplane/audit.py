"""The API server's audit log: what it was asked and which webhooks it called."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

POLICY: dict[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        # From level Request on, the patch of each webhook is an annotation of the event.
        {
            "level": "RequestResponse",
            "resources": [{"group": "", "resources": ["pods", "services"]}],
        },
        {"level": "Metadata"},
    ],
}
"""Whole bodies for Pods and Services, one line per request for everything else."""


def read_events(audit_log: Path) -> Iterator[dict[str, Any]]:
    """Yield the events written so far, oldest first.

    An event is written about when its request is answered, perhaps a moment later: wait for it.

    Args:
        audit_log: the file, which need not exist yet.
    """
    if not audit_log.exists():
        return
    with audit_log.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.endswith("\n"):
                return  # half an event: the server is writing it
            yield json.loads(line)
