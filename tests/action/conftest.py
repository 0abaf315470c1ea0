"""A cluster in which the chart is installed."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.action.release import SHOP, Release
from tests.chart import helm
from tests.cluster import Cluster
from tests.controlplane.absence import skipped_without_binaries
from tests.e2e.registration import KEY
from tests.images import names

_RELEASES = pytest.StashKey[list[Release]]()


@pytest.fixture(scope="package")
def release(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Release]:
    """The chart's release, as yet not installed, and a namespace that has opted in."""
    folder = tmp_path_factory.mktemp("action")
    with contextlib.ExitStack() as stack:
        with skipped_without_binaries():
            described = Cluster(folder / "cluster", images=[names.WEBHOOK])
            cluster = stack.enter_context(described)
        cluster.kubectl("create", "namespace", helm.NAMESPACE)
        cluster.kubectl("create", "namespace", SHOP)
        cluster.kubectl("label", "namespace", SHOP, f"{KEY}=enabled")
        found = Release(cluster, folder)
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
        for test, (what, report) in release.reports.items():
            recovery = f"{report.outage:.1f} s" if report.failed else ""
            terminalreporter.write_line(
                f"| {what} | {report.requests:,} | {report.failed:,} | {recovery} | "
                f"{report.p50 * 1000:.0f} ms | {report.p99 * 1000:,.0f} ms | `{test}` |"
            )
            if report.unpatched:
                terminalreporter.write_line(f"    {report.unpatched} without the setting")
            for error, count in report.errors.most_common(3):
                terminalreporter.write_line(f"    {count} x {error}")
