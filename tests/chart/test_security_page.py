"""docs/security.md, held to what the chart renders."""

import re
from pathlib import Path

from tests.chart.helm import AUDIT, Json, documents, render
from tests.chart.value_sets import rendered

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table between a heading and the next."""
    (_, below) = re.split(f"^##+ {heading}\n", PAGE, maxsplit=1, flags=re.MULTILINE)
    lines = re.findall(r"^\|(.*)\|$", re.split(r"^##", below, flags=re.MULTILINE)[0], re.MULTILINE)
    return [[cell.strip() for cell in line.split(" | ")] for line in lines[2:]]


def test_every_right_has_its_row() -> None:
    """The page has a row for each verb that a role of the chart gives, and for no other."""
    listed = set()
    for resource, verbs, *_ in rows("What the service may do, and what a stolen token may"):
        ours = ", ours" in resource
        listed |= {(resource.split("`")[1], verb, ours) for verb in re.findall(r"\w+", verbs)}
    given = set()
    for role in (*rendered("default").all("ClusterRole"), *rendered("default").all("Role")):
        for rule in role["rules"]:
            ours = "resourceNames" in rule
            given |= {(rule["resources"][0], verb, ours) for verb in rule["verbs"]}

    assert listed == given


def test_every_right_of_audit_and_doctor_has_its_row() -> None:
    """The page has each verb that the three ClusterRoles give, in the role's row, and no other."""
    listed = {
        (role.strip("`"), resource, verb)
        for resources, verbs, role, *_ in rows("Each right")
        for resource in re.findall(r"`([^`]+)`", resources.partition(" named ")[0])
        for verb in re.findall(r"\w+", verbs)
    }
    given = {
        (role["metadata"]["name"].rpartition(":")[2], resource, verb)
        for role in rendered("default").all("ClusterRole", AUDIT)
        for rule in role["rules"]
        for resource in rule.get("resources", rule.get("nonResourceURLs"))
        for verb in rule["verbs"]
    }

    assert listed == given
    assert {role.strip("`").rpartition(":")[2] for role, *_ in rows("Audit and doctor")} == {
        role for role, *_ in given
    }


def test_rights_without_managed_certificates() -> None:
    """In the other modes there is no verb that changes anything."""
    for name in ("cert-manager", "existing-secret"):
        (role,) = rendered(name).all("ClusterRole")
        assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {
            "get",
            "list",
            "watch",
        }
        assert not rendered(name).all("Role")


def test_ports() -> None:
    """The ports, and who may reach them, are the chart's."""
    webhook, ops = rows("Ports")
    ports = {port["name"]: port["containerPort"] for port in render().container["ports"]}
    by_port = {rule["ports"][0]["port"]: rule for rule in _ingress(render().one("NetworkPolicy"))}

    assert webhook[0] == f"{ports['webhook']} (Service: 443)"
    assert ops[0] == f"{ports['ops']}"
    assert "from" not in by_port["webhook"]
    assert {"namespaceSelector": {}} in by_port["ops"]["from"]
    assert not rendered("host-network").all("NetworkPolicy")


def test_lifetimes() -> None:
    """What the page says about lifetimes is what the chart asks for."""
    (values,) = documents((ROOT / "charts" / "source-ip-webhook" / "values.yaml").read_text())
    managed, certificates = values["tls"]["managed"], values["tls"]["certManager"]

    assert (managed["caLifetime"], managed["leafLifetime"]) == ("365d", "90d")
    assert "| this | 1 year | 90 days |" in PAGE
    assert managed["overlap"] == "1h"
    assert certificates["caDuration"] == f"{10 * 8760}h"


def test_process() -> None:
    """The process is as the page says: user, and nothing of the host."""
    pod = render().pod["spec"]

    assert pod["securityContext"]["runAsUser"] == 65532
    assert "hostPath" not in str(pod)
    assert not pod.get("volumes")


def test_alerts() -> None:
    """Every alert that is named is there."""
    alerts = (ROOT / "charts" / "source-ip-webhook" / "alerts.yaml").read_text()
    for name in re.findall(r"`(SourceIPWebhook\w+)`", PAGE):
        assert f"alert: {name}\n" in alerts


def _ingress(policy: Json) -> list[Json]:
    rules: list[Json] = policy["spec"]["ingress"]
    return rules
