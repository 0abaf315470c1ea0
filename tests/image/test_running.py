"""Every command, in a container of the image: user 65532, a read-only root, no capability."""

import json
import re
import shutil
import signal
from pathlib import Path

import pytest
import urllib3

from tests import kubeconfig
from tests.chart.value_sets import rendered
from tests.controlplane import ControlPlane
from tests.controlplane.absence import skipped_without_binaries
from tests.image.containers import DEADLINE, VOLUME, Containers
from tests.image.footprint import REGISTRATION
from tests.reviews import recorded
from tests.waiting import wait_for
from webhook import __version__
from webhook.cli import main

pytestmark = pytest.mark.e2e

NAMESPACES = f"--namespaces={VOLUME}/namespaces.yaml"
GUIDE = "/app/src/webhook/offline/guide/httpbin.yaml"


def commands(group: object = main, *words: str) -> list[tuple[str, ...]]:
    """Name every command, those that only have commands of their own too."""
    inner = getattr(group, "commands", {})
    return [words, *(found for name in inner for found in commands(inner[name], *words, name))]


def test_version(containers: Containers) -> None:
    """The image is the program, of this version."""
    assert containers.run_ours("--version") == f"source-ip-webhook, version {__version__}\n"


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_help(containers: Containers, command: tuple[str, ...]) -> None:
    """Every command tells how it is used."""
    assert containers.run_ours(*command, "--help").startswith(
        " ".join(("Usage: python -m webhook", *command))
    )


def test_demo(containers: Containers) -> None:
    """What needs a folder for its files finds /tmp, and nothing else."""
    assert "Deployment/httpbin" in containers.run_ours("demo", temporary=True)


@pytest.mark.parametrize(
    ("output", "shown"),
    [("table", "its client"), ("yaml", "TPROXY"), ("diff", "TPROXY"), ("json", "TPROXY")],
)
def test_preview(containers: Containers, output: str, shown: str) -> None:
    """Manifests are previewed in every form, with nothing to write to."""
    label = "--label=default=enabled"

    assert shown in containers.run_ours("preview", "-f", GUIDE, label, f"--output={output}")


def test_without_privileges(containers: Containers) -> None:
    """The process is nobody, has no capability and no way to get one, and can write nowhere."""
    script = """
import errno, os, pathlib
assert (os.getuid(), os.getgid(), {*os.getgroups()} | {65532}) == (65532, 65532, {65532})
lines = pathlib.Path("/proc/self/status").read_text().splitlines()
status = dict(line.split(":\\t") for line in lines)
assert {int(status[of], 16) for of in ("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd")} == {0}
assert status["NoNewPrivs"] == "1"
for place in ("/app/new", "/app/src/webhook/new", "/new", "/var/tmp/new", "/tmp/new"):
    try:
        pathlib.Path(place).touch()
    except OSError as error:
        assert error.errno == errno.EROFS, place
    else:
        raise AssertionError(place)
print("nobody")
"""
    assert containers.run("python", "-c", script) == "nobody\n"


def test_nothing_is_compiled_at_a_start(containers: Containers) -> None:
    """All that the server imports has its byte code in the image, Python's own library too."""
    script = """
import os, sys
import webhook.cli, webhook.server.lifecycle, uvloop
specs = [module.__spec__ for module in sys.modules.values() if getattr(module, "__spec__", None)]
sources = [spec for spec in specs if spec.has_location and spec.origin.endswith(".py")]
print(len(sources) > 500, *(each.name for each in sources if not os.path.exists(each.cached)))
"""
    assert containers.run("python", "-c", script) == "True\n"


def test_serve(containers: Containers, volume: Path, tmp_path: Path) -> None:
    """With the chart's own command line it becomes ready, answers, and stops on SIGTERM."""
    render = rendered("existing-secret")
    command, *flags = render.container["args"]
    assert command == "serve"
    with containers.serving(tmp_path / "log", *flags, NAMESPACES) as (process, started):
        ops = f"http://localhost:{started['ops_port']}"
        with urllib3.PoolManager(ca_certs=str(volume / "ca.crt"), timeout=DEADLINE) as client:
            for probe in ("livenessProbe", "readinessProbe"):
                path = render.container[probe]["httpGet"]["path"]
                assert client.request("GET", ops + path).status == 200
            assert "patch" in review(client, started["port"])

        *command, script = render.test_pod["spec"]["containers"][0]["command"]
        asked = script.replace("http://x-source-ip-webhook.source-ip.svc:8080", ops)
        assert containers.run(*command, asked) == f"{ops}/readyz ok\n"

        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 0


def test_serve_self_signed(containers: Containers, tmp_path: Path) -> None:
    """With a certificate of its own making in /tmp it answers."""
    flags = ("--tls-self-signed=/tmp/tls", NAMESPACES)
    with (
        containers.serving(tmp_path / "log", *flags, temporary=True) as (_, started),
        urllib3.PoolManager(cert_reqs="CERT_NONE", timeout=DEADLINE) as client,
        pytest.warns(urllib3.exceptions.InsecureRequestWarning),
    ):
        assert "patch" in review(client, started["port"])


def test_log_for_people(containers: Containers) -> None:
    """The other form of the log is there too, tracebacks in it, though Pygments is not."""
    script = """
import structlog
from webhook import logs
logs.configure("console", "info")
try:
    1 / 0
except ZeroDivisionError:
    structlog.get_logger().exception("failed")
"""
    out = containers.run("python", "-c", script)

    assert "[error" in out
    assert "ZeroDivisionError: division by zero" in out


def review(client: urllib3.PoolManager, port: int) -> dict[str, object]:
    """Have a recorded Pod reviewed."""
    answer = client.request(
        "POST",
        f"https://localhost:{port}/mutate",
        body=recorded("pod_create_generateName.json"),
        headers={"Content-Type": "application/json"},
    )
    response: dict[str, object] = answer.json()["response"]
    return response


def test_on_an_api_server(containers: Containers, volume: Path, tmp_path: Path) -> None:
    """What is left of the client serves all that we ask of an API server, certificates included."""
    with skipped_without_binaries():
        plane = ControlPlane(tmp_path / "plane", controllers=False)
    with plane:
        name = plane.kubectl("create", "-f", "-", "-o", "name", input=json.dumps(REGISTRATION))
        assert name.stdout
        # The authority as a file of its own: for one in a kubeconfig the client needs a /tmp.
        authority, user = volume / "api-ca.crt", {"token": plane.admin_token}
        shutil.copyfile(plane.ca_file, authority)
        inside = Path(VOLUME, authority.name)
        written = kubeconfig.write(volume / "kubeconfig", plane.server, user, inside, "default")
        written.chmod(0o644)
        options = (f"--env=KUBECONFIG={VOLUME}/kubeconfig",)
        flags = ("--tls-managed", "--tls-host=localhost", "--tls-propagation=1s")
        with containers.serving(tmp_path / "log", *flags, options=options) as (_, started):
            ready = f"http://localhost:{started['ops_port']}/readyz"
            wait_for(lambda: urllib3.request("GET", ready).status == 200, DEADLINE, "readiness")

            shown = containers.run_ours("certificates", "show", options=options)
            assert re.search("leaf", shown, re.IGNORECASE)
            containers.run_ours("certificates", "rotate", options=options)
