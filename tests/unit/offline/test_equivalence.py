"""Preview and server agree, for they are asked about the very same situations."""

import json

import pytest

from tests.reviews import Json
from tests.situations import LAST_APPLIED, SITUATIONS, Situation
from webhook.manifests.objects import find_objects
from webhook.offline.preview import build_preview


def comes_of_a_manifest(situation: Situation) -> bool:
    """Whether somebody could create the object with a manifest and client-side apply."""
    metadata = situation.object["metadata"]
    evidence = metadata.get("managedFields") or LAST_APPLIED in metadata.get("annotations", {})
    return (
        situation.operation == "CREATE"
        and situation.reason != "unsupported-kind"
        and situation.namespace is not None
        and not {"subResource"} & set(situation.more)
        and (situation.kind == "Pod" or not evidence)
    )


def manifest(situation: Situation) -> Json:
    """Take back what the API server fills in: a policy that nobody wrote."""
    metadata = {**situation.object["metadata"], "namespace": place(situation)}
    spec = dict(situation.object["spec"])
    if spec.get("externalTrafficPolicy") == "Cluster":
        del spec["externalTrafficPolicy"]
    return {"apiVersion": "v1", "kind": situation.kind, "metadata": metadata, "spec": spec}


def place(situation: Situation) -> str:
    """Name the namespace of a situation."""
    return str(situation.more.get("namespace", "shop"))


def namespace(situation: Situation) -> Json:
    """Make the manifest of a situation's namespace."""
    metadata = {"name": place(situation), "labels": situation.namespace}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


COMPARED = [situation for situation in SITUATIONS if comes_of_a_manifest(situation)]


@pytest.mark.parametrize("situation", COMPARED, ids=lambda row: row.says[:80])
def test_preview_says_what_the_server_decides(situation: Situation) -> None:
    """The preview of a manifest gives the reason that the table has for its object."""
    parts = (namespace(situation), *situation.sidecars, manifest(situation))
    text = "\n---\n".join(json.dumps(part) for part in parts)
    shown = build_preview([find_objects("f.yaml", text)], options=situation.options)
    forecast = shown.forecasts[situation.place]

    assert forecast.reason == situation.reason
    assert forecast.outcome == situation.outcome


def test_most_of_the_table_is_compared() -> None:
    """The comparison leaves out what no manifest can say, and little else."""
    assert len(COMPARED) > 0.75 * len(SITUATIONS)
