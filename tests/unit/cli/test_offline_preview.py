"""``preview``: its input, its forms of output, its flags and its exit codes."""

import json
from pathlib import Path

import click
import pytest

from tests.unit.cli.running import CONFLICT, DEPLOYMENT, run, sentence
from webhook.admission.decision import Outcome
from webhook.cli import main
from webhook.offline.apiserver import Applier


def test_preview_reads_standard_input() -> None:
    """Manifests can be piped in."""
    result = run("preview", stdin=DEPLOYMENT)

    assert result.exit_code == 0
    assert "Deployment/web  patched  added" in result.stdout


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("yaml", '{"sidecar.istio.io/interceptionMode": "TPROXY"}'),
        ("diff", "+++ b/"),
        ("json", '"outcome": "patched"'),
    ],
)
def test_preview_has_other_forms(tmp_path: Path, output: str, expected: str) -> None:
    """The settings can be had as manifests, as a diff and as JSON."""
    manifest = tmp_path / "web.yaml"
    manifest.write_text(DEPLOYMENT)
    result = run("preview", "-f", str(manifest), "-o", output)

    assert result.exit_code == 0
    assert expected in result.stdout


def test_preview_assumes_what_it_is_told() -> None:
    """The label of a namespace that is not among the manifests is the caller's to say."""
    result = run("preview", "--assume", "north-south", "-n", "shop", stdin=DEPLOYMENT)

    assert "shop       Deployment/web  skipped  namespace-not-opted-in" in result.stdout


def test_preview_depends_on_who_applies() -> None:
    """A written Cluster is kept where the API server gets to see that it was written."""
    reasons = {
        who: json.loads(run("preview", "--applied-by", who, "-o", "json", stdin=CONFLICT).stdout)[
            0
        ]["reason"]
        for who in map(str, Applier)
    }

    assert reasons == {
        "kubectl": "explicit-cluster",
        "server-side": "explicit-cluster",
        "create": "added",
        "helm3": "added",
        "helm4": "explicit-cluster",
    }


@pytest.mark.parametrize(("flag", "values"), [("applied_by", Applier), ("fail_on", Outcome)])
def test_preview_knows_every_value(flag: str, values: type[Applier | Outcome]) -> None:
    """The values of a flag that are written out are those of its enum, in the same order."""
    (choice,) = (each.type for each in main.commands["preview"].params if each.name == flag)

    assert isinstance(choice, click.Choice)
    assert list(choice.choices) == [value.value for value in values]


def test_preview_takes_files_without_a_flag(tmp_path: Path) -> None:
    """Files are named with -f or without, and folders in folders are read where -R asks for it."""
    manifest = tmp_path / "deep" / "er" / "web.yaml"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(DEPLOYMENT)
    other = tmp_path / "lb.yaml"
    other.write_text(CONFLICT)

    both = run("preview", str(manifest), "-f", str(other))
    assert both.stdout.index("Service/lb") < both.stdout.index("Deployment/web")
    assert "Deployment/web" in run("preview", "-R", str(tmp_path / "deep")).stdout
    assert "-R reads the folders" in sentence(run("preview", str(tmp_path / "deep")))


@pytest.mark.parametrize("command", ["preview", "demo"])
def test_files_that_are_left_out_are_told_of(tmp_path: Path, command: str) -> None:
    """What is no manifest but the plan of some is left out, and said beside the output."""
    (tmp_path / "web.yaml").write_text(DEPLOYMENT)
    (tmp_path / "kustomization.yaml").write_text("resources: [web.yaml]")
    result = run(command, "-f", str(tmp_path))

    assert result.exit_code == 0
    assert result.stderr.startswith(f"{tmp_path}/kustomization.yaml was left out")
    assert "Deployment/web" in result.stdout


SHOP = """apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: %s}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {spec: {}}}
"""


@pytest.mark.parametrize(
    ("level", "flags", "reason"),
    [
        ("privileged", [], "namespace-not-opted-in"),
        ("privileged", ["--assume", "enabled"], "namespace-not-opted-in"),
        ("privileged", ["--label", "shop=enabled"], "added"),
        ("privileged", ["--label", "shop=enabled", "--label", "x=disabled"], "added"),
        ("privileged", ["--label", "shop=north-south"], "namespace-not-opted-in"),
        ("restricted", ["--label", "shop=enabled"], "pod-security"),
    ],
)
def test_preview_of_a_label_that_is_not_there_yet(
    level: str, flags: list[str], reason: str
) -> None:
    """A bundle that ships its own namespace can be asked about with the label put on."""
    result = run("preview", *flags, stdin=SHOP % level)

    assert f"Deployment/web  skipped  {reason}" in result.stdout or reason == "added"
    assert ("patched" in result.stdout) is (reason == "added")
    assert ("--label shop=enabled shows" in result.stdout) is ("--label" not in flags)


