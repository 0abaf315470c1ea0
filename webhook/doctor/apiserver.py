"""What the API server is, and what it counts of us: calls that failed, and how long they took.

Source:
    k8s.io/apiserver pkg/admission/metrics/metrics.go; Kubernetes Metrics Reference.
"""

import re
from collections.abc import Iterator
from typing import Final

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from webhook.cluster import Unreachable
from webhook.doctor.checks import Area, Verdict, failed, unknown, warning, well
from webhook.doctor.inspection import Inspection, Right, Subject

_PREFIX: Final = "apiserver_admission_webhook_"
_SLOW: Final = 0.1
"""Seconds on average; an answer takes about a millisecond, a call across nodes a few."""
_CONFIGURATIONS: Final = Right(
    "list", "mutatingwebhookconfigurations", "admissionregistration.k8s.io"
)
_METRICS: Final = Right("get", "/metrics")
_REFUSED: Final = "no_error"
"""``error_type`` of an answer that denies the object, which ours never does."""
_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)")


def version(inspection: Inspection) -> Iterator[Verdict]:
    """Does the API server know what the installation uses?"""
    told = inspection.version
    match = _VERSION.match(told)
    if match is None:
        yield unknown(
            "the API server does not tell its version as Kubernetes does",
            f"/version gitVersion: {told}",
        )
        return
    ours, policies = inspection.ours, inspection.own_policies
    conditions = ours is not None and any(each.match_conditions for each in ours.webhooks or ())
    oldest = (1, 30) if conditions else (1, 16)
    what = "matchConditions are" if conditions else "webhooks are"
    if ours is None and policies:
        # Where they are listed they are served, in one version or the other.
        oldest, what = (1, 34), "MutatingAdmissionPolicies are"
    shown = f"/version gitVersion: {told}"
    if (int(match[1]), int(match[2])) < oldest:
        yield failed(
            f"this Kubernetes is older than 1.{oldest[1]}, from which on {what} there",
            shown,
            cure=f"Upgrade the cluster to Kubernetes 1.{oldest[1]} or later",
        )
    else:
        yield well(f"Kubernetes is new enough: {what} there from 1.{oldest[1]} on", shown)


def fail_open(inspection: Inspection) -> Iterator[Verdict]:
    """Were objects created without us because we did not answer?"""
    counts = _sums(inspection, f"{_PREFIX}fail_open_count_total", f"{_PREFIX}fail_open_count")
    missed = {name: int(count) for name, count in counts.items() if count}
    if missed:
        yield warning(
            "objects were created without the setting since this API server started",
            *(f"{_PREFIX}fail_open_count{{name={name!r}}}: {n}" for name, n in missed.items()),
            cure="source-ip-webhook audit lists what is still without it; the API server's log "
            "says why, and its count begins anew when it restarts",
        )
    else:
        yield well("every call was answered since this API server started")


def latency(inspection: Inspection) -> Iterator[Verdict]:
    """How long do calls of the webhook take, as the API server sees it?"""
    stem = f"{_PREFIX}admission_duration_seconds"
    sums, counts = _sums(inspection, f"{stem}_sum"), _sums(inspection, f"{stem}_count")
    calls = sum(counts.values())
    if not calls:
        yield well("this API server has not called the webhook yet")
        return
    average = sum(sums.values()) / calls
    shown = f"{stem}: {average * 1000:.1f} ms on average of {calls:.0f} calls"
    if average > _SLOW:
        yield warning(
            "calls of the webhook take long, and every creation waits for them",
            shown,
            cure="Look for a replica that is far away or short of CPU: see the check replicas",
        )
    else:
        yield well("calls of the webhook take no time that anybody would notice", shown)


def rejections(inspection: Inspection) -> Iterator[Verdict]:
    """Did users get an error because of us?"""
    ours = _names(inspection)
    errors: dict[tuple[str, str], float] = {}
    stem = f"{_PREFIX}rejection_count"
    for sample in _samples(inspection):
        labels = sample.labels
        if sample.name in {stem, f"{stem}_total"} and labels.get("name") in ours and sample.value:
            key = (labels["name"], labels.get("error_type", _REFUSED))
            errors[key] = errors.get(key, 0) + sample.value
    if errors:
        yield warning(
            "objects were refused because of the webhook since this API server started",
            *(
                f"{stem}{{name={name!r}, error_type={kind!r}}}: {count:.0f}"
                for (name, kind), count in sorted(errors.items())
            ),
            cure="The API server's log says why: see docs/failures.md; its count begins anew when "
            "it restarts",
        )
    else:
        yield well("no object was refused because of the webhook since this API server started")


def _names(inspection: Inspection) -> set[str]:
    """Name the entries of our configuration, by which the API server counts."""
    ours = inspection.registered
    return {each.name for each in ours.webhooks or ()}


def _sums(inspection: Inspection, *names: str) -> dict[str, float]:
    """Add up what metrics of these names say of each of our entries."""
    ours, found = _names(inspection), dict[str, float]()
    for sample in _samples(inspection):
        entry = sample.labels.get("name")
        if sample.name in names and entry in ours:
            found[entry] = found.get(entry, 0.0) + sample.value
    return found


def _samples(inspection: Inspection) -> list[Sample]:
    """Read what the API server counts of admission webhooks.

    Raises:
        ClusterError: It may not be read, or makes no sense.
    """

    def read() -> list[Sample]:
        text = inspection.read("/metrics").decode("utf-8", "replace")
        # The whole has megabytes, of which a few lines are ours.
        lines = [line for line in text.splitlines() if line.startswith(_PREFIX)]
        try:
            families = text_string_to_metric_families("\n".join(lines) + "\n")
            return [sample for family in families for sample in family.samples]
        except (ValueError, KeyError, IndexError) as error:
            raise Unreachable("get /metrics: the answer makes no sense") from error

    return inspection.remember("samples", read)


CHECKS: Final = (
    Subject(
        name="api-server-version",
        area=Area.API_SERVER,
        about="Kubernetes is 1.30 or later where match conditions are used, and 1.34 or later "
        "for the policy backend.",
        why="An older API server does not know these fields and drops them.",
        cure="Upgrade the cluster.",
        rights=(Right("get", "/version"), _CONFIGURATIONS),
        ask=version,
    ),
    Subject(
        name="fail-open",
        area=Area.API_SERVER,
        about="`apiserver_admission_webhook_fail_open_count` of our entries is 0, on the API "
        "server that answered.",
        why="Under `Ignore` nobody else notices that objects were created without the setting.",
        cure="`source-ip-webhook audit`. The count begins anew when the API server restarts.",
        rights=(_METRICS, _CONFIGURATIONS),
        ask=fail_open,
        webhook=True,
    ),
    Subject(
        name="latency",
        area=Area.API_SERVER,
        about="The average of `apiserver_admission_webhook_admission_duration_seconds` of our "
        "entries is 0.1 s at most.",
        why="Every creation in an opted-in namespace waits for it.",
        cure="Look at the replicas and the network between.",
        rights=(_METRICS, _CONFIGURATIONS),
        ask=latency,
        webhook=True,
    ),
    Subject(
        name="rejections",
        area=Area.API_SERVER,
        about="`apiserver_admission_webhook_rejection_count` of our entries is 0.",
        why="It counts errors that users got, under `Fail` or because an answer was not usable.",
        cure="The API server's log and docs/failures.md. The count begins anew when it restarts.",
        rights=(_METRICS, _CONFIGURATIONS),
        ask=rejections,
        webhook=True,
    ),
)
"""In the order in which they are made."""
