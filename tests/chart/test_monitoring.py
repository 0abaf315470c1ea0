"""Alerts and dashboard, held to the metrics that there are and to the page about the alerts."""

import json
import re

from tests.chart.helm import Json, render
from tests.chart.test_install_pages import FOLDER
from tests.chart.value_sets import rendered
from webhook.metrics import Metrics

OF_API_SERVER = {
    "apiserver_admission_webhook_fail_open_count",
    "apiserver_admission_webhook_rejection_count",
    "apiserver_validating_admission_policy_check_total",
}
"""Names verified on a real API server (tests/e2e/failures and
tests/chart/test_self_restriction.py read them)."""


def alerts() -> list[Json]:
    """Return the rules."""
    (group,) = rendered("monitoring").one("PrometheusRule")["spec"]["groups"]
    rules: list[Json] = group["rules"]
    return rules


def dashboard() -> Json:
    """Return the dashboard."""
    (text,) = rendered("monitoring").one("ConfigMap")["data"].values()
    read: Json = json.loads(text)
    return read


def queries() -> list[str]:
    """Return every query of alerts and dashboard."""
    panels = [
        target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])
    ]
    return [*(rule["expr"] for rule in alerts()), *panels]


def test_metrics_exist() -> None:
    """Every metric that is asked for is one that the service or the API server has."""
    families = Metrics().registry.collect()
    ours = {
        f"{family.name}{ending}"
        for family in families
        for ending in {"counter": ["_total"], "histogram": ["_bucket"]}.get(family.type, [""])
    }
    asked = {name for query in queries() for name in re.findall(r"\b\w+(?=\{)", query)}

    assert asked <= ours | OF_API_SERVER
    assert asked > OF_API_SERVER


def test_queries_are_limited_to_the_release() -> None:
    """A query about our own metrics asks for the release's namespace only."""
    for query in queries():
        for name, labels in re.findall(r"\b(\w+)\{([^}]*)\}", query):
            if name not in OF_API_SERVER:
                assert re.match(r'namespace="(source-ip|\$namespace)"', labels), query


def test_every_alert_has_its_entry() -> None:
    """The page has an entry for each alert, in order, and each alert leads to its own."""
    headings = re.findall(r"^### (.*)$", (FOLDER / "alerts.md").read_text(), re.MULTILINE)

    assert [rule["alert"] for rule in alerts()] == headings
    for rule in alerts():
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert page == "https://example.org/source-ip-webhook/docs/install/alerts.md"
        assert anchor == rule["alert"].lower()


def test_links_are_absolute_or_absent() -> None:
    """Without an address for the page alerts have no link, rather than one that leads nowhere."""
    (group,) = render({"prometheusRule": {"enabled": True}}).one("PrometheusRule")["spec"]["groups"]

    for rule in group["rules"]:
        assert set(rule["annotations"]) == {"summary"}


def test_page_names_the_alerts_of_the_api_server() -> None:
    """The page lists the alerts that need the API server's metrics, and no other."""
    listed = re.findall(
        r"^- (SourceIPWebhook\w+)$", (FOLDER / "alerts.md").read_text(), re.MULTILINE
    )

    assert listed == [rule["alert"] for rule in alerts() if "apiserver_" in rule["expr"]]


def test_alerts_name_their_pod() -> None:
    """Whatever is about one replica says which; the rest is about none, or about all alike."""
    about_all = re.compile(r"apiserver_|absent\(|_audit_|_ordered_before_istio")
    for rule in alerts():
        by_pod = about_all.search(rule["expr"]) is None
        assert bool(re.search(r"by \(pod\b", rule["expr"])) is by_pod
        assert ("{{ $labels.pod }}" in rule["annotations"]["summary"]) is by_pod


def test_placeholders_are_filled_in() -> None:
    """Nothing of the table's placeholders is left in the rules."""
    assert not [rule for rule in alerts() if re.search("NAMESPACE|DAYS|HOURS", json.dumps(rule))]
    expiring = next(rule for rule in alerts() if rule["alert"].endswith("CertificateExpiring"))
    assert expiring["expr"].endswith("< 14 * 86400")
    assert "within 2 hours" in json.dumps(alerts()[-1])


def test_no_audit_no_alert_about_it() -> None:
    """Where no audit runs nothing waits for one."""
    without = render({"prometheusRule": {"enabled": True}}).one("PrometheusRule")["spec"]["groups"]
    there = {rule["alert"] for rule in without[0]["rules"]}

    assert {rule["alert"] for rule in alerts()} - there == {
        "SourceIPWebhookNotBeforeIstio",
        "SourceIPWebhookFindings",
        "SourceIPWebhookAuditIncomplete",
        "SourceIPWebhookAuditMissing",
    }


def test_panels_do_not_overlap() -> None:
    """Every panel of the dashboard has a place and a number of its own."""
    panels = dashboard()["panels"]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)


def test_expired_certificates_are_shown() -> None:
    """A certificate that has ended is below 0, and years do not share an axis with days."""
    (leaf, authority) = (panel for panel in dashboard()["panels"] if "ends" in panel["title"])

    for panel, matcher in ((leaf, 'certificate="serving"'), (authority, 'certificate!="serving"')):
        assert "min" not in panel["fieldConfig"]["defaults"]
        assert [matcher in target["expr"] for target in panel["targets"]] == [True]


def test_nothing_of_operators_by_default() -> None:
    """Without their values no object is made that a plain cluster does not know."""
    versions = {thing["apiVersion"] for thing in render().objects}

    assert not [version for version in versions if "cert-manager" in version or "coreos" in version]
