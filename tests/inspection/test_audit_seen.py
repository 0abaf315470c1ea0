"""Findings that a real mesh does not come to by itself: their last step is played."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.controlplane import components
from tests.images import names
from tests.inspection.admin import Admin, Json, found, load_balancer, workload
from tests.inspection.proxy import Proxy
from webhook.audit.findings import AuditReason

pytestmark = pytest.mark.e2e

_SERVER = """
import socket, threading
server = socket.create_server(("", 9000))
while True:
    connection, _ = server.accept()
    threading.Thread(target=connection.recv, args=(1,), daemon=True).start()
"""
_CLIENT = """
import socket, sys
own = socket.gethostbyname(socket.gethostname())
client = socket.create_connection((own, 9000), source_address=("127.0.0.6", 0))
print("connected", flush=True)
sys.stdin.read()
"""


def test_lost_health_check_port(admin: Admin, tmp_path: Path) -> None:
    """A Local Service without its port is found, and gets another one by the printed command.

    An API server always allocates one; here a proxy hides it, as where an object is older.
    """
    place = admin.namespace("unhealthy", injected=False, opted="north-south")
    admin.create(workload("edge", runs=True, replicas=2), load_balancer(), namespace=place)
    port = admin.cluster.get("Service", "edge", place)["spec"]["healthCheckNodePort"]
    admin.wait_for(lambda: admin.ready_endpoints(place) == 2, "both Pods to be endpoints")

    def hide(_path: str, content: Json) -> None:
        for each in content.get("items", ()):
            if each.get("spec", {}).get("healthCheckNodePort") == port:
                del each["spec"]["healthCheckNodePort"]

    proxy = Proxy(admin.cluster.api.server, admin.cluster.api.ca_file)
    proxy.change = hide
    user = json.loads(admin.cluster.kubeconfig.read_text())["users"][0]["user"]
    with proxy.serving(tmp_path, user) as file:
        flags = ("--namespace", place, "--kubeconfig", str(file))
        before = found(admin.audit(*flags), place)
        assert list(before) == [("Service/edge", AuditReason.NO_HEALTH_CHECK_PORT)]
        (finding,) = before.values()
        # The same port may be allocated again, which then is no longer the lost one.
        admin.user.type(finding["cure"]["command"])
        proxy.change = None if _port(admin, place) == port else hide
        assert admin.audit(*flags).code == 0


def test_connections_from_the_sidecar_are_seen(admin: Admin) -> None:
    """A Pod that says TPROXY and is called from 127.0.0.6 is found by ``--live`` alone.

    Whoever calls from there is a process in the Pod, since no Pod comes to that by itself.
    """
    place = admin.namespace("seen", opted="enabled")
    container = {
        "name": "app",
        "image": names.HTTPBIN,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", _SERVER],
        "readinessProbe": {"tcpSocket": {"port": 9000}, "periodSeconds": 1},
    }
    admin.create(workload("app", runs=True, containers=[container]), namespace=place)
    admin.rolled_out("deployment/app", place)
    assert admin.audit("--namespace", place).code == 0
    command = (
        *components.find("kubectl").command,
        *(f"--kubeconfig={admin.cluster.kubeconfig}", f"--namespace={place}"),
        *("exec", "--stdin", "deployment/app", "--container=app", "--"),
        *("python3", "-c", _CLIENT),
    )
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as client:
        try:
            assert client.stdout is not None
            assert client.stdout.readline() == "connected\n"
            answer = admin.audit("--namespace", place, "--live")
            (finding,) = found(answer, place).values()
            assert finding["reason"] == AuditReason.SEES_SIDECAR
            (live,) = answer.report["live"]
            assert (live["sidecar"], live["peers"]) == (1, ["127.0.0.6"])
            admin.user.type(finding["cure"]["command"])
            admin.wait_for(lambda: client.poll() is not None, "the Pod to end")
        finally:
            client.kill()
    admin.rolled_out("deployment/app", place)
    assert admin.audit("--namespace", place, "--live").code == 0


def _port(admin: Admin, place: str) -> int:
    port: int = admin.cluster.get("Service", "edge", place)["spec"]["healthCheckNodePort"]
    return port
