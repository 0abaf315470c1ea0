"""The chart's policies, written by the code that ``source-ip-webhook policy`` prints them with.

``python -m tests.policy_document`` writes the two templates; a test holds them to the code. What an
admin chooses is a mark while the YAML is written, and Helm's own expression afterwards.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from webhook.admission.options import Options
from webhook.policy.choices import EXCLUDED, Choices
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


PARTS: Final = {"policy.yaml": mutating, "reportpolicy.yaml": reporting}
"""The templates, each with what writes it."""


def write() -> None:
    """Write the templates into the chart."""
    for name, made in PARTS.items():
        (TEMPLATES / name).write_text(made())


if __name__ == "__main__":
    write()
