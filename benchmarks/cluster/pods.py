"""The Pod that is created."""

import json
from typing import Any, Final

from benchmarks.reviews import REVIEWS

Json = dict[str, Any]

NOBODY: Final = "nobody"
"""Name of a scheduler that does not exist: the Pods are real, and no kubelet is given any."""
_OF_THE_SERVER: Final = ("managedFields", "namespace", "ownerReferences", "generateName")
"""What the API server or the creation itself says. An owner that does not exist would have the
garbage collector delete the Pod at once."""


def _made() -> Json:
    """Take the typical Pod of the other parts of the benchmark, as its creator sent it."""
    found: Json = json.loads(REVIEWS["pod-9k"].body)["request"]["object"]
    metadata = {k: v for k, v in found["metadata"].items() if k not in _OF_THE_SERVER}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {**found["spec"], "schedulerName": NOBODY},
    }


POD: Final = _made()
"""A typical Pod, in a review of 9 KB, without a name."""
