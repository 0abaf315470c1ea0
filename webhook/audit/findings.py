"""What an audit says: findings, notes and what could not be told, each with evidence and a cure.

A finding is an application that has been opted in, has not opted out, and does not see its clients.
A note is worth knowing and needs nobody. The words of reasons are those of the rules, where a rule
speaks, and those of :class:`AuditReason` for what only an existing object shows.
"""

import enum
from typing import Self

import msgspec


class Level(enum.StrEnum):
    """Whether somebody has to act."""

    FINDING = "finding"
    NOTE = "note"


class AuditReason(enum.StrEnum):
    """What only an existing object, or the objects around it, can show."""

    sentence: str
    """The reason in words, without a full stop."""
    level: Level
    """Whether somebody has to act."""

    def __new__(cls, value: str, level: Level, sentence: str) -> Self:
        """Make a member that equals its word, with its parts beside it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.level = level
        member.sentence = sentence
        return member

    # Pods
    CREATED_BEFORE_LABEL = (
        "created-before-label",
        Level.FINDING,
        "the object is older than its namespace's label, and the webhook acts on creation only",
    )
    CREATED_BEFORE_WEBHOOK = (
        "created-before-webhook",
        Level.FINDING,
        "the object is older than the webhook's configuration",
    )
    MISSED = (
        "missed",
        Level.FINDING,
        (
            "the webhook did not act when the object was created: it was not asked, or did not "
            "answer in time"
        ),
    )
    ANNOTATION_WITHOUT_EFFECT = (
        "annotation-without-effect",
        Level.FINDING,
        "the annotation says TPROXY, but the sidecar was rendered for another mode",
    )
    NO_SIDECAR = (
        "no-sidecar",
        Level.FINDING,
        "a label asks Istio to inject this pod, and it has no sidecar",
    )
    PROXY_NOT_PRIVILEGED = (
        "proxy-not-privileged",
        Level.FINDING,
        "the proxy is in TPROXY mode, but is not user 0 with NET_ADMIN, which that mode needs",
    )
    CRASH_LOOPING = (
        "crash-looping",
        Level.FINDING,
        "a container of the pod keeps ending since the pod has TPROXY",
    )
    # Services
    SWITCHED_BACK = (
        "switched-back",
        Level.FINDING,
        "the Service was created under the label, and somebody has set Cluster since",
    )
    NO_READY_ENDPOINT = (
        "no-ready-endpoint",
        Level.FINDING,
        "the Service is Local and no pod behind it is ready, so every node drops its traffic",
    )
    ONE_NODE = (
        "one-node",
        Level.FINDING,
        "the Service is Local and its ready pods are on one node only, whose loss stops everything",
    )
    FEWER_NODES = (
        "fewer-nodes",
        Level.NOTE,
        (
            "the Service is Local and its ready pods are on some of the load balancer's nodes "
            "only, which its health check has to find out"
        ),
    )
    NO_HEALTH_CHECK_PORT = (
        "no-health-check-port",
        Level.FINDING,
        (
            "the Service is Local without healthCheckNodePort, so its load balancer cannot know "
            "which nodes have a pod"
        ),
    )
    LOCAL_HARMS = (
        "local-harms",
        Level.FINDING,
        "the Service is Local where Local does harm",
    )
    GATEWAY_NOT_OPTED_IN = (
        "gateway-not-opted-in",
        Level.FINDING,
        "the gateway's namespace is not opted in although those of its backends are",
    )
    # Seen by --live
    SEES_SIDECAR = (
        "sees-sidecar",
        Level.FINDING,
        "connections of the application come from 127.0.0.6 now",
    )


class Evidence(msgspec.Struct, frozen=True):
    """One field that shows it."""

    field: str
    """Path of the field, as kubectl's jsonpath has it, after the object where it is another's; in
    words where it is no field."""
    value: str
    """What it says; ``absent`` where it is not there."""


class Owner(msgspec.Struct, frozen=True, rename="camel"):
    """Whom to act on: the workload of a Pod, or the Service itself."""

    api_version: str
    """``apps/v1``, ``v1``."""
    kind: str
    """``Deployment``."""
    name: str
    helm_release: str = ""
    """``namespace/name`` of the Helm release that it belongs to; empty where no label says so."""

    @property
    def title(self) -> str:
        """Kind and name as kubectl takes them, ``Deployment/sleep``."""
        return f"{self.kind}/{self.name}"


class Action(enum.StrEnum):
    """What ``--fix`` can do by itself."""

    RESTART = "restart"
    """Restart a Deployment, StatefulSet or DaemonSet, as ``kubectl rollout restart`` does."""
    SET_LOCAL = "set-local"
    """Set ``spec.externalTrafficPolicy: Local`` on a Service."""
    SET_CLUSTER = "set-cluster"
    """Set ``spec.externalTrafficPolicy: Cluster`` on a Service."""
    NONE = "none"
    """Nothing: a person has to decide."""


class Cure(msgspec.Struct, frozen=True):
    """What mends it."""

    command: str
    """The exact command, for a shell; empty only where nothing is to be mended, as of a note."""
    action: Action = Action.NONE
    """The same, for ``--fix``."""
    advice: str = ""
    """What else to know or to decide, one sentence; empty where the command is all."""


class Finding(msgspec.Struct, frozen=True):
    """One reason at one owner, however many objects it is true of."""

    namespace: str
    owner: Owner
    level: Level
    reason: str
    """The reason's word."""
    sentence: str
    """The reason in words."""
    evidence: tuple[Evidence, ...]
    """Of one of the objects."""
    objects: tuple[str, ...]
    """Names of a few of the objects, such as ``Pod/sleep-7d4-x2x``."""
    count: int
    """How many objects there are."""
    cure: Cure


