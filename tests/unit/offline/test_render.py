"""What a preview looks like."""

import io
import json

import pytest

from webhook.manifests.documents import ManifestError
from webhook.manifests.objects import find_objects
from webhook.offline.preview import build_preview
from webhook.offline.render import Output, warnings_beside, write
from webhook.offline.sources import guide
from webhook.offline.table import write_table

LB = """\
apiVersion: v1
kind: Service
metadata:
  name: lb
spec:
  selector: {app: lb}
  type: LoadBalancer"""
CONFLICT = f"{LB}\n  externalTrafficPolicy: Cluster\n"


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


def shown(output: Output | None, *texts: str, stream: io.StringIO | None = None) -> str:
    """Show the preview of some texts, or of the guide; ``None`` is the table."""
    stream = stream or io.StringIO()
    files = [find_objects(f"{name}.yaml", text) for name, text in zip("abc", texts, strict=False)]
    if output is None:
        write_table(build_preview(files or guide()), stream)
    else:
        write(build_preview(files or guide()), output, stream)
    return stream.getvalue()


def test_table_in_a_pipe() -> None:
    """In a pipe every row is one line without colour, and nothing is cut off."""
    assert shown(None) == (
        "NAMESPACE     OBJECT                        OUTCOME  REASON             APPLICATION SEES\n"
        "default       Service/sleep                 skipped  not-load-balancer  -\n"
        "default       Deployment/sleep              patched  added              its client\n"
        "default       Service/httpbin               skipped  not-load-balancer  -\n"
        "default       Deployment/httpbin            patched  added              its client\n"
        "istio-system  Service/istio-ingressgateway  patched  added              its client\n"
        "\n"
        "not-load-balancer: only Services of type LoadBalancer are changed\n"
        "added: the setting was missing and has been added\n"
        "Namespaces not among these files are taken as labelled source-ip-preservation: enabled "
        "(--assume).\n"
        "Left as they are, for they create no Pods that we know of: 1 ServiceAccount.\n"
    )


def test_table_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal of 80 columns long names and reasons break where a reader would."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    lines = shown(None, stream=Terminal()).splitlines()
    assert max(map(len, lines)) <= 80
    assert "istio-system  Service/              patched  added      its client" in lines
    assert "              istio-ingressgateway" in lines


def test_colours_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a wide terminal a row stays whole, and what is patched is green."""
    monkeypatch.setenv("COLUMNS", "120")
    table = shown(None, stream=Terminal())
    assert "Service/istio-ingressgateway" in table
    assert "\x1b[32m" in table


def test_warnings_in_the_table() -> None:
    """Warnings stand below the table, with the object that they are about."""
    assert "\n\nWarning: Service/lb: externalTrafficPolicy Cluster is kept" in shown(None, CONFLICT)


RAY = """\
apiVersion: ray.io/v1
kind: RayCluster
metadata: {name: training}
spec:
  headGroupSpec:
    template: {spec: {containers: [{name: ray-head, image: ray}]}}
  workerGroupSpecs:
  - groupName: small
    template:
      spec:
        containers:
        - {name: ray-worker, image: ray}
"""


def test_templates_of_others() -> None:
    """Every template of a kind that is not Kubernetes' own has a row, which names its path."""
    table = shown(None, RAY)
    assert "RayCluster/training spec.headGroupSpec.template        patched" in table
    assert "RayCluster/training spec.workerGroupSpecs[0].template  patched" in table

    items = json.loads(shown(Output.JSON, RAY))
    assert [item["template"] for item in items] == [
        "spec.headGroupSpec.template",
        "spec.workerGroupSpecs[0].template",
    ]
    assert items[1]["patch"][0]["path"] == "/spec/workerGroupSpecs/0/template/metadata"

    annotations = "        annotations:\n          sidecar.istio.io/interceptionMode: TPROXY\n"
    worker = f"  - groupName: small\n    template:\n      metadata:\n{annotations}      spec:\n"
    assert worker in shown(Output.YAML, RAY)


GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec: {gatewayClassName: istio}
"""


def test_notes_below_the_table() -> None:
    """What no row can say stands below the table."""
    first, last = shown(None, GATEWAY).splitlines()
    assert first.startswith("Note: Gateway/web: istiod makes its Service")
    assert last == "There is no Service and no workload."


@pytest.mark.parametrize("output", list(Output))
def test_notes(output: Output) -> None:
    """What no row can say stands beside every output for programs."""
    (note,) = warnings_beside(build_preview([find_objects("a.yaml", GATEWAY)]), output)
    assert note.startswith("Note: Gateway/web: istiod makes its Service")


def test_kinds_with_their_groups() -> None:
    """The closing note names a kind with its group, for many groups have a Certificate."""
    text = "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: a}\n"
    assert shown(None, f"{text}---\n{text}---\napiVersion: v1\nkind: Secret") == (
        "Left as they are, for they create no Pods that we know of: "
        "2 Certificate.cert-manager.io, 1 Secret.\n"
    )


def test_table_of_nothing() -> None:
    """Where there is nothing to show, that is said, with what was read."""
    text = "apiVersion: v1\nkind: ConfigMap\n"
    assert shown(None, "") == "There is no Service and no workload.\n"
    assert shown(None, text) == (
        "Left as they are, for they create no Pods that we know of: 1 ConfigMap.\n"
    )


def test_markup() -> None:
    """Names that look like rich's markup are shown as they are."""
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: '[red]x'}\n"
    assert "Pod/[red]x" in shown(None, text)


