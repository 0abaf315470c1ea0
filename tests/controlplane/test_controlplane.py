"""The control plane itself: it comes up, works, goes away, and says what it lacks."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from tests.controlplane import (
    ApiError,
    ComponentMissingError,
    ControlPlane,
    StartError,
    components,
    servers,
    wait_for,
)
from tests.controlplane.api import JsonObject
from tests.controlplane.leftovers import processes_naming
from tests.controlplane.ports import free_port

pytestmark = pytest.mark.e2e

_DEADLINE = 60.0
"""Seconds after which a test that waits has failed; a busy machine may take most of them."""


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane the tests of this module share."""
    with ControlPlane(tmp_path_factory.mktemp("controlplane")) as running:
        yield running


def pods_of(plane: ControlPlane, app: str) -> list[JsonObject]:
    """Return the Pods a Deployment named `app` has led to."""
    return [
        pod
        for pod in plane.api.items("Pod", "default")
        if pod["metadata"].get("labels", {}).get("app") == app
    ]


def test_version(plane: ControlPlane) -> None:
    """The API server calls itself the Kubernetes release that go.mod requires."""
    if components.find("kube-apiserver").upstream:
        pytest.skip("the API server is not ours")
    go_mod = (Path(__file__).parent / "go.mod").read_text(encoding="utf-8")
    required = re.search(r"k8s\.io/kubernetes (v\S+)", go_mod)

    assert required
    assert plane.request("GET", "/version").json()["gitVersion"] == required[1]


def test_deployment_becomes_a_pod(plane: ControlPlane) -> None:
    """A Deployment leads to a Pod that passed admission: its ServiceAccount's token is mounted."""
    plane.kubectl("create", "deployment", "web", "--image=example.com/web")

    (pod,) = plane.wait_for(lambda: pods_of(plane, "web"), _DEADLINE, "the Pod of Deployment web")

    assert pod["spec"]["serviceAccountName"] == "default"
    assert pod["spec"]["volumes"][0]["name"].startswith("kube-api-access-")


def test_audit_log_has_the_body_of_a_pod(plane: ControlPlane) -> None:
    """The audit log holds a Pod as it was sent, and other requests without their bodies."""
    plane.kubectl("run", "audited", "--image=example.com/audited")
    plane.kubectl("create", "configmap", "audited")

    def creation(resource: str) -> list[JsonObject]:
        return [
            event
            for event in plane.audit_events()
            if event["verb"] == "create"
            and event["objectRef"].get("resource") == resource
            and event["objectRef"].get("name") == "audited"
        ]

    (pod,) = plane.wait_for(lambda: creation("pods"), _DEADLINE, "the audit event of the Pod")
    (config_map,) = plane.wait_for(
        lambda: creation("configmaps"), _DEADLINE, "that of the ConfigMap"
    )

    assert pod["requestObject"]["spec"]["containers"][0]["image"] == "example.com/audited"
    assert "requestObject" not in config_map


def test_service_account_has_no_rights_but_its_own(plane: ControlPlane) -> None:
    """A kubeconfig for a ServiceAccount may do what a Role grants it and nothing more."""
    plane.kubectl("create", "serviceaccount", "reader")
    plane.kubectl("create", "role", "reader", "--verb=list", "--resource=services")
    plane.kubectl(
        "create", "rolebinding", "reader", "--role=reader", "--serviceaccount=default:reader"
    )
    kubeconfig = f"--kubeconfig={plane.kubeconfig_for('reader')}"

    plane.wait_for(
        lambda: plane.kubectl(kubeconfig, "get", "services", check=False).returncode == 0,
        _DEADLINE,
        "the role to be known to the authorizer",
    )
    refused = plane.kubectl(kubeconfig, "get", "secrets", check=False)

    assert refused.returncode == 1
    assert (
        'User "system:serviceaccount:default:reader" cannot list resource "secrets"'
        in refused.stderr
    )


def test_objects_by_any_spelling_of_their_kind(plane: ControlPlane) -> None:
    """Kinds are understood as kubectl understands them, and what does not exist is reported."""
    assert plane.get("ns", "default") == plane.get("Namespace", "default")
    assert plane.get("clusterroles", "cluster-admin")["kind"] == "ClusterRole"
    assert plane.find("Service", "kubernetes", "kube-system") is None
    with pytest.raises(ApiError, match='services \\\\"absent\\\\" not found'):
        plane.get("Service", "absent")
    with pytest.raises(LookupError, match="no kind 'Gadget'"):
        plane.get("Gadget", "absent")


def test_kubectl_failure_shows_its_words(plane: ControlPlane) -> None:
    """A failed kubectl raises an error that carries what it wrote to standard error."""
    with pytest.raises(subprocess.CalledProcessError) as caught:
        plane.kubectl("get", "pod", "absent")

    assert caught.value.__notes__ == ['Error from server (NotFound): pods "absent" not found\n']


