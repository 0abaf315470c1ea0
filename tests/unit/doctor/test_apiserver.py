"""The API server's version, and what it counts of our calls."""

import pytest

from tests.unit.doctor.cases import FAILED, OK, UNKNOWN, WARNING, Case, judge, table
from tests.unit.doctor.played import (
    CONFIGURATIONS,
    LABELS,
    POLICIES,
    ask,
    configuration,
    healthy,
    metrics,
)
from webhook.cluster import Unreachable

PODS, SERVICES = "pods.source-ip-webhook.io", "services.source-ip-webhook.io"
STEM = "apiserver_admission_webhook"
POLICY = {"metadata": {"name": "p", "labels": LABELS}}
BARE = configuration()
for entry in BARE["webhooks"]:
    entry.pop("matchConditions", None)


def took(seconds: float, calls: int) -> bytes:
    """Make the histogram of our calls, and of somebody else's."""
    labels = f'{{name="{PODS}",operation="CREATE",rejected="false",type="admit"'
    stem = f"{STEM}_admission_duration_seconds"
    return metrics(
        f'{stem}_bucket{labels},le="0.005"}} 1',
        f"{stem}_sum{labels}}} {seconds}",
        f"{stem}_count{labels}}} {calls}",
        f'{stem}_sum{{name="other.example.org"}} 900',
        f'{stem}_count{{name="other.example.org"}} 1',
    )


def missed(count: int, *, started: int = 1) -> bytes:
    """Make the count of our calls that failed open, and of somebody else's."""
    stem = f"{STEM}_fail_open_count"
    return metrics(
        f'{stem}{{name="{PODS}",type="admit"}} {count}',
        f'{stem}{{name="{SERVICES}",type="admit"}} 0',
        f'{stem}{{name="other.example.org",type="admit"}} 9',
        started=started,
    )


def refused(count: int) -> bytes:
    """Make the count of objects that were refused because of us, and of somebody else."""
    stem = f"{STEM}_rejection_count"
    return metrics(
        f'{stem}{{name="{PODS}",error_type="calling_webhook_error",operation="CREATE"}} {count}',
        f'{stem}{{name="{PODS}",error_type="calling_webhook_error",operation="UPDATE"}} 4',
        f'{stem}{{name="other.example.org",error_type="no_error"}} 4',
    )


@table(
    Case("new enough", "api-server-version", {}, (OK,), ("v1.36.2",)),
    Case(
        "too old for conditions",
        "api-server-version",
        {"/version": {"gitVersion": "v1.29.9+k3s1"}},
        (FAILED,),
        ("1.30",),
    ),
    Case(
        "old, without conditions",
        "api-server-version",
        {"/version": {"gitVersion": "v1.29.9"}, CONFIGURATIONS: [BARE]},
        (OK,),
    ),
    Case(
        "policies",
        "api-server-version",
        {CONFIGURATIONS: [], POLICIES: [POLICY], "/version": {"gitVersion": "1.34"}},
        (OK,),
        ("MutatingAdmissionPolicies", "1.34"),
    ),
    Case("nothing", "api-server-version", {CONFIGURATIONS: []}, (OK,)),
    Case("no version", "api-server-version", {"/version": {}}, (UNKNOWN,)),
    Case("none missed", "fail-open", {}, (OK,)),
    Case(
        "missed before",
        "fail-open",
        {"/metrics": missed(3)},
        (OK,),
        (f"{STEM}_fail_open_count{{name='{PODS}'}}: 3", "3 were not", "audit"),
    ),
    Case(
        "missed now",
        "fail-open",
        {"/metrics": (missed(3), missed(4))},
        (FAILED,),
        (f"{STEM}_fail_open_count{{name='{PODS}'}}: 4", "just now"),
    ),
    Case("missed for the first time", "fail-open", {"/metrics": (metrics(), missed(1))}, (FAILED,)),
    Case(
        "missed on another API server",
        "fail-open",
        {"/metrics": (missed(3), missed(9, started=2))},
        (OK,),
        ("9 were not",),
    ),
    Case("not called", "latency", {}, (OK,), ("not called",)),
    Case("fast", "latency", {"/metrics": took(0.45, 100)}, (OK,), ("4.5 ms on average of 100",)),
    Case("slow before", "latency", {"/metrics": (took(300, 100), took(300.02, 102))}, (OK,)),
    Case(
        "slow now",
        "latency",
        {"/metrics": (took(1, 100), took(2.2, 102))},
        (WARNING,),
        ("600 ms just now", "see the check replicas"),
    ),
    Case("none refused", "rejections", {}, (OK,)),
    Case(
        "refused before",
        "rejections",
        {"/metrics": refused(3)},
        (OK,),
        (f"name='{PODS}'}}: 7", "7 were"),
    ),
    Case(
        "refused now",
        "rejections",
        {"/metrics": (refused(3), refused(4))},
        (FAILED,),
        (f"name='{PODS}'}}: 8",),
    ),
)
def test_case(case: Case) -> None:
    """Each of these is judged so, with these words."""
    judge(case)


@pytest.mark.parametrize("line", ["_x{", '_x{name="a"} b c d', '_x{name="a'])
def test_metrics_that_make_no_sense_are_no_verdict(line: str) -> None:
    """What cannot be read is not taken for nought."""
    with pytest.raises(Unreachable, match="makes no sense"):
        ask("fail-open", healthy() | {"/metrics": metrics(f"{STEM}{line}")})


def test_bytes_of_another_encoding_are_read_past() -> None:
    """The metrics of others may hold anything."""
    cluster = healthy() | {"/metrics": b"\xff\xfe\n" + metrics()}
    (verdict,) = ask("fail-open", cluster)
    assert verdict.status is OK


def test_no_label_is_nobody() -> None:
    """A sample without our name is somebody else's."""
    (verdict,) = ask("rejections", healthy() | {"/metrics": metrics(f"{STEM}_rejection_count 3")})
    assert verdict.status is OK
