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


def read_events(audit_log: Path, naming: str = "") -> Iterator[dict[str, Any]]:
    """Yield the events written so far, oldest first.

    An event is written about when its request is answered, perhaps a moment later: wait for it.

    Args:
        audit_log: the file, which need not exist yet.
        naming: text of ASCII that stands in each wanted event, such as the name of a namespace.
            Others are not parsed: the log grows to tens of megabytes.
    """
    if not audit_log.exists():
        return
    wanted = naming.encode()
    with audit_log.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                return  # half an event: the server is writing it
            if wanted in line:
                yield json.loads(line)
