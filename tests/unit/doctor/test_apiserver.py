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
CALLING = "calling_webhook_error"
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
        "some missed",
        "fail-open",
        {
            "/metrics": metrics(
                f'{STEM}_fail_open_count{{name="{PODS}",type="admit"}} 3',
                f'{STEM}_fail_open_count{{name="{SERVICES}",type="admit"}} 0',
                f'{STEM}_fail_open_count{{name="other.example.org",type="admit"}} 9',
            )
        },
        (WARNING,),
        (f"{STEM}_fail_open_count{{name='{PODS}'}}: 3", "source-ip-webhook audit"),
    ),
    Case("not called", "latency", {}, (OK,), ("not called",)),
    Case("fast", "latency", {"/metrics": took(0.45, 100)}, (OK,), ("4.5 ms on average of 100",)),
    Case("slow", "latency", {"/metrics": took(30, 100)}, (WARNING,), ("300.0 ms",)),
    Case("none refused", "rejections", {}, (OK,)),
    Case(
        "some refused",
        "rejections",
        {
            "/metrics": metrics(
                f'{STEM}_rejection_count{{name="{PODS}",error_type="{CALLING}",o="a"}} 3',
                f'{STEM}_rejection_count{{name="{PODS}",error_type="{CALLING}",o="b"}} 4',
                f'{STEM}_rejection_count{{name="other.example.org",error_type="no_error"}} 4',
            )
        },
        (WARNING,),
        (f"name='{PODS}', error_type='{CALLING}'}}: 7",),
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
