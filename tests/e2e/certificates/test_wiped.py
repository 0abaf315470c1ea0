"""A caBundle that somebody else has changed: how many creations fail, and for how long."""

import datetime as dt
import time
from collections.abc import Callable

import pytest

from certs.authority import Authority
from tests.e2e.certificates.deployment import Deployment
from tests.e2e.certificates.scenario import Record, under_load
from tests.e2e.conftest import DEADLINE

pytestmark = pytest.mark.e2e


def stranger() -> bytes:
    """Make an authority that has nothing to do with us."""
    now = dt.datetime.now(dt.UTC)
    return Authority.create("stranger", now=now, lifetime=dt.timedelta(days=1)).certificate_pem


@pytest.mark.parametrize(
    ("damage", "entries"),
    [
        pytest.param(lambda: None, 1, id="one-removed"),
        pytest.param(lambda: None, 2, id="both-removed"),
        pytest.param(lambda: b"garbage", 2, id="garbage"),
        pytest.param(stranger, 2, id="stranger"),
    ],
)
def test_damaged_bundle(
    steady: Deployment, record: Record, damage: Callable[[], bytes | None], entries: int
) -> None:
    """It is mended, and from then on nothing fails; how long that takes is written down."""
    authority = steady.secret()["ca.crt"]
    with under_load(steady, record) as scenario:
        scenario.wait_for_creations()
        wiped = time.monotonic()
        steady.publish(*[damage()] * entries)
        steady.plane.wait_for(
            lambda: all(authority in bundle for bundle in steady.published()),
            DEADLINE,
            "the bundles to be mended",
            interval_seconds=0.005,
        )
        mended = time.monotonic() - wiped
        scenario.wait_for_creations(succeeded=True)
    record("mended after ms", round(mended * 1000))
    last = scenario.report.last_failure or wiped
    record("last failure after ms", round((last - wiped) * 1000))
    if damage is stranger:  # which stays, as it is not ours to take away
        assert all(bundle.count(b"BEGIN") == 2 for bundle in steady.published())
        steady.publish(authority, authority)
    steady.wait_until_settled()


def test_wiped_again_and_again(steady: Deployment, record: Record) -> None:
    """Each time it is mended, however often: nobody gives up."""
    authority = steady.secret()["ca.crt"]
    times = []
    with under_load(steady, record):
        for _ in range(10):
            wiped = time.monotonic()
            steady.publish(None, None)
            steady.plane.wait_for(
                lambda: steady.published() == [authority] * 2,
                DEADLINE,
                "the bundles to be mended",
                interval_seconds=0.005,
            )
            times.append(time.monotonic() - wiped)
    record("mended after ms", [round(each * 1000) for each in times])
