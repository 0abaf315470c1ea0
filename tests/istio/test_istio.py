"""The harness itself: Istio comes up, beside another revision too, and goes away in every case."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.controlplane import ComponentMissingError, ControlPlane, StartError, wait_for
from tests.controlplane.leftovers import processes_naming
from tests.istio import Istio, Settings, binary, pods
from tests.istio.conftest import injected_pod, make_namespace, make_pod

pytestmark = pytest.mark.e2e


@pytest.mark.usefixtures("istio")
def test_revisions_beside_each_other(plane: ControlPlane, tmp_path: Path) -> None:
    """A second revision injects in the namespaces that name it, until it is gone."""
    canaries = make_namespace(plane, **{"istio.io/rev": "canary"})
    with Istio(plane, tmp_path, revision="canary") as canary:
        canary.configure(Settings(cni=True))
        by_canary, by_default = make_pod(plane, canaries), injected_pod(plane)

    assert by_canary["metadata"]["annotations"]["istio.io/rev"] == "canary"
    assert pods.init_mode(by_canary) is None
    assert by_default["metadata"]["annotations"]["istio.io/rev"] == "default"
    assert pods.init_mode(by_default) == "REDIRECT"
    assert not pods.injected(make_pod(plane, canaries))


def test_nothing_is_left_after_the_block(plane: ControlPlane, tmp_path: Path) -> None:
    """After the block no istiod runs, and the cluster neither calls it nor has its node."""
    with Istio(plane, tmp_path, revision="brief") as brief:
        brief.configure(Settings(native_sidecars=False))
        pid = brief.pid

    assert pid is not None
    assert brief.pid is None
    assert not Path(f"/proc/{pid}").exists()
    assert plane.find("MutatingWebhookConfiguration", "istio-sidecar-injector-brief") is None
    assert plane.api.items("Node") == []
    with pytest.raises(RuntimeError, match="istiod does not run"):
        brief.configure()


def test_failed_start_leaves_nothing(plane: ControlPlane, tmp_path: Path) -> None:
    """When istiod is not ready in time the error shows its log, and it does not stay behind."""
    istio = Istio(plane, tmp_path, revision="late", start_timeout_seconds=0.01)

    with pytest.raises(
        StartError, match=f"not ready after 0.01 s; the end of {tmp_path}/istiod.log"
    ):
        istio.start()

    assert istio.pid is None
    assert not processes_naming("istio-system.istiod-late.kubeconfig")


def test_killed_test_run_leaves_nothing(plane: ControlPlane, tmp_path: Path) -> None:
    """When the test run itself is killed, istiod ends by itself."""
    script = (
        "import os, pathlib, signal, sys\n"
        "from tests.istio.istiod import Istiod\n"
        "folder, kubeconfig = map(pathlib.Path, sys.argv[1:])\n"
        "Istiod(folder, kubeconfig, 'orphan', {'HOME': str(folder)}).start(60)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    kubeconfig = tmp_path / "orphan.kubeconfig"
    shutil.copy(plane.kubeconfig, kubeconfig)

    ended = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script, str(tmp_path), str(kubeconfig)],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
        check=False,
    )

    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    wait_for(lambda: not processes_naming(str(kubeconfig)), 60, "the end of what was left behind")


@pytest.mark.parametrize("go", [True, False])
def test_missing_binary_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, go: bool
) -> None:
    """The error names the program, how to build it, and Go where it is absent."""
    monkeypatch.setattr(shutil, "which", lambda _: "go" if go else None)

    with pytest.raises(ComponentMissingError) as caught:
        binary.command("istioctl", built_binary=tmp_path / "istio")

    assert "istioctl is missing" in str(caught.value)
    assert "make .build/istio" in str(caught.value)
    assert ("install Go" in str(caught.value)) is not go
