"""What a cluster needs so that each variant is in force in its namespace."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Final

from benchmarks.cluster import peers, policies
from benchmarks.cluster.pods import POD, Json
from benchmarks.cluster.variants import ISTIO, OURS, POLICY, Variant
from tests.cluster import Cluster, mesh

_EFFECT_SECONDS: Final = 120.0
"""How long the API server may take to follow what was installed."""
_ISTIOD_CPU: Final = "500m"
"""Istio's own default, instead of the little that it gets where it only has to be there: processors
that are wanted by several are shared by what each has asked for.

Source:
    istio.io/istio manifests/charts/istio-control/istio-discovery/values.yaml, resources.
"""


def install(cluster: Cluster, variants: Sequence[Variant]) -> None:
    """Install what is called in any of the namespaces, make these, and wait until all is in force.

    Chart, mesh and peer are installed at the same time, each by its own tools.

    Raises:
        BenchmarkError: The peer cannot be built.
        subprocess.CalledProcessError: A tool failed; a note has its words.
        TimeoutError: A Pod does not come out as its namespace should have it.
    """
    wanted = _wanted(variants)
    with ThreadPoolExecutor() as pool:
        for each in [pool.submit(step, cluster) for step in wanted]:
            each.result()
    for variant in variants:
        _make_namespace(cluster, variant)
    for variant in variants:
        cluster.wait_for(
            lambda: is_in_force(cluster, variant),  # noqa: B023 - asked at once
            _EFFECT_SECONDS,
            f"a Pod in {variant.name} to be as it should",
        )


def is_in_force(cluster: Cluster, variant: Variant) -> bool:
    """Tell by a dry run whether a Pod comes out as it has to in a variant's namespace."""
    pod = {**POD, "metadata": {**POD["metadata"], "name": "probe"}}
    path = f"/api/v1/namespaces/{variant.name}/pods?dryRun=All"
    answer = cluster.request("POST", path, pod)
    return answer.status == HTTPStatus.CREATED and variant.shown_by(answer.json())


def _wanted(variants: Sequence[Variant]) -> list[Callable[[Cluster], None]]:
    """Return the installations that these variants need, the longest first."""
    called = {name for variant in variants for name in variant.called}
    found: list[Callable[[Cluster], None]] = []
    if ISTIO in called:
        found.append(_install_injector)
    if OURS in called:
        found.append(mesh.install_chart)
    found.extend(peer.install for peer in peers.ALL if peer.webhook in called)
    if POLICY in variants:
        found.append(policies.install)
    return found


def _install_injector(cluster: Cluster) -> None:
    """Install istiod, and no gateway: nobody sends a request here."""
    requests = f"--set=values.pilot.resources.requests.cpu={_ISTIOD_CPU}"
    mesh.install_mesh(cluster, "--set=profile=minimal", requests)


def _make_namespace(cluster: Cluster, variant: Variant) -> None:
    body: Json = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": variant.name, "labels": dict(variant.labels)},
    }
    cluster.api.json("POST", "/api/v1/namespaces", body)
