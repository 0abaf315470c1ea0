"""What is compared, and how a Pod shows which of it was in force."""

from typing import Any

import pytest

from benchmarks.cluster.pods import POD
from benchmarks.cluster.variants import ALL, BOTH, INJECTOR, NONE, OUR_OWN, Variant
from webhook.admission.options import DEFAULT_LABEL_KEY


def pod(*, patched: bool, injected: bool) -> dict[str, Any]:
    """Make a Pod as it is after its creation."""
    annotations = {}
    if patched:
        annotations["sidecar.istio.io/interceptionMode"] = "TPROXY"
    if injected:
        annotations["sidecar.istio.io/status"] = "{}"
    return {"metadata": {"annotations": annotations} if annotations else {}}


@pytest.mark.parametrize(
    ("variant", "patched", "injected"),
    [
        (NONE, False, False),
        (OUR_OWN, True, False),
        (INJECTOR, False, True),
        (BOTH, True, True),
    ],
)
def test_pod_shows_its_variant(variant: Variant, *, patched: bool, injected: bool) -> None:
    """A Pod is as its namespace should have it only if both settings are."""
    for annotated in (True, False):
        for with_sidecar in (True, False):
            shown = variant.shown_by(pod(patched=annotated, injected=with_sidecar))
            assert shown == ((annotated, with_sidecar) == (patched, injected))


def test_namespaces_differ() -> None:
    """No two namespaces have the same labels, so each Pod has the webhooks of its own variant."""
    labels = [tuple(sorted(variant.labels.items())) for variant in ALL]

    assert len(set(labels)) == len(ALL)
    assert not NONE.labels


def test_pod_asks_for_nothing_that_is_not_there() -> None:
    """The Pod has no owner, for which it would be deleted, no scheduler, and no opt-out."""
    metadata = POD["metadata"]

    assert "ownerReferences" not in metadata
    assert "managedFields" not in metadata
    assert DEFAULT_LABEL_KEY not in metadata["labels"]
    assert POD["spec"]["schedulerName"] == "nobody"
    assert "nodeName" not in POD["spec"]
