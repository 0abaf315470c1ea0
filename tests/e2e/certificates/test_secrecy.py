"""Private keys stay where they belong; every deployment of these tests is searched at its end."""

import base64
import contextlib
import datetime as dt

import pytest

from certs.authority import Authority
from tests.e2e.certificates.deployment import Deployment
from tests.e2e.certificates.failures import failures_of, wait_for_failures
from tests.e2e.certificates.leaks import forms, found
from tests.e2e.certificates.rights import SECRET

pytestmark = pytest.mark.e2e


@pytest.fixture
def key() -> bytes:
    """A private key in PEM."""
    now = dt.datetime.now(dt.UTC)
    return Authority.create("leak", now=now, lifetime=dt.timedelta(days=1)).key_pem


@pytest.mark.parametrize("spelling", range(9))
def test_search_finds_keys(key: bytes, spelling: int) -> None:
    """The search finds what it looks for, and nothing else."""
    form = forms(key)[spelling]
    texts = {"log": b'{"event": "oops", "key": "' + form + b'"}', "other": b"{}"}
    assert [*found([key], texts)] == ["log"]


def test_search_finds_keys_in_a_secret(key: bytes) -> None:
    """A Secret that is logged as the API server sends it is found too."""
    assert [*found([key], {"log": b"tls.key:" + base64.b64encode(key)})] == ["log"]


def test_no_key_leaves_the_secret(steady: Deployment) -> None:
    """After a rotation, and errors of all kinds, no text holds a key and the disk holds no file."""
    steady.secret()
    with contextlib.ExitStack() as held:
        for replica in steady.replicas:  # or the first one might be over before the second is asked
            held.enter_context(replica.held())
        steady.command("rotate", "--ca")
        assert steady.secret().get("next-ca.key")
        steady.command("rotate", "--ca", code=2)
    steady.wait_until_settled()
    good = steady.secret()
    assert len(steady.leaks.keys) == 4
    failures = failures_of(steady)
    steady.write_secret({**good, "tls.key": good["ca.key"]})
    wait_for_failures(steady, failures, "another certificate's")
    steady.command("rotate", code=2)
    steady.command("show")
    steady.write_secret(good)
    steady.wait_until_settled()
    steady.leaks.gather()
    steady.leaks.check()


def test_audit_log_names_the_secret_only(steady: Deployment) -> None:
    """The API server's audit log, at level Metadata, tells of each write, never what it wrote."""
    events = [
        event
        for event in steady.plane.audit_events(steady.name)
        if event.get("objectRef", {}).get("resource") == "secrets"
        and event["user"]["username"] == f"system:serviceaccount:{steady.name}:{steady.name}"
    ]
    assert {event["verb"] for event in events} == {"get", "create", "patch"}
    assert {event["objectRef"].get("name", SECRET) for event in events} == {SECRET}
    assert all("requestObject" not in event for event in events)
