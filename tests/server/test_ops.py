"""The plain port: liveness, readiness, metrics."""

from tests.server.running import Running


def test_process_is_alive(server: Running) -> None:
    """``/livez`` answers as long as the event loop turns."""
    answer = server.ops("/livez")

    assert (answer.status, answer.data) == (200, b"ok")


def test_process_is_ready(server: Running) -> None:
    """``/readyz`` is 200 once namespaces are known."""
    assert (server.ops("/readyz").status, server.ops("/readyz").data) == (200, b"ok")


def test_process_without_namespaces_is_not_ready(server: Running) -> None:
    """``/readyz`` is 503 and says what is missing."""
    server.namespaces.known = False
    answer = server.ops("/readyz")

    assert (answer.status, answer.data) == (503, b"not ready: namespaces")


def test_draining_process_is_not_ready(server: Running) -> None:
    """``/readyz`` is 503 from SIGTERM on."""
    server.webhook.readiness.draining = True

    assert server.ops("/readyz").data == b"not ready: draining"


def test_metrics_have_the_names_of_the_contract(server: Running) -> None:
    """Dashboards and alerts find every metric under its name."""
    answer = server.ops("/metrics")
    text = answer.data.decode()

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    for name in (
        "source_ip_webhook_admission_total",
        "source_ip_webhook_admission_duration_seconds",
        "source_ip_webhook_rejected_requests_total",
        "source_ip_webhook_certificate_not_after_timestamp_seconds",
        "source_ip_webhook_namespace_cache_synced",
        "source_ip_webhook_build_info",
        "source_ip_webhook_log_lines_dropped_total",
        "source_ip_webhook_log_waiting_bytes",
    ):
        assert f"# TYPE {name} " in text


def test_ops_port_answers_no_reviews(server: Running) -> None:
    """Reviews are answered over TLS only."""
    assert server.ops("/mutate").status == 404
