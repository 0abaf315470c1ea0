"""A cluster in a network of its own, in which the chart is installed."""

from collections.abc import Iterator

import pytest

from tests.action.release import IMAGE, SHOP, Release
from tests.chart import helm
from tests.controlplane import ControlPlane
from tests.controlplane.absence import skipped_without_binaries
from tests.e2e.conftest import make_namespace
from tests.e2e.registration import KEY
from tests.kubelet.kubelet import Kubelet
from tests.kubelet.privileges import cluster_network

_RELEASES = pytest.StashKey[list[Release]]()


@pytest.fixture(scope="package")
def release(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Release]:
    """The chart's release, as yet not installed, and a namespace that has opted in."""
    folder = tmp_path_factory.mktemp("action")
    # Helm's library is written in Go, and Go starts threads that stay in the network in which they
    # were started. So it renders before this thread enters another one: what it rendered is kept.
    helm.render()
    with cluster_network() as network:
        with skipped_without_binaries():
            described = ControlPlane(folder / "controlplane", address=network.address)
        with described as plane:
            for name, labels in ((helm.NAMESPACE, {}), (SHOP, {KEY: "enabled"})):
                make_namespace(plane, name, labels)
            images = {"source-ip-webhook": IMAGE}
            with Kubelet(plane, network, folder / "kubelet", images, [helm.NAMESPACE]) as kubelet:
                found = Release(plane, kubelet)
                request.config.stash.setdefault(_RELEASES, []).append(found)
                yield found


@pytest.fixture(scope="module")
def installed(release: Release) -> Release:
    """The release with two replicas that answer, and ``failurePolicy: Fail``."""
    release.apply()
    return release


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the table of docs/reliability.md."""
    for release in config.stash.get(_RELEASES, []):
        terminalreporter.section("the chart under load")
        for what, report in release.reports.items():
            terminalreporter.write_line(
                f"| {what} | {report.rate:.0f}/s | {report.requests} | {report.failed} | "
                f"{report.unpatched} | {report.outage:.1f} s | {report.p50 * 1000:.0f} ms | "
                f"{report.p99 * 1000:.0f} ms |"
            )
            for error, count in report.errors.most_common(3):
                terminalreporter.write_line(f"    {count} x {error}")
