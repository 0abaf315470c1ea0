"""The image, built and started without a container engine, by root on Linux."""

import contextlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
import urllib3

from tests.chart.value_sets import rendered
from tests.image.dockerfile import REPOSITORY, stages
from tests.reviews import recorded
from webhook import __version__

pytestmark = pytest.mark.e2e

DEADLINE = 20.0
NAMESPACES = """
apiVersion: v1
kind: Namespace
metadata: {name: default, labels: {source-ip-preservation: enabled}}
"""
ENTRY_POINT: list[str] = json.loads(stages()[-1].all("ENTRYPOINT")[0])


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Build the image's own files by the steps of the Dockerfile, in clean roots."""
    if platform.system() != "Linux" or os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("A root directory of one's own needs Linux, root and unshare.")
    tried = subprocess.run(  # noqa: S603
        [*_unshared("root"), tmp_path_factory.mktemp("root")],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )
    if tried.returncode != 0:
        pytest.skip(f"This machine gives no root directory of one's own: {tried.stderr}")
    folder = tmp_path_factory.mktemp("image")
    folder.chmod(0o755)
    subprocess.run([*_unshared("build"), folder], check=True, cwd=REPOSITORY)  # noqa: S603
    yield folder / "layer"
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate and a list of namespaces, as a Secret is mounted."""
    folder = tmp_path_factory.mktemp("volume")
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(folder / "ca.crt")
    leaf.private_key_pem.write_to_path(folder / "tls.key")
    leaf.cert_chain_pems[0].write_to_path(folder / "tls.crt")
    (folder / "namespaces.yaml").write_text(NAMESPACES)
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    return folder


def container(
    layer: Path, volume: Path, work: Path, *command: str, **how: Any
) -> subprocess.Popen[str]:
    """Start a container."""
    work.mkdir(exist_ok=True)
    return subprocess.Popen(  # noqa: S603
        [*_unshared("start"), layer, work, volume, *command],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        **how,
    )


def printed(layer: Path, volume: Path, work: Path, *command: str) -> str:
    """Run a container to its end and return what it printed."""
    with container(layer, volume, work, *command) as process:
        out, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, out
    return out


def test_version(layer: Path, volume: Path, tmp_path: Path) -> None:
    """The image is the program, of this version."""
    out = printed(layer, volume, tmp_path, *ENTRY_POINT, "--version")

    assert out == f"source-ip-webhook, version {__version__}\n"


def test_demo(layer: Path, volume: Path, tmp_path: Path) -> None:
    """What needs a folder for its files finds /tmp, and nothing else."""
    out = printed(layer, volume, tmp_path, *ENTRY_POINT, "demo")

    assert "Deployment/httpbin" in out


def test_without_privileges(layer: Path, volume: Path, tmp_path: Path) -> None:
    """The process is nobody, has no capability and no way to get one, and can write nowhere."""
    script = """
import errno, os, pathlib
assert (os.getuid(), os.getgid(), os.getgroups()) == (65532, 65532, [])
lines = pathlib.Path("/proc/self/status").read_text().splitlines()
status = dict(line.split(":\\t") for line in lines)
assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
assert status["NoNewPrivs"] == "1"
for place in ("/app/new", "/app/src/webhook/new", "/new", "/var/tmp/new"):
    try:
        pathlib.Path(place).touch()
    except OSError as error:
        assert error.errno == errno.EROFS, place
    else:
        raise AssertionError(place)
print("nobody")
"""
    assert printed(layer, volume, tmp_path, "python", "-c", script) == "nobody\n"


def test_only_what_runs(layer: Path) -> None:
    """The layer has the program with its byte code and what it depends on: no pip, no tests."""
    app = layer / "app"
    installed = {path.parent.name.partition("-")[0] for path in app.rglob("*.dist-info/METADATA")}
    version = "".join(platform.python_version_tuple()[:2])

    assert {path.name for path in layer.iterdir()} == {"app"}
    assert {path.name for path in app.iterdir()} >= {"LICENSE", "bin", "lib", "src"}
    assert {path.name for path in (app / "src").iterdir()} == {"certs", "webhook"}
    assert (app / f"src/webhook/__pycache__/__main__.cpython-{version}.pyc").exists()
    assert {name.lower().replace("_", "-") for name in installed} <= set(requirements())


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_wheels_for_every_architecture(machine: str, tmp_path: Path) -> None:
    """For the Python of the image every dependency has a wheel, on amd64 and on arm64."""
    text = (REPOSITORY / "Dockerfile").read_text()
    version = text.partition("library/python:")[2].partition("-slim")[0]
    platforms = [f"--platform=manylinux_2_{glibc}_{machine}" for glibc in (17, 28, 34)]
    done = subprocess.run(  # noqa: S603
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps"),
            *("--require-hashes", "--only-binary", ":all:", "--target", tmp_path),
            *(f"--python-version={version}", "--implementation=cp", *platforms),
            *("--requirement", REPOSITORY / "requirements" / "run.txt"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def requirements() -> list[str]:
    """Name what requirements/run.txt lists."""
    lines = (REPOSITORY / "requirements" / "run.txt").read_text().splitlines()
    return [line.partition("==")[0] for line in lines if "==" in line and line[0].isalpha()]


def test_serve(layer: Path, volume: Path, tmp_path: Path) -> None:
    """With the chart's own command line it becomes ready, answers, and stops on SIGTERM."""
    render = rendered("existing-secret")
    with serving(layer, volume, tmp_path, render.container["args"]) as (process, started):
        ops = f"http://localhost:{started['ops_port']}"
        with urllib3.PoolManager(ca_certs=str(volume / "ca.crt"), timeout=DEADLINE) as client:
            for probe in ("livenessProbe", "readinessProbe"):
                path = render.container[probe]["httpGet"]["path"]
                assert client.request("GET", ops + path).status == 200
            answer = client.request(
                "POST",
                f"https://localhost:{started['port']}/mutate",
                body=recorded("pod_create_generateName.json"),
                headers={"Content-Type": "application/json"},
            )
        assert "patch" in answer.json()["response"]

        *command, script = render.test_pod["spec"]["containers"][0]["command"]
        asked = script.replace("http://x-source-ip-webhook.source-ip.svc:8080", ops)
        assert printed(layer, volume, tmp_path / "test", *command, asked) == f"{ops}/readyz ok\n"

        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 0


@contextlib.contextmanager
def serving(
    layer: Path, volume: Path, work: Path, arguments: list[str]
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run ``serve`` on free ports, with namespaces from a file; later flags win over earlier."""
    # Not by tests/webhook_process.py: unshare is what is started here, and it becomes the image's
    # own Python in a root directory of its own.
    place = "/etc/source-ip-webhook/tls"
    flags = ("--port=0", "--ops-port=0", "--drain=0", f"--namespaces={place}/namespaces.yaml")
    process = container(
        layer, volume, work, *ENTRY_POINT, *arguments, *flags, stderr=subprocess.PIPE
    )
    with process:
        try:
            assert process.stderr is not None
            lines = iter(process.stderr.readline, "")
            events = (json.loads(line) for line in lines)
            yield process, next(event for event in events if event["event"] == "serving")
        finally:
            process.kill()


def _unshared(module: str) -> list[str]:
    return [
        *("unshare", "--mount", "--propagation", "private"),
        *(sys.executable, "-m", f"tests.image.{module}"),
    ]
