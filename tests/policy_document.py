"""The chart's policies, written by the code that ``source-ip-webhook policy`` prints them with.

``python -m tests.policy_document`` writes the two templates, and the lists of docs/policy.md; tests
hold them to the code. What an admin chooses is a mark while the YAML is written, and Helm's own
expression afterwards.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.e2e.policy.exceptions import EXCEPTIONS, Difference
from tests.situations import SITUATIONS
from webhook.admission.options import Options
from webhook.policy.cel import of_rule
from webhook.policy.choices import EXCLUDED, Choices
from webhook.policy.objects import SUBJECTS
from webhook.policy.text import mutating_text, reporting_text

TEMPLATES: Final = Path(__file__).parents[1] / "charts" / "source-ip-webhook" / "templates"

_DO_NOT_EDIT: Final = """\
{{- /* Written by `python -m tests.policy_document` from webhook/policy: change that, not this. */}}
"""
_NAMES: Final = """\
{{- /* Cluster-wide, so the namespace is in the names; no namespace's name has a dot. */}}
{{- $prefix := printf "%s.%s" .Release.Namespace (include "source-ip-webhook.fullname" .) }}
{{- $excluded := list EXCLUDED .Release.Namespace | uniq }}
""".replace("EXCLUDED", " ".join(f'"{name}"' for name in EXCLUDED))

_MARK: Final = "Mark-{}-"
"""What stands in the place of a choice; nothing that YAML would put into quotes."""


def _added_to(defaults: Iterable[str], value: str) -> str:
    """Write, as Helm has it, a list of the admin's with defaults before it."""
    first = " ".join(f'"{each}"' for each in sorted(defaults))
    return f"{{{{ concat (list {first}) .Values.{value} | uniq | sortAlpha | toJson | quote }}}}"


def _boolean(value: str) -> str:
    return f"{{{{ .Values.{value} | quote }}}}"


def _text(value: str) -> str:
    return f"{{{{ .Values.{value} | squote | quote }}}}"


VARIABLES: Final = {
    "labelKey": _text("labelKey"),
    "sidecarTemplates": _added_to(Options().sidecar_templates, "sidecarTemplates"),
    "sandboxedRuntimeClasses": _added_to(
        Options().sandboxed_runtime_classes, "sandboxedRuntimeClasses"
    ),
    "requireInjectionLabel": _boolean("requireInjectionLabel"),
    "ignorePodSecurity": _boolean("ignorePodSecurity"),
    "inboundLocalhost": _boolean("inboundLocalhost"),
    "serviceTrafficPolicy": _text("serviceTrafficPolicy"),
    "nodePorts": _boolean("nodePorts"),
    "eastWestGateways": _boolean("eastWestGateways"),
    "servicesWithoutSelector": _boolean("servicesWithoutSelector"),
    "sharedAddresses": _boolean("sharedAddresses"),
    "ciliumL2": _boolean("ciliumL2"),
    "azurePlsProxyProtocol": _boolean("azurePlsProxyProtocol"),
}
"""The options, each as an expression of Helm's that writes its CEL."""

_MARKED: Final = Choices(
    prefix=_MARK.format("prefix"),
    api_version=_MARK.format("version"),
    failure_policy=_MARK.format("failure-policy"),
    label_key=_MARK.format("label-key"),
    excluded=(_MARK.format("excluded"),),
    variables={name: _MARK.format(name) for name in VARIABLES},
)
_METADATA: Final = (
    'metadata:\n  {{- include "source-ip-webhook.clusterMetadata" '
    '(dict "context" . "selector" "policySelector" "name" (print $prefix "%s")) | nindent 2 }}\n'
)


def mutating() -> str:
    """Write the template of the policies that give the settings."""
    return (
        _DO_NOT_EDIT
        + '{{- if eq "policy" .Values.backend }}\n'
        + _NAMES
        + '{{- $version := include "source-ip-webhook.policyVersion" . }}\n'
        + _for_helm("---\n".join(mutating_text(_MARKED)))
        + "{{- end }}\n"
    )


def reporting() -> str:
    """Write the template of the policies that report."""
    return (
        _DO_NOT_EDIT
        + "{{- if .Values.reportPolicy.enabled }}\n"
        + _NAMES
        + _for_helm("---\n".join(reporting_text(_MARKED)))
        + "{{- end }}\n"
    )


def _for_helm(text: str) -> str:
    """Put Helm's expressions in the place of the marks."""
    assert "{{" not in text, "Helm would take this for an expression of its own"
    prefix, excluded = map(re.escape, (_MARKED.prefix, *_MARKED.excluded))
    text = re.sub(
        rf"^metadata:\n  name: {prefix}(.*)\n",
        lambda match: _METADATA % match[1],
        text,
        flags=re.MULTILINE,
    )
    text = re.sub(rf"values:\n +- {excluded}\n", "values: {{ toJson $excluded }}\n", text)
    text = re.sub(rf"{prefix}(\S*)", r'{{ print $prefix "\1" | quote }}', text)
    for mark, expression in (
        (_MARKED.api_version, "{{ $version }}"),
        (_MARKED.failure_policy, "{{ .Values.failurePolicy }}"),
        (_MARKED.label_key, "{{ .Values.labelKey | quote }}"),
        *((_MARKED.variables[name], VARIABLES[name]) for name in VARIABLES),
    ):
        text = text.replace(mark, expression)
    assert "Mark-" not in text
    return text


DOCUMENT: Final = Path(__file__).parents[1] / "docs" / "policy.md"


def differences() -> str:
    """Write, for each rule that the policies follow differently, in what."""
    entries = (
        (rule, of_rule(subject.rules, rule))
        for subject in SUBJECTS
        for rule in subject.mutation.all_rules
    )
    return "".join(
        f"- `{rule.__module__.rpartition('.')[2]}.{rule.__name__}`: {entry.differs}\n"
        for rule, entry in entries
        if entry.differs
    )


def exceptions() -> str:
    """Write the table of situations that are judged differently."""
    grouped: dict[tuple[str, Difference], list[str]] = {}
    for situation in SITUATIONS:
        if (found := EXCEPTIONS.get(situation.says)) is not None:
            grouped.setdefault((situation.reason, found), []).append(situation.says)
    lines = [
        f"| {'<br>'.join(says)} | `{reason}` | `{found.reason}` | {found.why} |"
        for (reason, found), says in grouped.items()
    ]
    return "\n".join(["| situation | webhook | policy | why |", "|---|---|---|---|", *lines, ""])


LISTS: Final = {"differences": differences, "exceptions": exceptions}
"""The generated parts of the document, by the comment that stands before them."""


def documented(text: str) -> str:
    """Put the lists into the document.

    Args:
        text: The document, with whatever stands in their places.
    """
    for name, made in LISTS.items():
        before, start, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->")
        text = f"{before}{start}{made()}{end}{after}"
    return text


PARTS: Final = {"policy.yaml": mutating, "reportpolicy.yaml": reporting}
"""The templates, each with what writes it."""


def write() -> None:
    """Write the templates into the chart, and the lists into the document."""
    for name, made in PARTS.items():
        (TEMPLATES / name).write_text(made())
    DOCUMENT.write_text(documented(DOCUMENT.read_text()))


if __name__ == "__main__":
    write()
