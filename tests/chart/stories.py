"""What Prometheus may scrape, and which alert has to come of it."""

import dataclasses

DAY = 86400


@dataclasses.dataclass(frozen=True)
class Story:
    """What Prometheus scrapes, every 30 s from the beginning, and when it is to call.

    Values are written as promtool reads them: ``0x20 1x5`` is 21 times 0, then 6 times 1; ``_`` is
    no sample; ``stale`` is the end of a series.
    """

    name: str
    alert: str
    series: dict[str, str]
    fires: tuple[str, ...]
    """Moments at which it fires."""
    silent: tuple[str, ...]
    """Moments at which it does not."""
    labels: dict[str, str] = dataclasses.field(default_factory=lambda: {"pod": "a"})
    value: str = ""
    """What the summary says of the number, where it does."""


def ours(name: str, /, **labels: str) -> str:
    """Write one of our series as Prometheus has it from the Prometheus operator."""
    listed = {"namespace": "source-ip", "pod": "a", **labels}
    pairs = ",".join(f'{key}="{value}"' for key, value in listed.items())
    return f"source_ip_webhook_{name}{{{pairs}}}"


def api(name: str, /, **labels: str) -> str:
    """Write one of the API server's series."""
    pairs = ",".join(f'{key}="{value}"' for key, value in {"instance": "1", **labels}.items())
    return f"apiserver_{name}{{{pairs}}}"


BORN, GROWN, BEGUN = "_x60 1x40", "3x59 4x40", "0x59 1x40"
"""One event after half an hour: in a series that was not there, was at 3, was at 0."""

COUNTERS = [
    (
        "FailingOpen",
        api("admission_webhook_fail_open_count", name="pods.source-ip-webhook.io"),
        {"name": "pods.source-ip-webhook.io"},
        5,
    ),
    (
        "FailingClosed",
        api(
            "admission_webhook_rejection_count",
            name="services.source-ip-webhook.io",
            error_type="calling_webhook_error",
        ),
        {"name": "services.source-ip-webhook.io"},
        5,
    ),
    (
        "TokenMisused",
        api(
            "validating_admission_policy_check_total",
            policy="source-ip.x-source-ip-webhook.secret",
            enforcement_action="deny",
        ),
        {"policy": "source-ip.x-source-ip-webhook.secret"},
        5,
    ),
    ("Errors", ours("rejected_requests_total", code="503"), {"pod": "a"}, 5),
    ("CertificateNotLoaded", ours("certificate_reloads_total", result="failure"), {"pod": "a"}, 10),
]

