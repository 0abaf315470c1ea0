"""What ``audit --fix`` is going to do: one step for each owner that it can act on."""

from typing import Final, NamedTuple
from urllib.parse import quote

from webhook.audit import rollout
from webhook.audit.findings import Action, Finding, Level, Owner, Report

POLICIES: Final = {Action.SET_LOCAL: "Local", Action.SET_CLUSTER: "Cluster"}
"""The value of externalTrafficPolicy that an action sets."""


class Step(NamedTuple):
    """What is done at one owner."""

    namespace: str
    owner: Owner
    action: Action
    findings: tuple[Finding, ...]
    """What it mends."""

    def __str__(self) -> str:
        """Say what is going to be done, and why, in one line."""
        reasons = ", ".join(dict.fromkeys(each.reason for each in self.findings))
        what = f"{self.verb} {self.title}"
        if self.action is not Action.RESTART:
            return f"{what}: {reasons}"
        pods = sum(each.count for each in self.findings)
        return f"{what}: {pods} of its Pods, {reasons}"

    @property
    def verb(self) -> str:
        """What is done, as the beginning of a sentence."""
        policy = POLICIES.get(self.action)
        return "restart" if policy is None else f"set externalTrafficPolicy: {policy} on"

    @property
    def title(self) -> str:
        """Which owner it is."""
        return f"{self.owner.title} in {self.namespace}"

    @property
    def path(self) -> str:
        """Of the owner in the API, quoted."""
        name, namespace = quote(self.owner.name, ""), quote(self.namespace, "")
        if self.action is not Action.RESTART:
            return f"/api/v1/namespaces/{namespace}/services/{name}"
        plural = rollout.PLURALS[self.owner.kind]
        return f"/apis/apps/v1/namespaces/{namespace}/{plural}/{name}"


def plan(report: Report) -> tuple[Step, ...]:
    """Make one step for each owner that we can act on.

    Args:
        report: What was found; notes need nobody.
    """
    owners: dict[tuple[str, Owner, Action], list[Finding]] = {}
    for each in report.findings:
        if each.level is Level.FINDING and each.cure.action is not Action.NONE:
            owners.setdefault((each.namespace, each.owner, each.cure.action), []).append(each)
    return tuple(Step(*key, tuple(findings)) for key, findings in owners.items())
