"""Certificates that expire, or are out of date, while the service runs."""

import datetime as dt
import time

import pytest

from tests.e2e.conftest import DEADLINE
from tests.e2e.failures.policies import only_fail
from tests.e2e.own_webhook import Webhook

pytestmark = pytest.mark.e2e

SHORT = dt.timedelta(seconds=10)
"""Life of a certificate that is to expire."""


@only_fail
def test_certificate_that_expires_under_an_open_connection(webhook: Webhook) -> None:
    """Nobody notices an expired certificate before the next handshake, but the metric tells."""
    process = webhook.process
    expiry = 'certificate_not_after_timestamp_seconds{certificate="serving"}'
    refusals = len(process.events("certificate-not-reloaded"))

    def is_served() -> bool:
        nonlocal refusals
        if len(process.events("certificate-not-reloaded")) > refusals:
            # On a busy machine the process came to look at the files when it had expired.
            refusals = len(process.events("certificate-not-reloaded"))
            process.certify(lifetime=SHORT)
        return process.metric(expiry) < time.time() + SHORT.total_seconds()

    process.certify(lifetime=SHORT)
    try:
        webhook.plane.wait_for(is_served, DEADLINE, "the reload")
        webhook.plane.wait_for(
            lambda: process.metric(expiry) < time.time(), DEADLINE, "the certificate to expire"
        )
        answer = webhook.create("p")
    finally:
        process.certify()

    assert answer.mode == "TPROXY"


@only_fail
def test_certificate_out_of_date_does_not_replace_a_good_one(webhook: Webhook) -> None:
    """The files may hold what they like: calls go on, and the service stays ready and says so."""
    process = webhook.process
    webhook.plane.wait_for(
        lambda: process.ops("/readyz").status == 200,
        DEADLINE,
        "it to be ready, whatever was before",
    )
    complaints = len(process.events("certificate-not-reloaded"))
    process.certify(days_ago=2)
    try:
        webhook.plane.wait_for(
            lambda: len(process.events("certificate-not-reloaded")) > complaints,
            DEADLINE,
            "the complaint",
        )
        answer = webhook.create("good")
        ready = process.ops("/readyz").status
        why = process.events("certificate-not-reloaded")[-1]["why"]
    finally:
        process.certify()

    assert (answer.mode, ready) == ("TPROXY", 200)
    assert "is out of date" in why
