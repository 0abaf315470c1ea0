"""The command line: what is given well works, what is given badly gets one clear sentence."""

import json
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from webhook import __version__
from webhook.cli import main
from webhook.offline.apiserver import Applier

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {}}}
"""


@pytest.fixture(autouse=True)
def restored_logs() -> Iterator[None]:
    """Leave logging as it was found."""
    before = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:], logging.root.level = before


def run(*args: str, stdin: str = "", **environment: str) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(main, args, input=stdin, env=environment)


def namespaces_file(folder: Path) -> str:
    """Write a file of namespaces."""
    file = folder / "namespaces.yaml"
    file.write_text("{apiVersion: v1, kind: Namespace, metadata: {name: a}}")
    return str(file)


def sentence(result: Result) -> str:
    """Take the sentence of an error out of what was printed."""
    return result.stderr.rpartition("Error: ")[2].strip()


@pytest.mark.parametrize(
    "arguments", [["-m", "webhook"], ["-c", "from webhook.cli import main; main()"]]
)
def test_module_is_the_command(arguments: list[str]) -> None:
    """``python -m webhook`` is the console script."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, *arguments, "--version"], capture_output=True, text=True, check=True
    )

    assert done.stdout == f"source-ip-webhook, version {__version__}\n"


@pytest.mark.parametrize("command", ["serve", "demo", "preview"])
def test_every_command_explains_itself(command: str) -> None:
    """``-h`` says what a command does, and which flags it has."""
    result = run(command, "-h")

    assert result.exit_code == 0
    assert "--label-key" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--tls-cert", "c"],
        ["--tls-key", "k"],
        ["--tls-cert", "c", "--tls-key", "k", "--tls-self-signed", "d"],
        ["--tls-cert", "c", "--tls-self-signed", "d"],
        ["--tls-managed", "--tls-self-signed", "d"],
        ["--tls-managed", "--tls-cert", "c", "--tls-key", "k"],
    ],
)
def test_serve_wants_one_certificate(arguments: list[str]) -> None:
    """None, half a pair and two sources at once are refused with what to give instead."""
    result = run("serve", *arguments)

    assert result.exit_code == 2
    assert sentence(result).startswith("A webhook needs one certificate: give --tls-managed")


def test_certificate_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    """Missing files are named, with what to do."""
    missing, known = str(tmp_path / "none.crt"), namespaces_file(tmp_path)
    result = run("serve", "--tls-cert", missing, "--tls-key", missing, "--namespaces", known)

    assert result.exit_code == 2
    assert sentence(result).endswith("Put a PEM certificate and its own unencrypted key there.")


def test_name_of_a_client_needs_its_authority() -> None:
    """Anybody can write any name into a certificate."""
    result = run("serve", "--tls-self-signed", "d", "--client-name", "kube-apiserver")

    assert result.exit_code == 2
    assert sentence(result).endswith("give --client-ca FILE with --client-name.")


def test_authority_of_clients_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    """A file that cannot tell who may call is named, with what to do."""
    source = ("--tls-self-signed", str(tmp_path / "tls"), "--namespaces", namespaces_file(tmp_path))
    result = run("serve", *source, "--client-ca", str(tmp_path / "none"), "--client-name", "a")

    assert result.exit_code == 2
    assert sentence(result).startswith(f"{tmp_path / 'none'} cannot tell who may call")
    assert "issued the API server's client certificate" in sentence(result)


def test_folder_with_foreign_certificates_is_kept(tmp_path: Path) -> None:
    """A self-signed certificate never takes the place of somebody's own."""
    (tmp_path / "tls.key").write_text("mine")
    result = run("serve", "--tls-self-signed", str(tmp_path))

    assert result.exit_code == 2
    assert sentence(result).endswith("Choose an empty folder.")
    assert (tmp_path / "tls.key").read_text() == "mine"


def test_namespaces_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    """A missing file of namespaces is named."""
    missing = tmp_path / "none.yaml"
    result = run("serve", "--tls-self-signed", str(tmp_path / "tls"), "--namespaces", str(missing))

    assert result.exit_code == 2
    assert str(missing) in sentence(result)


def test_cluster_that_nothing_tells_of_is_a_sentence(tmp_path: Path) -> None:
    """Outside a cluster, without a kubeconfig, the way out is named."""
    result = run(
        "serve",
        *("--tls-self-signed", str(tmp_path / "tls")),
        KUBECONFIG=str(tmp_path / "none"),
        KUBERNETES_SERVICE_HOST="",
    )

    assert result.exit_code == 2
    assert sentence(result).endswith("or name a kubeconfig with the variable KUBECONFIG.")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--tls-self-signed", ""], "This is empty; name a file or a folder."),
        (["--namespaces", ""], "This is empty; name a file or a folder."),
        (["--drain", "nan"], "nan is no number of seconds."),
        (["--port", "-1"], "-1 is not in the range 0<=x<=65535."),
    ],
)
def test_values_that_mean_nothing_are_refused(arguments: list[str], why: str) -> None:
    """Empty paths and numbers that are none end with a sentence, before anything starts."""
    result = run("serve", *arguments)

    assert result.exit_code == 2
    assert sentence(result).endswith(why)