STORIES = [
    *(
        Story(
            how,
            alert,
            {series: values},
            fires=("30m", "32m", "34m"),
            silent=("29m30s", f"{30 + within}m30s"),
            labels=labels,
        )
        for alert, series, labels, within in COUNTERS
        for how, values in (("born", BORN), ("grown", GROWN), ("begun", BEGUN))
    ),
    Story(
        "other webhook",
        "FailingOpen",
        {api("admission_webhook_fail_open_count", name="istio.example.org"): BORN},
        fires=(),
        silent=("30m", "32m"),
    ),
    Story(
        "denied by others",
        "FailingClosed",
        {
            api(
                "admission_webhook_rejection_count",
                name="pods.source-ip-webhook.io",
                error_type="no_error",
            ): BORN
        },
        fires=(),
        silent=("30m", "32m"),
    ),
    Story(
        "other release",
        "TokenMisused",
        {
            api(
                "validating_admission_policy_check_total",
                policy="other.x-source-ip-webhook.secret",
                enforcement_action="deny",
            ): BORN
        },
        fires=(),
        silent=("30m", "32m"),
    ),
    Story(
        "refused",
        "Errors",
        {ours("rejected_requests_total", code="404"): BEGUN},
        fires=(),
        silent=("30m", "32m"),
    ),
    Story(
        "gone",
        "Absent",
        {ours("build_info", version="1"): "1x10 stale _x18 1x10"},
        fires=("10m30s", "14m30s"),
        silent=("5m", "10m", "15m30s"),
        labels={"namespace": "source-ip"},
    ),
    Story(
        "slow",
        "Slow",
        {
            ours("admission_duration_seconds_bucket", kind="Pod", le="0.1"): "0x20 0x40 0+9x60",
            ours("admission_duration_seconds_bucket", kind="Pod", le="0.25"): "0x20 1+1x39 40+9x60",
            ours("admission_duration_seconds_bucket", kind="Pod", le="+Inf"): "0x20 1+1x39 40+9x60",
            ours("admission_duration_seconds_bucket", kind="Pod", le="0.1", pod="b"): "0+9x120",
            ours("admission_duration_seconds_bucket", kind="Pod", le="+Inf", pod="b"): "0+9x120",
        },
        fires=("20m30s", "30m"),
        silent=("10m", "20m", "40m"),
    ),
    Story(
        "not renewed",
        "CertificateExpiring",
        {
            ours("certificate_not_after_timestamp_seconds", certificate="serving"): (
                f"{14 * DAY + 570}x60 {90 * DAY}x40"
            ),
            ours("certificate_not_after_timestamp_seconds", certificate="serving", pod="b"): (
                f"{90 * DAY}x100"
            ),
        },
        fires=("20m", "30m"),
        silent=("9m30s", "19m30s", "31m"),
        labels={"pod": "a", "certificate": "serving"},
    ),
    Story(
        "goes on failing",
        "CertificateFailing",
        {
            ours("certificate_failures_total"): "0x19 1+1x60 61x60",
            ours("certificate_failures_total", pod="b"): "0x140",
        },
        fires=("25m", "40m"),
        silent=("10m", "24m30s", "51m"),
    ),
    Story(
        "fails once",
        "CertificateFailing",
        {ours("certificate_failures_total"): "0x19 1x60"},
        fires=(),
        silent=("10m", "20m", "30m"),
    ),
    Story(
        "not trusted",
        "CABundleOutOfSync",
        {
            ours("ca_bundle_in_sync"): "1x10 0x20 1x20",
            ours("ca_bundle_in_sync", pod="b"): "1x60",
        },
        fires=("10m30s", "15m"),
        silent=("5m", "10m", "16m"),
    ),
    Story(
        "contested",
        "CABundleContested",
        {
            ours("ca_bundle_contested"): "0x10 1x10 0x40",
            ours("ca_bundle_contested", pod="b"): "0x60",
        },
        fires=("5m30s", "10m"),
        silent=("5m", "11m"),
    ),
    Story(
        "stale",
        "NamespacesStale",
        {
            ours("namespace_cache_synced"): "1x10 0x30 1x20",
            ours("namespace_cache_synced", pod="b"): "1x60",
        },
        fires=("15m30s", "20m"),
        silent=("5m", "15m", "21m"),
    ),
    Story(
        "Istio first",
        "NotBeforeIstio",
        {
            ours("ordered_before_istio"): "_x10 1x10 0x20 1x20",
            ours("ordered_before_istio", pod="b"): "_x10 1x10 0x20 1x20",
        },
        fires=("11m", "15m"),
        silent=("2m", "8m", "22m"),
        labels={},
    ),
    Story(
        "found twice",
        "Findings",
        {
            ours("audit_findings", reason="missed"): "0x120 2x240 0x60",
            ours("audit_findings", reason="missed", pod="b"): "0x121 2x240 0x60",
            ours("audit_findings", reason="one-node"): "0x420",
        },
        fires=("151m", "179m"),
        silent=("30m", "149m", "182m"),
        labels={"reason": "missed"},
        value="2",
    ),
    Story(
        "found once",
        "Findings",
        {ours("audit_findings", reason="missed"): "0x120 2x120 0x300"},
        fires=(),
        silent=("90m", "119m", "180m", "240m"),
    ),
    Story(
        "not allowed to read",
        "AuditIncomplete",
        {ours("audit_unknown"): "0x120 1x240 0x60"},
        fires=("151m", "179m"),
        silent=("60m", "149m", "182m"),
        labels={},
    ),
    Story(
        "never ran",
        "AuditMissing",
        {ours("build_info", version="1"): "1x600"},
        fires=("121m", "300m"),
        silent=("60m", "119m"),
        labels={},
    ),
    Story(
        "no longer runs",
        "AuditMissing",
        {
            ours("audit_last_run_timestamp_seconds"): "_x120 3600x500 18600x60",
            ours("audit_last_run_timestamp_seconds", pod="b"): "_x120 3600x500 18600x60",
        },
        fires=("191m", "309m"),
        silent=("30m", "90m", "180m", "189m", "311m"),
        labels={},
    ),
]
