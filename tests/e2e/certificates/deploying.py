"""Installs a deployment for as long as a test needs it."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.controlplane import ControlPlane
from tests.controlplane.ports import LOOPBACK
from tests.e2e.certificates import rights
from tests.e2e.certificates.deployment import Deployment
from tests.e2e.certificates.leaks import Leaks
from tests.e2e.certificates.relay import Relay
from tests.e2e.certificates.replica import Replica
from tests.e2e.conftest import make_namespace
from tests.e2e.registration import KEY


@contextlib.contextmanager
def deployed(
    plane: ControlPlane,
    folder: Path,
    name: str,
    *flags: str,
    label: bool = True,
    lagging: Relay | None = None,
    last: Sequence[str] = (),
) -> Iterator[Deployment]:
    """Install a deployment and take it away; in between its replicas have to be started.

    Args:
        plane: The control plane.
        folder: An empty one.
        name: Of namespace, account and configuration.
        flags: Of ``serve``, further ones.
        label: Whether the shop's namespace opts in.
        lagging: Leads the last replica to the API server.
        last: Flags of the last replica alone.
    """
    plane.kubectl("apply", "-f", "-", input=rights.manifest(name))
    make_namespace(plane, f"{name}-shop", {KEY: "enabled"} if label else {})
    flags = ("--configuration", name, "--tls-namespace", name, *flags)
    replicas = [
        Replica(folder / f"replica-{n}", _kubeconfig(plane, name, relay, folder), *flags, *more)
        for n, (relay, more) in enumerate(((None, ()), (lagging, last)))
    ]
    leaks = Leaks(plane, replicas)
    with contextlib.ExitStack() as stack:
        balancer = stack.enter_context(Relay(*(replica.port for replica in replicas)))
        deployment = Deployment(plane, name, replicas, balancer, leaks)
        body = rights.registration(name, balancer.port)
        plane.kubectl("apply", "--server-side", "-f", "-", input=body)
        stack.callback(plane.request, "DELETE", deployment.path)
        for replica in replicas:
            stack.callback(replica.stop)
        stack.callback(leaks.gather)
        yield deployment
    leaks.check()


def _kubeconfig(plane: ControlPlane, name: str, lagging: Relay | None, folder: Path) -> Path:
    """Write a kubeconfig that names the authority's file, as a Pod has one.

    From a kubeconfig that holds the authority itself, Kubernetes' library makes a temporary file,
    and the folders of a replica are to stay empty.
    """
    content = json.loads(plane.kubeconfig_for(name, name).read_text())
    cluster = content["clusters"][0]["cluster"]
    del cluster["certificate-authority-data"]
    cluster["certificate-authority"] = str(plane.ca_file)
    if lagging is not None:
        cluster["server"] = f"https://{LOOPBACK}:{lagging.port}"
    path = folder / ("kubeconfig" if lagging is None else "lagging.kubeconfig")
    path.touch(mode=0o600)
    path.write_text(json.dumps(content))
    return path
