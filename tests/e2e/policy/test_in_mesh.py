"""The policies beside Istio's real injector: who comes first, and what is reported of misses."""

import itertools
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
import urllib3

from tests.controlplane.absence import skipped_without_binaries
from tests.e2e.conftest import DEADLINE
from tests.e2e.mesh import REDIRECTED, TRANSPARENT, fate
from tests.e2e.objects import mode, policy
from tests.e2e.policy.mesh import Mesh
from tests.e2e.policy.planes import control_plane, version
from tests.e2e.registration import KEY
from tests.istio import Istio, Settings
from tests.situations import CONFIG, LAST_APPLIED
from tests.unit.cli.running import run

pytestmark = pytest.mark.e2e

Json = dict[str, Any]

AWAY = "away.example.org/keep"
"""Key of the label in whose namespaces nothing mutates, as where a webhook does not answer."""
LONG = 200 * 1024
"""Characters of an annotation; the API takes 256 KiB of all of them together."""


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """A control plane with Istio, and all policies as an admin applies them.

    They have failurePolicy Fail, so that one that cannot be evaluated shows.
    """
    with skipped_without_binaries():
        plane = control_plane(tmp_path_factory.mktemp("controlplane"), controllers=True)
        istio = Istio(plane, tmp_path_factory.mktemp("istio"))
    with plane:
        for flags in (
            ("--failure-policy=Fail", f"--api-version={version()}"),
            ("--only=validating", f"--label-key={AWAY}", "--name=away"),
        ):
            printed = run("policy", *flags).stdout
            plane.kubectl("apply", "--server-side", "--validate=strict", "-f", "-", input=printed)
        with istio:
            made = Mesh(plane, istio, itertools.count())
            mutated, reported = (made.namespace(key) for key in (KEY, AWAY))
            plane.wait_for(
                lambda: mode(made.pod(mutated, query="?dryRun=All").json()) == "TPROXY",
                DEADLINE,
                "the policies to mutate",
            )
            plane.wait_for(
                lambda: "Warning" in made.pod(reported, query="?dryRun=All").headers,
                DEADLINE,
                "the policies to report",
            )
            yield made


def warning(answer: urllib3.BaseHTTPResponse) -> str:
    """Read what our policy tells the user; the answer has to be a creation."""
    assert answer.status == HTTPStatus.CREATED, answer.data.decode()
    found = re.search(r"with binding '[^']+': (.*)\"$", answer.headers.get("Warning", ""))
    return found[1].replace('\\"', '"') if found else ""


def test_injector_sees_the_annotation(mesh: Mesh) -> None:
    """Policies come before webhooks, so the sidecar is rendered for TPROXY; nothing is reported."""
    answer = mesh.pod(mesh.namespace(KEY))

    assert fate(answer.json()) == TRANSPARENT
    assert warning(answer) == ""
    assert mesh.audited(answer) == {}


def test_service_is_local(mesh: Mesh) -> None:
    """A load balancer gets Local and its health check port; nothing is reported."""
    answer = mesh.service(mesh.namespace(KEY))

    assert policy(answer.json()) == "Local"
    assert answer.json()["spec"]["healthCheckNodePort"] > 0
    assert warning(answer) == ""
    assert mesh.audited(answer) == {}


@pytest.mark.parametrize("cni", [False, True])
def test_missed_pod_is_reported(mesh: Mesh, cni: bool) -> None:
    """A Pod that Istio has injected without the setting: the user is warned, the audit log has it.

    With istio-cni the injector writes its own REDIRECT into the annotation, which nobody chose.
    """
    mesh.istio.configure(Settings(cni=cni))
    answer = mesh.pod(mesh.namespace(AWAY))
    mesh.istio.configure()

    assert fate(answer.json()) == REDIRECTED
    assert mode(answer.json()) == ("REDIRECT" if cni else None)
    assert warning(answer).startswith("this Pod has no sidecar.istio.io/interceptionMode TPROXY")
    written = mesh.audited(answer)
    assert written["reason"] == "missed"
    assert "this Pod has no" in written["validation_failure"]


def test_missed_service_is_reported(mesh: Mesh) -> None:
    """A load balancer that stayed Cluster: the user is told the command that mends it."""
    namespace = mesh.namespace(AWAY)
    answer = mesh.service(namespace)
    command = re.search(r"kubectl (.*), or", warning(answer))
    assert command is not None

    mesh.plane.kubectl(*command[1].replace("'", "").split())

    name = answer.json()["metadata"]["name"]
    assert policy(mesh.plane.get("Service", name, namespace)) == "Local"
    assert mesh.audited(answer)["reason"] == "missed"


def test_what_the_rules_hold_back_is_not_reported(mesh: Mesh) -> None:
    """An object that the rules leave alone is no miss; the audit log has the rule's word."""
    namespace = mesh.namespace(AWAY)
    answers = {
        "other-template": mesh.pod(namespace, annotations={"inject.istio.io/templates": "gateway"}),
        "no-selector": mesh.service(namespace, selector=None),
    }

    for reason, answer in answers.items():
        assert warning(answer) == ""
        assert mesh.audited(answer) == {"reason": reason}


@pytest.mark.parametrize("key", [KEY, AWAY])
def test_long_annotations(mesh: Mesh, key: str) -> None:
    """The longest annotations that the API takes are within what CEL may cost."""
    namespace = mesh.namespace(key)
    long_config = "interceptionMode: REDIRECT\n#" + "x" * LONG
    record = '{"spec":{"note":"' + '\\"externalTrafficPolicy' * (LONG // 24) + '"}}'

    pod = mesh.pod(namespace, annotations={CONFIG: long_config}, query="?dryRun=All")
    service = mesh.service(namespace, annotations={LAST_APPLIED: record})

    assert pod.status == service.status == HTTPStatus.CREATED, pod.data + service.data
    assert mode(pod.json()) is None
    assert (policy(service.json()) == "Local") is (key == KEY)
    assert bool(warning(service)) is (key == AWAY)


def test_types_are_right(mesh: Mesh) -> None:
    """The cluster's own check of types has nothing to say about the expressions."""
    kinds = ("pods", "services")
    names = [
        f"{prefix}.{kind}.report" for prefix in ("away", "source-ip-webhook") for kind in kinds
    ]

    def checked() -> list[Json] | None:
        found: list[Json] = [
            mesh.plane.get("ValidatingAdmissionPolicy", name).get("status", {}) for name in names
        ]
        return found if all("typeChecking" in each for each in found) else None

    statuses = mesh.plane.wait_for(checked, DEADLINE, "the types to be checked")

    assert [each["typeChecking"].get("expressionWarnings", []) for each in statuses] == [[]] * 4