@pytest.mark.parametrize("value", ["shop", "shop=on", "=enabled", ""])
def test_preview_of_a_label_that_is_none(value: str) -> None:
    """What is no namespace with one of the four values is refused, with an example."""
    result = run("preview", "--label", value, stdin=DEPLOYMENT)

    assert result.exit_code == 2
    assert f"{value!r} is not NAMESPACE=VALUE: write one such as shop=enabled" in sentence(result)


def test_exit_code_is_for_diffs() -> None:
    """A flag that would be without effect is refused."""
    result = run("preview", "--exit-code", stdin=DEPLOYMENT)

    assert result.exit_code == 2
    assert sentence(result) == "--exit-code tells of differences, so it needs -o diff."


def test_preview_takes_its_flags_from_the_environment() -> None:
    """Every flag is also an environment variable."""
    result = run("preview", stdin=DEPLOYMENT, SOURCE_IP_WEBHOOK_ASSUME="disabled")

    assert "namespace-not-opted-in" in result.stdout


def test_preview_of_broken_yaml_is_a_sentence() -> None:
    """YAML that does not parse ends with the place and the cause, and code 2."""
    result = run("preview", stdin="a: [1")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert sentence(result).startswith("stdin:")


BROKEN = f"a: [1\n---\n{DEPLOYMENT}---\napiVersion: v1\nkind: Pod\n"


def test_one_bad_document_costs_that_document() -> None:
    """The others are shown, and the exit code says that something was left out."""
    result = run("preview", stdin=BROKEN)

    assert result.exit_code == 1
    assert "Deployment/web  patched  added" in result.stdout
    first, second = result.stderr.splitlines()
    assert first.startswith("stdin:2: this is not valid YAML")
    assert "Pod has no name" in second


@pytest.mark.parametrize("output", ["yaml", "diff"])
def test_incomplete_manifests_are_not_written(output: str) -> None:
    """Nothing is lost unseen: a stream of which something is missing must be asked for."""
    result = run("preview", "-o", output, stdin=BROKEN)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--keep-going" in result.stderr

    result = run("preview", "-o", output, "--keep-going", stdin=BROKEN)
    assert result.exit_code == 1
    assert "sidecar.istio.io/interceptionMode" in result.stdout
    if output == "yaml":
        assert "a: [1\n---\n" in result.stdout


def test_every_document_is_bad() -> None:
    """Where nothing can be shown every sentence is, and the exit code says so."""
    result = run("preview", stdin="a: [\n---\nb: [\n")

    assert (result.exit_code, result.stdout) == (2, "")
    first, second = result.stderr.splitlines()
    assert first.startswith("Error: stdin:2: this is not valid YAML")
    assert second.startswith("stdin:4: this is not valid YAML")


def test_key_that_is_there_twice() -> None:
    """What kubectl reads otherwise than its author may think is a warning, and no error."""
    result = run("preview", stdin=f"{DEPLOYMENT}kind: Deployment\n")

    assert result.exit_code == 0
    assert result.stderr == (
        'Warning: stdin:5: the key "kind" is there twice in one mapping: kubectl takes the last '
        "one.\n"
    )


@pytest.mark.parametrize("output", ["yaml", "diff"])
def test_preview_warns_beside_manifests(output: str) -> None:
    """Warnings stay out of what is piped on, and are not lost."""
    result = run("preview", "-o", output, stdin=CONFLICT)

    assert result.stdout == (CONFLICT if output == "yaml" else "")
    assert result.stderr.startswith("Warning: Service/lb: externalTrafficPolicy Cluster is kept")


@pytest.mark.parametrize("output", ["table", "yaml", "diff", "json"])
@pytest.mark.parametrize(
    ("stdin", "flags", "code"),
    [
        (CONFLICT, [], 0),
        (CONFLICT, ["--fail-on", "conflict"], 1),
        (DEPLOYMENT, ["--fail-on", "conflict"], 0),
        (DEPLOYMENT, ["--fail-on", "conflict", "--fail-on", "patched"], 1),
        ("a: [1", ["--fail-on", "conflict"], 2),
    ],
)
def test_preview_for_pipelines(stdin: str, flags: list[str], code: int, output: str) -> None:
    """An outcome that must not be ends with 1, after the output; an error is told from it."""
    result = run("preview", "-o", output, *flags, stdin=stdin)

    assert result.exit_code == code
    assert result.stdout == run("preview", "-o", output, stdin=stdin).stdout


@pytest.mark.parametrize(
    ("stdin", "code"), [(CONFLICT, 0), (DEPLOYMENT, 1), (f"{CONFLICT}---\n{DEPLOYMENT}", 1)]
)
def test_diff_exits_as_that_of_kubectl(stdin: str, code: int) -> None:
    """No difference is 0, some are 1, and what cannot be told is more, where a flag asks for it."""
    result = run("preview", "-o", "diff", "--exit-code", stdin=stdin)

    assert (result.exit_code, result.stdout != "") == (code, bool(code))
    assert run("preview", "-o", "diff", stdin=stdin).exit_code == 0
    assert run("preview", "-o", "diff", "--exit-code", stdin="a: [1").exit_code == 2