def test_variable_that_kubernetes_sets_is_no_port(tmp_path: Path) -> None:
    """Beside a Service of our name the variable of --port holds a URL, which means the default."""
    url = "tcp://10.0.0.1:443"
    source = ("--tls-cert", "a", "--tls-key", "b", "--namespaces", namespaces_file(tmp_path))
    result = run("serve", *source, SOURCE_IP_WEBHOOK_PORT=url)

    assert sentence(result).startswith("a and b cannot be served")


def test_port_that_is_taken_is_a_sentence(tmp_path: Path) -> None:
    """A port of somebody else's is named, and how to choose another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run(
            *("serve", "--tls-self-signed", str(tmp_path / "tls"), "--host", "127.0.0.1"),
            *("--port", str(port), "--namespaces", namespaces_file(tmp_path)),
        )

    assert result.exit_code == 2
    assert sentence(result) == (
        f"Port {port} of 127.0.0.1 cannot be listened on: Address already in use. Choose another "
        "with --host, --port or --ops-port."
    )


@pytest.mark.parametrize("command", [["serve"], ["demo"], ["preview"]])
def test_label_key_must_be_one(command: list[str]) -> None:
    """What Kubernetes would not take as a label's key is refused before anything starts."""
    result = run(*command, "--label-key", "no such/key!")

    assert result.exit_code == 2
    assert "'no such/key!' cannot be the key of a label" in sentence(result)


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


CONFLICT = """\
apiVersion: v1
kind: Service
metadata: {name: lb}
spec: {type: LoadBalancer, selector: {app: lb}, externalTrafficPolicy: Cluster}
"""


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


def shell(line: str, stdin: str = DEPLOYMENT) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which ``$P`` is the command."""
    program = f"{sys.executable} -m webhook"
    return subprocess.run(  # noqa: S603
        ["/bin/sh", "-c", line.replace("$P", program)],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("$P preview <&-", "Standard input is closed: name files with -f."),
        ("$P preview >&-", "Standard output is closed: send it somewhere."),
        (
            "$P preview -o yaml > /dev/full",
            "The output cannot be written: No space left on device.",
        ),
        ("$P preview > /dev/full", "The output cannot be written: No space left on device."),
        ("$P demo > /dev/full", "The output cannot be written: No space left on device."),
        (
            "PYTHONIOENCODING=ascii $P preview -o yaml",
            (
                "The output has '\\xe9', which ascii cannot express: set PYTHONIOENCODING=utf-8, "
                "and spell names in UTF-8."
            ),
        ),
    ],
)
def test_streams_that_fail_are_a_sentence(line: str, expected: str) -> None:
    """What the shell did to a stream is said in one line, with code 2 and no traceback."""
    done = shell(line, stdin=f"# caf\u00e9\n{DEPLOYMENT}")

    assert (done.returncode, done.stderr) == (2, f"Error: {expected}\n")


@pytest.mark.parametrize("command", ["preview", "preview -o yaml", "demo"])
def test_reader_that_goes_away_is_no_error(command: str) -> None:
    """A pipe into ``head`` that has seen enough ends quietly."""
    done = shell(f"{{ sleep 0.1; $P {command}; echo $? >&2; }} | true")

    assert done.stderr == "1\n"


def test_demo_shows_the_guide() -> None:
    """The demo needs nothing but itself."""
    result = run("demo")

    assert result.exit_code == 0
    assert "opted-in   Deployment/httpbin" in result.stdout


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("tempfile.tempdir", "The demo needs a temporary folder, and none can be made: No such"),
        ("certs.contents.KEY", "Certificates cannot be written to "),
    ],
)
def test_demo_without_room_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, why: str
) -> None:
    """A read-only root and a full disk are no traceback."""
    monkeypatch.setattr(place, str(tmp_path / "none" / "x"))
    result = run("demo")

    assert result.exit_code == 2
    assert why in result.stderr
    assert "Traceback" not in result.stderr


def test_demo_of_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    """A wrong file name ends with a sentence and code 2."""
    result = run("demo", "-f", str(tmp_path / "none.yaml"))

    assert result.exit_code == 2
    assert "cannot be read" in sentence(result)
