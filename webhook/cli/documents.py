"""Reports as programs read them: an object with apiVersion and kind, in JSON or YAML.

Their schemas are in docs/schemas, made from these types.
"""

from typing import Any, Final, Literal, TextIO, TypeAlias

import msgspec
import yaml

from webhook.audit import findings
from webhook.doctor import checks

Report: TypeAlias = findings.Report | checks.Report
API_VERSION: Final = "source-ip-webhook.io/v1alpha1"
"""Goes up when a field goes away or changes its meaning; fields may be added at any time."""

_UNLIMITED: Final = -1
"""A line's width as libyaml has it, for lines that stay in one piece."""


def _document(kind: str, report: type[Report], says: str) -> type[msgspec.Struct]:
    """Make the type of a document: the fields of a report, and around them what programs need.

    Args:
        kind: As Kubernetes' objects have it.
        report: The report.
        says: What it is, for the schema.
    """
    head = [("apiVersion", Literal["source-ip-webhook.io/v1alpha1"]), ("kind", Literal[kind])]
    body = [(field.encode_name, field.type) for field in msgspec.structs.fields(report)]
    return msgspec.defstruct(
        kind,
        [*head, *body, ("exitCode", Literal[0, 1, 2])],
        namespace={"__doc__": says},
        frozen=True,
    )


DOCUMENTS: Final[dict[type[Report], type[msgspec.Struct]]] = {
    findings.Report: _document("Audit", findings.Report, "What `source-ip-webhook audit` says."),
    checks.Report: _document("Doctor", checks.Report, "What `source-ip-webhook doctor` says."),
}
"""The type of the document that a report becomes."""


def document(report: Report) -> Any:
    """Make the document of a report, of its type in :data:`DOCUMENTS`."""
    type_ = DOCUMENTS[type(report)]
    values = (getattr(report, field.name) for field in msgspec.structs.fields(report))
    return type_(API_VERSION, type_.__name__, *values, report.exit_code)


def write(report: Report, output: str, stream: TextIO) -> None:
    """Write the document of a report.

    Args:
        report: What to write.
        output: ``json`` or ``yaml``.
        stream: Where to.
    """
    content = document(report)
    if output == "json":
        text = msgspec.json.format(msgspec.json.encode(content), indent=2).decode()
        stream.write(text + "\n")
        return
    yaml.dump(
        msgspec.to_builtins(content),
        stream,
        Dumper=yaml.CSafeDumper,
        sort_keys=False,
        allow_unicode=True,
        width=_UNLIMITED,
    )
