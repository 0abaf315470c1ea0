"""An opted-in namespace: what the rules are asked there, and what was there before its label."""

import dataclasses
from typing import Any, Final, NamedTuple, Self, TypeVar

from webhook.admission.decision import CommonReason, Outcome, Reason, Sees
from webhook.admission.mutation import Case, Mutation
from webhook.admission.options import Options
from webhook.admission.review import Pod, Service
from webhook.admission.sidecars import Sidecars
from webhook.audit.findings import AuditReason, Evidence, Level
from webhook.audit.objects import LiveNamespace
from webhook.labels import Half, Labels, mode_of

T = TypeVar("T", Pod, Service)
CREATED: Final = ".metadata.creationTimestamp"
"""Path of the field that tells when an object was made."""
_SEEN: Final = {Sees.CLIENT, Sees.NOTHING}
"""What an application sees that has nothing to complain of."""


class Verdict(NamedTuple):
    """What the rules of admission say about an object, were it created now."""

    reason: Reason
    sees: Sees

    @property
    def gets_setting(self) -> bool:
        """Whether the object would have the setting."""
        return self.reason.outcome in {Outcome.PATCHED, Outcome.UNCHANGED}

    @property
    def level(self) -> Level | None:
        """Whether somebody has to act where it would not; ``None``: nothing is to be said.

        A person's own choice that hides the clients is a finding, also one that Istio would refuse.
        What a rule leaves alone although the clients are hidden is a note. What has opted out is
        nobody's business.
        """
        if self.reason is CommonReason.OPTED_OUT:
            return None
        if self.reason.outcome is Outcome.CONFLICT and self.sees is not Sees.CLIENT:
            return Level.FINDING
        if self.reason.outcome is Outcome.SKIPPED and self.sees not in _SEEN:
            return Level.NOTE
        return None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OptedIn:
    """A namespace whose label asks for the setting, and what the rules need to know besides."""

    name: str
    labels: Labels
    labelled: str
    """When its label came, at the latest: RFC 3339 in UTC; empty where nothing tells."""
    configuration: str
    """Name of the webhook's MutatingWebhookConfiguration."""
    installed: str
    """When that was made; empty where nothing tells."""
    options: Options
    sidecars: Sidecars

    @classmethod
    def of(
        cls,
        namespace: LiveNamespace,
        *,
        configuration: str,
        installed: str,
        options: Options,
        sidecars: Sidecars,
    ) -> Self:
        """Read a namespace.

        Args:
            namespace: As it is in the cluster.
            configuration: Name of the webhook's MutatingWebhookConfiguration.
            installed: When that was made; empty where nothing tells.
            options: What the admin chose.
            sidecars: The mesh's Sidecars, as far as they are known.
        """
        about = namespace.metadata
        return cls(
            name=about.name,
            labels=about.labels or {},
            labelled=labelled(namespace, options.label_key),
            configuration=configuration,
            installed=installed,
            options=options,
            sidecars=sidecars,
        )

    def asks_for(self, half: Half) -> bool:
        """Tell whether its label asks for a half of the product."""
        return mode_of(self.labels, self.options.label_key).includes(half)

    def case(self, subject: T) -> Case[T]:
        """Put together what a rule may look at, for an object that is created here."""
        return Case(subject, None, self.labels, self.options, self.name, self.sidecars)

    def judge(self, mutation: Mutation[Any], subject: Pod | Service) -> Verdict:
        """Ask the rules about an object as if it were created now.

        Args:
            mutation: Whose rules.
            subject: The object.
        """
        case: Case[Any] = self.case(subject)
        return Verdict(mutation.decide(case).reason, mutation.sees(case))

    def why_missing(self, created: str) -> tuple[AuditReason, tuple[Evidence, ...]]:
        """Tell why an object lacks the setting, by its age.

        Args:
            created: Its ``creationTimestamp``.

        Returns:
            The reason, and the times that show it.
        """
        age = Evidence(CREATED, created)
        label = Evidence(
            f"Namespace/{self.name} .metadata.managedFields[*].time of label "
            f"{self.options.label_key}",
            self.labelled,
        )
        webhook = Evidence(
            f"MutatingWebhookConfiguration/{self.configuration} {CREATED}", self.installed
        )
        # Times have no parts of a second, and the API server's selectors lag behind a label.
        if created <= self.labelled:
            return AuditReason.CREATED_BEFORE_LABEL, (age, label)
        if created <= self.installed:
            return AuditReason.CREATED_BEFORE_WEBHOOK, (age, webhook)
        return AuditReason.MISSED, (age, *(each for each in (label, webhook) if each.value))


def labelled(namespace: LiveNamespace, label_key: str) -> str:
    """Tell when a namespace got its label with its present value, at the latest.

    Whoever manages the label wrote its present value when the entry was written last, or before;
    of several the first to write it counts.

    Args:
        namespace: As it is in the cluster.
        label_key: Key of the label.

    Returns:
        RFC 3339 in UTC; empty where ``managedFields`` do not tell.

    Source:
        Kubernetes, Server-Side Apply, "Field management": an entry's time is that of its last
        change, and who writes another value takes the field over.
    """
    field = f"f:{label_key}"
    times = [
        each.time
        for each in namespace.metadata.managed_fields or ()
        if field in each.fields_v1.metadata.labels and each.time
    ]
    return min(times, default="")
