"""Reports made by hand: one of an audit and one of a doctor, with something of each kind."""

from webhook.audit.findings import (
    Action,
    AuditReason,
    Cure,
    Evidence,
    Finding,
    Level,
    Owner,
    Report,
    Unknown,
)
from webhook.doctor import checks
from webhook.doctor.checks import Check, Status

DEPLOYMENT = Owner(api_version="apps/v1", kind="Deployment", name="web", helm_release="shop/web")
SERVICE = Owner(api_version="v1", kind="Service", name="gateway")
RESTART = Cure(
    command="kubectl -n shop rollout restart deployment/web",
    action=Action.RESTART,
    advice="The new Pods are created under the label.",
)
SET_LOCAL = Cure(
    command="kubectl -n shop patch service/gateway --type merge "
    """-p '{"spec":{"externalTrafficPolicy":"Local"}}'""",
    action=Action.SET_LOCAL,
)


def finding(
    owner: Owner = DEPLOYMENT,
    reason: AuditReason = AuditReason.CREATED_BEFORE_LABEL,
    cure: Cure = RESTART,
    *evidence: Evidence,
) -> Finding:
    """Make a finding in the namespace shop."""
    return Finding(
        namespace="shop",
        owner=owner,
        level=reason.level,
        reason=reason,
        sentence=reason.sentence,
        evidence=evidence or (Evidence(".metadata.creationTimestamp", "2026-01-02T03:04:05Z"),),
        objects=("Pod/web-7d4-x2x",),
        count=500,
        cure=cure,
    )


NOTE = finding(
    SERVICE, AuditReason.FEWER_NODES, Cure(command=""), Evidence("ready nodes", "2 of 3")
)


def audit(*findings: Finding, unknown: tuple[Unknown, ...] = ()) -> Report:
    """Make the report of an audit of the namespace shop."""
    return Report(
        label_key="source-ip-preservation",
        namespaces=("shop",),
        pods=501,
        services=1,
        findings=findings,
        unknown=unknown,
    )


AUDIT = audit(
    NOTE,
    finding(),
    finding(SERVICE, AuditReason.SWITCHED_BACK, SET_LOCAL, Evidence("policy", "Cluster")),
    unknown=(Unknown("Pods of namespace bank", 'user "x" may not list pods there'),),
)
CLEAN = audit()
assert NOTE.level is Level.NOTE

DOCTOR = checks.Report(
    checks=(
        Check("order", "installation", Status.OK, "it is called before Istio"),
        Check(
            "life",
            "installation",
            Status.WARNING,
            "the certificate expires in 2 days",
            ("Secret source-ip/tls .data: 2026-01-02",),
            "source-ip-webhook certificates rotate",
        ),
        Check("istio", "mesh", Status.UNKNOWN, "the version cannot be read"),
        Check("probe", "probe", Status.FAILED, "a Pod came back unchanged", cure="Look above."),
    )
)
