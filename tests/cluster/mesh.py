"""The mesh and our chart in a cluster, installed with the tools that a user installs them with."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.cluster.cluster import Cluster
from tests.images import names

CHART = Path(__file__).parents[2] / "charts" / "source-ip-webhook"
RELEASE = "source-ip-webhook"
NAMESPACE = "source-ip"

IMAGES = (names.WEBHOOK, names.PROXY, names.PILOT, names.HTTPBIN, names.SLEEP)
"""What the mesh, the chart and the guide's applications run."""

SETTINGS = {
    # Filters that only Istio's own build of Envoy has; the one in our image is Envoy's own release.
    "values.pilot.env.PILOT_ENABLE_METADATA_EXCHANGE": "false",
    "values.pilot.env.PILOT_ENABLE_ALPN_FILTER": "false",
    "values.telemetry.enabled": "false",
    # Where a cluster has IPv6 too.
    "values.pilot.env.ISTIO_DUAL_STACK": "true",
    # The access log that the guide reads.
    "meshConfig.accessLogFile": "/dev/stdout",
    "meshConfig.accessLogEncoding": "JSON",
    # A sidecar drains for five seconds before it ends; nobody waits for it here.
    "meshConfig.defaultConfig.terminationDrainDuration": "1s",
    # Two nodes of two cores: what Istio reserves by default would leave little for applications.
    "values.pilot.resources.requests.cpu": "50m",
    "values.pilot.resources.requests.memory": "128Mi",
    "values.global.proxy.resources.requests.cpu": "10m",
    "values.global.proxy.resources.requests.memory": "64Mi",
}
"""What `istioctl install --set` gets. Nothing here concerns the interception of connections."""


def install(cluster: Cluster) -> None:
    """Install both at the same time, as two people would; errors as of either."""
    with ThreadPoolExecutor() as both:
        for each in [both.submit(install_mesh, cluster), both.submit(install_chart, cluster)]:
            each.result()


def install_mesh(cluster: Cluster, *flags: str) -> None:
    """Install istiod and the ingress gateway, or bring them back to what they should be.

    Args:
        cluster: Where.
        flags: Further ones of ``istioctl install``.

    Raises:
        subprocess.CalledProcessError: istioctl failed; a note has its words.
    """
    settings = (f"--set={path}={value}" for path, value in SETTINGS.items())
    cluster.istioctl("install", "--skip-confirmation", *settings, *flags)


def install_chart(cluster: Cluster, *flags: str) -> None:
    """Install our chart and wait until its Pods are ready.

    Args:
        cluster: Where.
        flags: Further ones of ``helm upgrade``.

    Raises:
        subprocess.CalledProcessError: Helm failed; a note has its words.
    """
    repository, _, tag = names.WEBHOOK.rpartition(":")
    image = {"repository": repository, "tag": tag}
    cluster.helm(
        *("upgrade", "--install", RELEASE, str(CHART)),
        *("--namespace", NAMESPACE, "--create-namespace", "--wait", "--timeout", "2m"),
        f"--set-json=image={json.dumps(image)}",
        *flags,
    )
