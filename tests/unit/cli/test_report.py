"""The output of audit and doctor: tables for people, documents for programs, and their schemas."""

import io
import json
import re
import sys
from typing import Any

import msgspec
import pytest
import yaml

from tests import schemas_document
from tests.unit.audit.reports import (
    AUDIT,
    CLEAN,
    DEPLOYMENT,
    DOCTOR,
    RESTART,
    SERVICE,
    SET_LOCAL,
    audit,
    finding,
)
from webhook.audit.findings import AuditReason, Cure, Evidence, Live, Unknown
from webhook.audit.findings import Report as Audit
from webhook.cli.documents import DOCUMENTS, Report
from webhook.cli.report import deliver, write
from webhook.cli.shared import Failure
from webhook.doctor import checks
from webhook.doctor.checks import Check, Status


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what would make the stream look like something else."""
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")


def shown(report: Report, output: str = "table", stream: io.StringIO | None = None) -> str:
    """Show a report."""
    stream = stream or io.StringIO()
    write(report, output, stream)
    return stream.getvalue()


def test_table_of_an_audit_in_a_pipe() -> None:
    """In a pipe findings stand before notes, each in one line; below is what to know and to do."""
    assert shown(AUDIT) == (
        "NAMESPACE  OWNER                                   OBJECTS  REASON                "
        "EVIDENCE\n"
        "shop       Deployment/web (Helm release shop/web)  500      created-before-label  "
        "creationTimestamp: 2026-01-02T03:04:05Z\n"
        "shop       Service/gateway                         500      switched-back         "
        "policy: Cluster\n"
        "shop       Service/gateway                         500      fewer-nodes           "
        "ready nodes: 2 of 3\n"
        "\n"
        "created-before-label: the object is older than its namespace's label, and the webhook "
        "acts on creation only.\n"
        "switched-back: the Service was created under the label, and somebody has set Cluster "
        "since.\n"
        "fewer-nodes: the Service is Local and its ready pods are on some of the load balancer's "
        "nodes only, which its health check has to find out.\n"
        "\n"
        "What mends it:\n"
        "  # The new Pods are created under the label.\n"
        "  kubectl -n shop rollout restart deployment/web\n"
        "  kubectl -n shop patch service/gateway --type merge "
        """-p '{"spec":{"externalTrafficPolicy":"Local"}}'\n"""
        "\n"
        'Could not tell, Pods of namespace bank: user "x" may not list pods there\n'
        "2 findings at 2 owners, 1 note; 501 Pods and 1 Service in 1 namespace.\n"
    )


def test_one_command_for_several_findings_is_printed_once() -> None:
    """What mends two findings of an owner is there once, and so is the reason's sentence."""
    table = shown(audit(finding(), finding()))

    assert table.count(RESTART.command) == 1
    assert table.count("created-before-label:") == 1
    assert "2 findings at 1 owner, 0 notes" in table


def test_notes_that_nothing_mends_have_no_commands() -> None:
    """Without a command and without advice nothing is announced."""
    assert "What mends it" not in shown(audit(finding(cure=Cure(command=""))))


def test_fields_are_shortened_for_people_only() -> None:
    """A table names what a path ends with, and is one of; JSON has what kubectl takes."""
    for field, end in (
        ('.spec.containers[?(@.name=="istio-proxy")].env[?(@.name=="A")].value', "A"),
        ('.spec.initContainers[?(@.name=="istio-init")].args', "istio-init"),
        ('.status.containerStatuses[?(@.name=="app")].restartCount', "app restartCount"),
        (r".metadata.annotations.sidecar\.istio\.io/status", "sidecar.istio.io/status"),
        ("/proc/net/tcp", "/proc/net/tcp"),
    ):
        report = audit(finding(DEPLOYMENT, AuditReason.MISSED, RESTART, Evidence(field, "x")))

        assert f"  {end}: x\n" in shown(report)
        assert json.loads(shown(report, "json"))["findings"][0]["evidence"][0]["field"] == field


def test_clean_audit_says_so() -> None:
    """Without findings there is no table, and what was looked at is counted."""
    assert shown(CLEAN) == (
        "Every application sees its clients.\n"
        "0 findings, 0 notes; 501 Pods and 1 Service in 1 namespace.\n"
    )


def test_audit_of_no_namespace_tells_how_to_opt_in() -> None:
    """A cluster without the label has nothing to look at, unless that could not be told."""
    nothing = Audit("key", (), 0, 0, (), ())
    failed = Audit("key", (), 0, 0, (), (Unknown("namespaces", "nobody answers"),))

    assert shown(nothing).startswith("No namespace is opted in: label one with key=enabled.\n")
    assert shown(failed).startswith("Could not tell, namespaces: nobody answers\n")


def test_terminal_gets_lines_that_fit_it_but_whole_commands() -> None:
    """On a narrow terminal cells go on in the next line; a command does not."""
    table = shown(AUDIT, stream=Terminal())
    lines = re.sub(r"\x1b\[[\d;]+m", "", table).splitlines()

    assert "\x1b[33m" in table
    assert max(map(len, lines[: lines.index("")])) <= 80
    assert not [line for line in lines if line.endswith(" ")]
    assert any("created-  " in line for line in lines)
    assert f"  {SET_LOCAL.command}" in lines


