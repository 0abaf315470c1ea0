"""What an admin chooses about the policies, as the text that stands in them.

All of it is text, so that the chart can put its own placeholders there (``tests.policy_document``):
the chart and ``source-ip-webhook policy`` have everything else in common.
"""

import dataclasses
import enum
from collections.abc import Iterable, Mapping
from typing import Final, Self

from webhook.admission.options import Options
from webhook.labels import Half, Mode
from webhook.policy.cel import camel, literal

EXCLUDED: Final = ("kube-system", "kube-node-lease")
"""Namespaces that no policy is for, whatever their labels say."""

WITHOUT_MEANING: Final = ("root_namespace", "ignore_sidecars")
"""Options that say how Sidecars are read, which no policy can."""


class ApiVersion(enum.StrEnum):
    """A version of the kinds of mutating policies."""

    V1 = "v1"
    """From Kubernetes 1.36 on."""

    V1BETA1 = "v1beta1"
    """Of Kubernetes 1.34 and 1.35, where the cluster's owner has switched it on."""


class FailurePolicy(enum.StrEnum):
    """What becomes of an object upon which a policy cannot be evaluated."""

    IGNORE = "Ignore"
    """It is created as it is."""

    FAIL = "Fail"
    """It is refused."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What stands in the policies in the place of a choice."""

    prefix: str = "source-ip-webhook"
    """What all names begin with."""

    api_version: str = ApiVersion.V1.value
    """Version of the kinds of mutating policies."""

    failure_policy: str = FailurePolicy.IGNORE.value
    """Of the mutating policies. Those that only report always have Ignore."""

    label_key: str
    """Key of our own label."""

    excluded: tuple[str, ...] = EXCLUDED
    """Names of namespaces that no policy is for."""

    variables: Mapping[str, str]
    """The options as CEL: each with the name of its variable."""

    @classmethod
    def of(
        cls,
        options: Options,
        *,
        prefix: str = "source-ip-webhook",
        api_version: ApiVersion = ApiVersion.V1,
        failure_policy: FailurePolicy = FailurePolicy.IGNORE,
        excluded: Iterable[str] = (),
    ) -> Self:
        """Write choices down.

        Args:
            options: What changes a decision.
            prefix: What all names begin with, a DNS subdomain.
            api_version: Version of the kinds of mutating policies.
            failure_policy: Of the mutating policies.
            excluded: Names of further namespaces that no policy is for.
        """
        return cls(
            prefix=prefix,
            api_version=api_version.value,
            failure_policy=failure_policy.value,
            label_key=options.label_key,
            excluded=tuple(dict.fromkeys((*EXCLUDED, *excluded))),
            variables={
                camel(field.name): literal(_plain(getattr(options, field.name)))
                for field in dataclasses.fields(Options)
                if field.name not in WITHOUT_MEANING
            },
        )


def modes(half: Half) -> list[str]:
    """Name the values of the namespace's label that ask for a half."""
    return [mode.value for mode in Mode if mode.includes(half)]


def _plain(value: object) -> object:
    """Give a value the form in which it can be written; a set has no order of its own."""
    return sorted(value) if isinstance(value, frozenset) else value