def test_apiserver_goes_away_and_comes_back(plane: ControlPlane) -> None:
    """A stopped API server refuses connections; the next one has its address and data."""
    server = plane.server
    plane.kubectl("create", "configmap", "kept", "--from-literal=key=value")

    plane.stop_apiserver()
    with pytest.raises(urllib3.exceptions.HTTPError):
        plane.request("GET", "/readyz")
    plane.start_apiserver()

    assert plane.server == server
    assert plane.get("ConfigMap", "kept")["data"] == {"key": "value"}
    plane.kubectl("create", "deployment", "later", "--image=example.com/later")
    plane.wait_for(
        lambda: pods_of(plane, "later"), _DEADLINE, "the Pod of a Deployment made after the restart"
    )


def test_older_version_without_controllers(tmp_path: Path) -> None:
    """An emulated version serves its own APIs, and Pods can be made where no controller runs."""
    with ControlPlane(tmp_path, controllers=False, emulated_version="1.34") as plane:
        plane.kubectl("run", "alone", "--image=example.com/alone")

        assert plane.get("Pod", "alone")["status"]["phase"] == "Pending"
        with pytest.raises(LookupError):
            plane.get("MutatingAdmissionPolicy", "any")
        assert sorted(plane.pids) == ["etcd", "kube-apiserver"]


def test_nothing_runs_after_the_block(tmp_path: Path) -> None:
    """After the block no process of the control plane is left."""
    with ControlPlane(tmp_path) as plane:
        assert len(plane.pids) == len(processes_naming(str(tmp_path))) == 3

    assert not plane.pids
    assert not processes_naming(str(tmp_path))


def test_killed_test_run_leaves_nothing(tmp_path: Path) -> None:
    """When the test run itself is killed, the servers it started end by themselves."""
    if components.find("etcd").upstream:
        pytest.skip("only our binary watches its standard input")
    script = (
        "import os, pathlib, signal, sys\n"
        "from tests.controlplane import ControlPlane\n"
        "ControlPlane(pathlib.Path(sys.argv[1]), controllers=False).start()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    ended = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
        check=False,
    )

    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    wait_for(
        lambda: not processes_naming(str(tmp_path)), _DEADLINE, "the end of what was left behind"
    )


def test_failed_start_shows_the_log_and_leaves_nothing(tmp_path: Path) -> None:
    """When a server ends during start the error shows its log, and etcd does not stay behind."""
    plane = ControlPlane(tmp_path, apiserver_args=["--no-such-flag"])

    with pytest.raises(StartError, match="unknown flag: --no-such-flag") as caught:
        plane.start()

    assert str(tmp_path / "kube-apiserver.log") in str(caught.value)
    assert not processes_naming(str(tmp_path))


def test_taken_port_is_replaced(
    plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server whose port was taken between choice and use gets another one."""
    taken = int(plane.server.rpartition(":")[2])
    choices = iter([taken, free_port(), taken, free_port()])
    monkeypatch.setattr(servers, "free_port", lambda: next(choices))

    with ControlPlane(tmp_path, controllers=False) as other:
        assert other.server != plane.server
        assert other.get("Namespace", "default")


@pytest.mark.parametrize("go", [True, False])
def test_missing_component_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, go: bool
) -> None:
    """The error names the component, the make target, the variable, and Go where it is absent."""
    monkeypatch.delenv(components.ASSETS_VARIABLE, raising=False)
    monkeypatch.setattr(shutil, "which", lambda _: "go" if go else None)

    with pytest.raises(ComponentMissingError) as caught:
        components.find("kube-apiserver", built_binary=tmp_path / "controlplane")

    assert "kube-apiserver is missing" in str(caught.value)
    assert "make .build/controlplane" in str(caught.value)
    assert "KUBEBUILDER_ASSETS" in str(caught.value)
    assert ("install Go" in str(caught.value)) is not go


def test_assets_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """KUBEBUILDER_ASSETS supplies what it has and must have kube-apiserver; our binary the rest."""
    ours = tmp_path / "controlplane"
    for executable in (tmp_path / "etcd", ours):
        executable.touch(mode=0o755)
    monkeypatch.setenv(components.ASSETS_VARIABLE, str(tmp_path))

    assert components.find("etcd", built_binary=ours).command == (str(tmp_path / "etcd"),)
    assert components.find("kubectl", built_binary=ours).command == (str(ours), "kubectl")
    with pytest.raises(ComponentMissingError, match="has no executable kube-apiserver"):
        components.find("kube-apiserver", built_binary=ours)