def test_wide_terminal_gets_whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where lines fit, the table is the one that a pipe gets."""
    monkeypatch.setenv("COLUMNS", "200")

    assert re.sub(r"\x1b\[[\d;]+m", "", shown(AUDIT, stream=Terminal())) == shown(AUDIT)


def test_what_was_seen_in_pods_is_a_table_of_its_own() -> None:
    """Addresses are named, and no connection is no good news."""
    seen = (
        Live("shop", DEPLOYMENT, ("web-1",), 2, 0, ("127.0.0.6",)),
        Live("shop", SERVICE, ("a", "b"), 0, 1, ("10.244.1.10",)),
        Live("shop", SERVICE, ("a",), 0, 0, ()),
    )
    report = msgspec.structs.replace(CLEAN, live=seen)

    assert shown(report) == (
        "NAMESPACE  OWNER            PODS  FROM SIDECAR  FROM OTHERS  CONNECTED TO\n"
        "shop       Deployment/web   1     2             0            127.0.0.6\n"
        "shop       Service/gateway  2     0             1            10.244.1.10\n"
        "shop       Service/gateway  1     0             0            no connection now\n"
        "\n"
        "Every application sees its clients.\n"
        "0 findings, 0 notes; 501 Pods and 1 Service in 1 namespace.\n"
    )
    assert seen[0].sentence == "2 from the sidecar's address, 0 from others"


def test_table_of_a_doctor() -> None:
    """Checks stand below their area; what is not OK is explained below with evidence and cure."""
    assert shown(DOCTOR) == (
        "STATUS            CHECK  FOUND\n"
        "installation\n"
        "  OK              order  it is called before Istio\n"
        "  warning         life   the certificate expires in 2 days\n"
        "mesh\n"
        "  could not tell  istio  the version cannot be read\n"
        "probe\n"
        "  failed          probe  a Pod came back unchanged\n"
        "\n"
        "life: the certificate expires in 2 days.\n"
        "  Secret source-ip/tls .data: 2026-01-02\n"
        "  source-ip-webhook certificates rotate\n"
        "\n"
        "istio: the version cannot be read.\n"
        "\n"
        "probe: a Pod came back unchanged.\n"
        "  Look above.\n"
        "\n"
        "1 OK, 1 warning, 1 failed, 1 could not tell.\n"
    )
    assert shown(checks.Report(checks=())).endswith("\nNothing was checked.\n")


def test_rights_that_are_missing_are_named_once() -> None:
    """A user who may read nothing gets one list of rights, and not one for each check."""
    said = "jane may not list pods at the cluster scope"
    needs = ("list pods", "get configmaps/istio")
    untold = [
        Check(name, "mesh", Status.UNKNOWN, said, cure=f"Allow {name}", needs=needs)
        for name in ("a", "b")
    ]

    assert shown(checks.Report(checks=tuple(untold))).endswith(
        "\n"
        "To be told the rest, this user needs (docs/doctor.md has a ClusterRole):\n"
        "  get configmaps/istio\n"
        "  list pods\n"
        "\n"
        "2 could not tell.\n"
    )


@pytest.mark.parametrize("report", [AUDIT, CLEAN, DOCTOR])
def test_json_and_yaml_are_the_same_document(report: Report) -> None:
    """Both have apiVersion and kind first, the exit code last, and all of the report between."""
    document = json.loads(shown(report, "json"))

    assert yaml.safe_load(shown(report, "yaml")) == document
    assert list(document)[:2] == ["apiVersion", "kind"]
    assert document["apiVersion"] == "source-ip-webhook.io/v1alpha1"
    assert list(document)[-1] == "exitCode"
    assert document["exitCode"] == report.exit_code
    assert shown(report, "yaml").startswith("apiVersion: source-ip-webhook.io/v1alpha1\nkind: ")
    type_ = DOCUMENTS[type(report)]
    assert msgspec.to_builtins(
        msgspec.convert(document, type_, strict=True)
    ) == msgspec.to_builtins(msgspec.json.decode(shown(report, "json"), type=type_))


def test_names_of_fields_are_those_of_kubernetes() -> None:
    """Words in one name are joined as in Kubernetes' own objects."""
    document = json.loads(shown(AUDIT, "json"))

    assert document["labelKey"] == "source-ip-preservation"
    assert document["findings"][1]["owner"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "web",
        "helmRelease": "shop/web",
    }


@pytest.mark.parametrize("name", schemas_document.SCHEMAS)
def test_published_schema_is_that_of_the_code(name: str) -> None:
    """After a change of the reports: ``python -m tests.schemas_document``."""
    assert (schemas_document.FOLDER / name).read_text() == schemas_document.text(name)


@pytest.mark.parametrize(("name", "report"), [("audit.json", AUDIT), ("doctor.json", DOCTOR)])
def test_document_has_what_the_schema_demands(name: str, report: Report) -> None:
    """Every object has the properties that its schema requires, and none that it does not know."""
    schema = json.loads(schemas_document.text(name))
    fits(json.loads(shown(report, "json")), schema, schema["$defs"])


def fits(value: Any, schema: dict[str, Any], definitions: dict[str, Any]) -> None:
    """Hold a value to the part of JSON Schema that msgspec writes."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if "enum" in schema:
        assert value in schema["enum"]
    match schema.get("type"):
        case "object":
            assert set(schema["required"]) <= set(value) <= set(schema["properties"])
            for key, each in value.items():
                fits(each, schema["properties"][key], definitions)
        case "array":
            for each in value:
                fits(each, schema["items"], definitions)
        case "string":
            assert isinstance(value, str)
        case "integer":
            assert isinstance(value, int)


def test_standard_output_gets_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    """What is delivered is what is written."""
    deliver(CLEAN, "json")

    assert capsys.readouterr().out == shown(CLEAN, "json")


def test_closed_standard_output_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can take the report, that is said."""
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(Failure, match="Standard output is closed"):
        deliver(CLEAN, "table")