def order(finding: Finding) -> tuple[str, str, bool, str]:
    """Sort findings: by namespace, owner and reason, findings of an owner before notes."""
    return (
        finding.namespace,
        finding.owner.title,
        finding.level is Level.NOTE,
        finding.reason,
    )


class Unknown(msgspec.Struct, frozen=True):
    """What could not be told."""

    what: str
    """What was asked for, such as ``Pods of namespace shop``."""
    why: str
    """One sentence; names the missing right where that is it."""


class Live(msgspec.Struct, frozen=True):
    """Whom the applications of an owner were connected to when somebody looked into its Pods."""

    namespace: str
    owner: Owner
    pods: tuple[str, ...]
    """Names of the Pods that were looked into."""
    sidecar: int
    """Connections from 127.0.0.6 or ::6."""
    others: int
    """Connections from other addresses, as clients have them."""
    peers: tuple[str, ...]
    """A few of all these addresses."""

    @property
    def sentence(self) -> str:
        """What was seen, in words."""
        if not self.sidecar and not self.others:
            return "no connection now"
        return f"{self.sidecar} from the sidecar's address, {self.others} from others"


class Report(msgspec.Struct, frozen=True, rename="camel", tag_field="kind", tag="Audit"):
    """Everything that one audit says."""

    label_key: str
    namespaces: tuple[str, ...]
    """The opted-in namespaces that were read, in order."""
    pods: int
    """Pods that were looked at."""
    services: int
    """Services that were looked at."""
    findings: tuple[Finding, ...]
    """Findings and notes: by namespace, owner and reason, findings of an owner before notes."""
    unknown: tuple[Unknown, ...]
    live: tuple[Live, ...] = ()
    """What was seen in running Pods, where somebody looked: by namespace and owner."""

    @property
    def exit_code(self) -> int:
        """0 clean, 1 findings, 2 could not tell."""
        if any(each.level is Level.FINDING for each in self.findings):
            return 1
        return 2 if self.unknown else 0
