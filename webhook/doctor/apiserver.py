"""What the API server is, and what it counts of us: calls that failed, and how long they took.

Source:
    k8s.io/apiserver pkg/admission/metrics/metrics.go; Kubernetes Metrics Reference.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from webhook.cluster import ClusterError, Unreachable
from webhook.doctor.checks import (
    LIST_CONFIGURATIONS,
    Area,
    Right,
    Subject,
    Verdict,
    failed,
    unknown,
    warning,
    well,
)
from webhook.doctor.inspection import Inspection

_PREFIX: Final = "apiserver_admission_webhook_"
_SLOW: Final = 0.5
"""Seconds on average; an answer takes about a millisecond, a call across nodes a few, and the first
one on a busy machine more."""
_METRICS: Final = Right("get", "/metrics")
_START: Final = "process_start_time_seconds"
_BEFORE: Final = "counted before the probe"
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
    """Does the webhook answer now, and did it always, as the API server counts it?"""
    stem = f"{_PREFIX}fail_open_count"
    total, recent = _counted(inspection, stem)
    shown = tuple(f"{stem}{{name={name!r}}}: {count:.0f}" for name, count in total.items() if count)
    missed = sum(total.values())
    if any(recent.values()):
        yield failed(
            "the webhook did not answer the API server just now, which then went on without it",
            *shown,
            cure="See the checks ca-bundle and replicas; the API server's log has the reason",
        )
    elif missed:
        yield well(
            f"every call is answered now; {missed:.0f} were not since this API server started, "
            "and audit lists the objects that are still without the setting",
            *shown,
        )
    else:
        yield well("every call was answered since this API server started")


def latency(inspection: Inspection) -> Iterator[Verdict]:
    """How long do calls of the webhook take, as the API server sees it?"""
    stem = f"{_PREFIX}admission_duration_seconds"
    sums, recent_sums = _counted(inspection, f"{stem}_sum")
    counts, recent_counts = _counted(inspection, f"{stem}_count")
    calls, recent = sum(counts.values()), sum(recent_counts.values())
    if not calls:
        yield well("this API server has not called the webhook yet")
        return
    average = sum(sums.values()) / calls
    shown = f"{stem}: {average * 1000:.1f} ms on average of {calls:.0f} calls"
    now = sum(recent_sums.values()) / recent if recent else 0.0
    if now > _SLOW:
        yield warning(
            f"calls of the webhook take long, {now * 1000:.0f} ms just now, and every creation "
            "waits for them",
            shown,
            cure="Look for a replica that is far away or short of CPU: see the check replicas",
        )
    else:
        yield well(f"calls of the webhook take {average * 1000:.1f} ms on average", shown)


def rejections(inspection: Inspection) -> Iterator[Verdict]:
    """Did users get an error because of us?"""
    stem = f"{_PREFIX}rejection_count"
    total, recent = _counted(inspection, stem)
    shown = tuple(f"{stem}{{name={name!r}}}: {count:.0f}" for name, count in total.items() if count)
    refused = sum(total.values())
    if any(recent.values()):
        yield failed(
            "the API server refused an object just now because of the webhook",
            *shown,
            cure="See the checks ca-bundle and replicas; docs/failures.md has the causes",
        )
    elif refused:
        yield well(
            f"no object is refused now; {refused:.0f} were since this API server started", *shown
        )
    else:
        yield well("no object was refused because of the webhook since this API server started")


def note(inspection: Inspection) -> None:
    """Note what the API server has counted before the probe; nothing where it may not be read."""
    with contextlib.suppress(ClusterError):
        inspection.remember(_BEFORE, lambda: _samples(inspection))


def _counted(inspection: Inspection, name: str) -> tuple[dict[str, float], dict[str, float]]:
    """Tell what a metric says of each of our entries: in all, and since the run began.

    Of several API servers another one may have answered before, or this one may have restarted:
    then nothing was counted since.

    Raises:
        ClusterError: It may not be read, or makes no sense.
    """
    names = {each.name for each in inspection.registered.webhooks or ()}
    before = inspection.remember(_BEFORE, lambda: _samples(inspection))
    after = inspection.remember("counted", lambda: _samples(inspection))
    total = _sums(after, name, names)
    then = _sums(before if _started(before) == _started(after) else after, name, names)
    return total, {key: count - then[key] for key, count in total.items()}


def _started(samples: Iterable[Sample]) -> list[float]:
    """Tell when the API server started, by which one is told from another."""
    return [each.value for each in samples if each.name == _START]


def _sums(samples: Iterable[Sample], name: str, entries: set[str]) -> dict[str, float]:
    """Add up what a metric says of each entry, whatever its other labels; 0 where it is new."""
    found = dict.fromkeys(sorted(entries), 0.0)
    for sample in samples:
        entry = sample.labels.get("name")
        if sample.name == name and entry in found:
            found[entry] += sample.value
    return found


def _samples(inspection: Inspection) -> list[Sample]:
    """Read what the API server counts of admission webhooks, as of now.

    Raises:
        ClusterError: It may not be read, or makes no sense.
    """
    text = inspection.read("/metrics").decode("utf-8", "replace")
    # The whole has megabytes, of which a few lines are ours. Without the lines that tell types the
    # names of counters are read as they stand (prometheus_client 0.25).
    lines = [line for line in text.splitlines() if line.startswith((_PREFIX, _START))]
    try:
        families = text_string_to_metric_families("\n".join(lines) + "\n")
        return [sample for family in families for sample in family.samples]
    except (ValueError, KeyError, IndexError) as error:
        raise Unreachable("get /metrics: the answer makes no sense") from error


CHECKS: Final = (
    Subject(
        name="api-server-version",
        area=Area.API_SERVER,
        about="Kubernetes is 1.30 or later where match conditions are used, and 1.34 or later "
        "for the policy backend.",
        why="An older API server does not know these fields and drops them.",
        cure="Upgrade the cluster.",
        rights=(Right("get", "/version"), LIST_CONFIGURATIONS),
        ask=version,
    ),
    Subject(
        name="fail-open",
        area=Area.API_SERVER,
        about="`apiserver_admission_webhook_fail_open_count` of our entries has not grown with the "
        "calls of the probe. What was counted before is told, and is no fault.",
        why="Under `Ignore` nobody else notices that objects were created without the setting.",
        cure="`ca-bundle` and `replicas` say why; `audit` lists what is still without it.",
        rights=(_METRICS, LIST_CONFIGURATIONS),
        ask=fail_open,
        webhook=True,
    ),
    Subject(
        name="latency",
        area=Area.API_SERVER,
        about="The average of `apiserver_admission_webhook_admission_duration_seconds` of our "
        "entries is 0.5 s at most for the calls of the probe.",
        why="Every creation in an opted-in namespace waits for it.",
        cure="Look at the replicas and the network between.",
        rights=(_METRICS, LIST_CONFIGURATIONS),
        ask=latency,
        webhook=True,
    ),
    Subject(
        name="rejections",
        area=Area.API_SERVER,
        about="`apiserver_admission_webhook_rejection_count` of our entries has not grown with "
        "the calls of the probe.",
        why="It counts errors that users got, under `Fail` or because an answer was not usable.",
        cure="`ca-bundle` and `replicas` say why; docs/failures.md has the causes.",
        rights=(_METRICS, LIST_CONFIGURATIONS),
        ask=rejections,
        webhook=True,
    ),
)
"""In the order in which they are made."""
