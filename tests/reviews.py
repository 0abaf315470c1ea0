"""AdmissionReviews for tests: recorded ones, and ones made around an object."""

import json
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parent / "fixtures" / "reviews"
"""Reviews as a real kube-apiserver 1.36.2 sent them."""

Json = dict[str, Any]


def recorded(name: str) -> bytes:
    """Read a recorded review; one of them was recorded without its envelope."""
    content = json.loads((RECORDED / name).read_bytes())
    return json.dumps(content if "request" in content else envelope(content)).encode()


def envelope(request: Json) -> Json:
    """Put a request into a review."""
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def review(
    kind: str,
    obj: Json | None,
    *,
    group: str = "",
    operation: str = "CREATE",
    old: Json | None = None,
    **more: Any,
) -> bytes:
    """Make the review of an object; ``more`` overrides members of the request."""
    request = {
        "uid": "11111111-2222-3333-4444-555555555555",
        "kind": {"group": group, "version": "v1", "kind": kind},
        "resource": {"group": group, "version": "v1", "resource": f"{kind.lower()}s"},
        "namespace": "shop",
        "operation": operation,
        "object": obj,
        "oldObject": old,
        "dryRun": False,
        **more,
    }
    return json.dumps(envelope(request)).encode()