def test_yaml() -> None:
    """Several files become one stream, in which each file begins a document."""
    config = "apiVersion: v1\nkind: ConfigMap\n"
    baked = LB.replace("spec:\n", "spec:\n  externalTrafficPolicy: Local\n")
    assert shown(Output.YAML, LB, config, f"---\n{config}") == (
        f"---\n{baked}\n---\n{config}---\n{config}"
    )


def test_json_in_a_stream() -> None:
    """Each JSON object becomes a document of YAML, and is written anew where YAML is not JSON."""
    plain, escaped = '{"apiVersion": "v1",\n"kind": "A"}', '{"apiVersion":"v1","kind":"\\/"}'
    config = "apiVersion: v1\nkind: B\n"
    assert shown(Output.YAML, f"{plain}{escaped}\n---\n{config}", config) == (
        f'---\n{plain}\n---\n{{\n  "apiVersion": "v1",\n  "kind": "/"\n}}\n---\n{config}'
        f"---\n{config}"
    )
    assert shown(Output.YAML, f"{plain}{escaped}") == f"{plain}{escaped}"
    assert shown(Output.YAML, f"{plain}\nnull", config) == f"---\n{plain}\n---\n{config}"
    long = json.dumps({"apiVersion": "v1", "kind": "A", "k" * 2000: 1})
    with pytest.raises(ManifestError, match="more than 1024 characters"):
        shown(Output.YAML, config, long)


def test_byte_order_mark() -> None:
    """A byte order mark stays in a file of its own, and goes where files become one stream."""
    text = f"\ufeff{LB}\n"
    baked = LB.replace("spec:\n", "spec:\n  externalTrafficPolicy: Local\n")
    assert shown(Output.YAML, text) == f"\ufeff{baked}\n"
    assert shown(Output.YAML, text, text) == f"---\n{baked}\n---\n{baked}\n"
    assert shown(Output.YAML, text, f"\ufeff---\n{LB}") == f"---\n{baked}\n---\n{baked}\n"
    spec = "spec: {type: LoadBalancer, selector: {a: b}}"
    text = f"\ufeffapiVersion: v1\nkind: Service\n{spec}\nmetadata: {{name: a}}\n"
    assert "@@\n \ufeffapiVersion: v1\n" in shown(Output.DIFF, text)


@pytest.mark.parametrize("output", list(Output))
def test_warnings_beside_the_output(output: Output) -> None:
    """What the output itself has no place for is there to be shown beside it."""
    lines = warnings_beside(build_preview([find_objects("a.yaml", f"{CONFLICT}---\n{LB}")]), output)
    if output in {None, Output.JSON}:
        assert lines == []
    else:
        (only,) = lines
        assert only.startswith("Warning: Service/lb: externalTrafficPolicy Cluster is kept")


def test_diff() -> None:
    """The diff has the added line and its surroundings, file by file."""
    assert shown(Output.DIFF, CONFLICT, f"{LB}\n") == (
        "--- a/b.yaml\n"
        "+++ b/b.yaml\n"
        "@@ -3,5 +3,6 @@\n"
        " metadata:\n"
        "   name: lb\n"
        " spec:\n"
        "+  externalTrafficPolicy: Local\n"
        "   selector: {app: lb}\n"
        "   type: LoadBalancer\n"
    )


def test_diff_of_nothing() -> None:
    """Where nothing changes the diff is empty."""
    assert shown(Output.DIFF, CONFLICT) == ""


def test_diff_of_another_encoding() -> None:
    """No diff is made that fits no file."""
    other = find_objects("a.yaml", LB, faithful=False)
    with pytest.raises(ManifestError, match=r"a\.yaml: no diff fits this file: save it as UTF-8"):
        write(build_preview([other]), Output.DIFF, io.StringIO())


def test_json() -> None:
    """The list has one object per row, with the patch and the warnings."""
    added, kept = json.loads(shown(Output.JSON, f"# c\n{LB}\n---\n{CONFLICT}"))
    assert added == {
        "apiVersion": "v1",
        "kind": "Service",
        "namespace": "default",
        "name": "lb",
        "template": "",
        "outcome": "patched",
        "reason": "added",
        "sentence": "the setting was missing and has been added",
        "applicationSees": "its client",
        "patch": [{"op": "add", "path": "/spec/externalTrafficPolicy", "value": "Local"}],
        "warnings": [],
        "source": {"file": "a.yaml", "line": 2},
    }
    assert (kept["outcome"], len(kept["warnings"])) == ("conflict", 1)
