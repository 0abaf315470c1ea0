"""Audits of a played cluster, and the places that pure functions are asked about."""

from typing import Any

import msgspec

from tests.unit.audit.objects import INSTALLED, Object, configuration, namespace
from tests.unit.audit.played import Played
from webhook.admission.options import Options
from webhook.admission.sidecars import Sidecar, Sidecars
from webhook.audit.findings import Finding, Report
from webhook.audit.namespaces import OptedIn
from webhook.audit.objects import LiveNamespace, LivePod
from webhook.audit.service_objects import LiveService
from webhook.audit.walk import Selection, run
from webhook.settings import CONFIGURATION


def audit(*objects: Object, page: int = 500, **selection: Any) -> Report:
    """Audit a cluster that has the namespace shop, the webhook, and these objects."""
    return run(cluster(*objects, page=page), Options(), Selection(**selection))


def cluster(*objects: Object, page: int = 500) -> Played:
    """Play a cluster that has the namespace shop, the webhook, and these objects."""
    return Played(namespace(), configuration(), *objects, page=page)


def said(report: Report) -> list[tuple[str, str]]:
    """Tell the owner and the reason of each finding."""
    return [(each.owner.title, each.reason) for each in report.findings]


def only(report: Report) -> Finding:
    """Take the one finding that there is."""
    assert len(report.findings) == 1, said(report)
    return report.findings[0]


def shown(finding: Finding) -> dict[str, str]:
    """Index the evidence of a finding by its fields."""
    return {each.field: each.value for each in finding.evidence}


def place(
    *sidecars: Sidecar,
    options: Options | None = None,
    installed: str = INSTALLED,
    mode: str | None = "enabled",
    labels: dict[str, str] | None = None,
) -> OptedIn:
    """Make the namespace shop."""
    return OptedIn.of(
        as_namespace(namespace("shop", mode, **(labels or {}))),
        configuration=CONFIGURATION,
        installed=installed,
        options=options or Options(),
        sidecars=Sidecars(sidecars),
    )


def as_namespace(made: Object) -> LiveNamespace:
    """Read a namespace as an audit does."""
    return msgspec.json.decode(msgspec.json.encode(made), type=LiveNamespace)


def as_pod(made: Object) -> LivePod:
    """Read a Pod as an audit does."""
    return msgspec.json.decode(msgspec.json.encode(made), type=LivePod)


def as_service(made: Object) -> LiveService:
    """Read a Service as an audit does."""
    return msgspec.json.decode(msgspec.json.encode(made), type=LiveService)
