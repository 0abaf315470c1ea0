"""caBundle and certificates: real handshakes with replicas on loopback."""

import base64
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from certs import bundle, rotation
from certs.policy import Policy
from tests.unit.doctor.played import (
    CONFIGURATIONS,
    HOST,
    NOW,
    OWN_DEPLOYMENT,
    OWN_SERVICE,
    SERVED,
    SLICES,
    ask,
    configuration,
    deployment,
    healthy,
    inspect,
    named,
    replica,
)
from tests.unit.doctor.replicas import Ending, Listener, nowhere
from webhook.cluster import Forbidden, Unreachable
from webhook.doctor.checks import Status
from webhook.doctor.ways import Connection, Replica

DAY = dt.timedelta(days=1)
STRANGER = rotation.create(Policy(hosts=(HOST,)), NOW)


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    """A replica that serves what the published authority has issued."""
    with Listener(SERVED.leaf, tmp_path) as listening:
        yield listening


def published(pem: bytes | None, **config: Any) -> dict[str, Any]:
    """Make a cluster whose configuration has this caBundle."""
    made = configuration()
    for entry in made["webhooks"]:
        entry["clientConfig"] |= config
        del entry["clientConfig"]["caBundle"]
        if pem is not None:
            entry["clientConfig"]["caBundle"] = base64.b64encode(pem).decode()
    return healthy() | {CONFIGURATIONS: [made]}


def test_bundle_verifies_what_every_replica_serves(listener: Listener) -> None:
    """Each ready endpoint is asked once, and shown as evidence."""
    (verdict,) = ask("ca-bundle", healthy(), ways=(listener.dial,))
    assert verdict.status is Status.OK
    assert [each.rpartition(" ")[0].rpartition(" ")[2] for each in verdict.evidence] == [
        "Pod/x-source-ip-webhook-1",
        "Pod/x-source-ip-webhook-2",
    ]


@pytest.mark.parametrize(
    ("pem", "why"),
    [
        (bundle.write(STRANGER.authorities), "unable to get local issuer certificate"),
        (b"rubbish", "the caBundle is no PEM"),
        (b"", "unable to get local issuer certificate"),
        (None, "unable to get local issuer certificate"),
    ],
)
def test_bundle_that_does_not_verify_is_named(
    listener: Listener, pem: bytes | None, why: str
) -> None:
    """A foreign, a damaged and an empty bundle are refused with OpenSSL's own reason."""
    verdicts = ask("ca-bundle", published(pem), ways=(listener.dial,))
    assert [each.status for each in verdicts] == [Status.FAILED] * 2
    assert why in verdicts[0].sentence
    assert "deployment/x-source-ip-webhook" in verdicts[0].cure


def test_name_is_that_of_the_service(tmp_path: Path) -> None:
    """A certificate for another Service is refused."""
    other = rotation.create(Policy(hosts=("other.source-ip.svc",)), NOW)
    with Listener(other.leaf, tmp_path) as listener:
        verdicts = ask(
            "ca-bundle", published(bundle.write(other.authorities)), ways=(listener.dial,)
        )
    assert "Hostname mismatch" in verdicts[0].sentence


def test_next_way_is_tried_where_one_leads_nowhere(listener: Listener) -> None:
    """What cannot be reached directly is reached through the API server."""

    def forbidden(_replica: Replica) -> Connection:
        raise Forbidden("you may not")

    (verdict,) = ask("ca-bundle", healthy(), ways=(nowhere, forbidden, listener.dial))
    assert verdict.status is Status.OK


def test_next_way_judges_where_one_leads_to_somebody_else(
    listener: Listener, tmp_path: Path
) -> None:
    """The same address may be another machine's here, so a refusal is asked about again."""
    (tmp_path / "other").mkdir()
    with Listener(STRANGER.leaf, tmp_path / "other") as somebody:
        (verdict,) = ask("ca-bundle", healthy(), ways=(somebody.dial, listener.dial))
        assert verdict.status is Status.OK
        verdicts = ask("ca-bundle", healthy(), ways=(somebody.dial, nowhere))
        assert {each.status for each in verdicts} == {Status.FAILED}


def test_no_way_is_no_verdict() -> None:
    """A replica that cannot be reached from here is no fault of the installation."""
    verdicts = ask("ca-bundle", healthy(), ways=(nowhere,))
    assert [each.status for each in verdicts] == [Status.UNKNOWN] * 2
    assert verdicts[0].evidence == ("10.0.0.1:8443: nobody answers",)
    assert "pods/portforward" in verdicts[0].cure


@pytest.mark.parametrize("said", [(), (b"HTTP/1.1 400 Bad Request\r\n\r\n",)])
def test_what_is_no_tls_is_refused(said: tuple[bytes, ...]) -> None:
    """A port that ends the connection, or speaks HTTP, is named; the connection is closed."""
    made: list[Ending] = []

    def dial(_replica: Replica) -> Connection:
        made.append(Ending(*said))
        return made[-1]

    first, _ = ask("ca-bundle", healthy(), ways=(dial,))
    assert first.status is Status.FAILED
    assert all(each.closed for each in made)
    assert ("ended the handshake" in first.sentence) is (not said)


def test_connection_that_breaks_is_no_verdict() -> None:
    """Where the way breaks off during the handshake, nobody can tell."""

    class Breaking(Ending):
        def recv(self, _size: int, /) -> bytes:
            raise Unreachable("broke off")

    (verdict, _) = ask("ca-bundle", healthy(), ways=(lambda _replica: Breaking(),))
    assert verdict.status is Status.UNKNOWN


@pytest.mark.parametrize(
    "changes",
    [
        {SLICES: []},
        {OWN_SERVICE: None},
        {SLICES: [named("s") | {"endpoints": None, "ports": [{"name": "https", "port": 1}]}]},
        {SLICES: [named("s") | {"endpoints": [replica(1)], "ports": None}]},
        {
            SLICES: [
                named("s")
                | {
                    "endpoints": [replica(1, ready=False), replica(2) | {"addresses": []}],
                    "ports": [{"name": "https", "port": 1}, {"name": "https"}],
                }
            ]
        },
    ],
)
def test_no_ready_replica_is_a_failure(changes: dict[str, Any]) -> None:
    """Without Service, slice, port or ready endpoint there is nothing to verify, and to call."""
    cluster = {key: value for key, value in (healthy() | changes).items() if value is not None}
    (verdict,) = ask("ca-bundle", cluster, ways=(nowhere,))
    assert verdict.status is Status.FAILED
    assert verdict.cure == "kubectl -n source-ip describe deployment/x-source-ip-webhook"
    (verdict,) = ask("certificate", cluster, ways=(nowhere,))
    assert verdict.status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("url", "title"),
    [
        ("https://127.0.0.1:7/mutate", "127.0.0.1:7"),
        ("https://webhook.example.org/mutate", "webhook.example.org:443"),
        ("https://[broken", ":443"),
    ],
)
def test_url_is_asked_itself(listener: Listener, url: str, title: str) -> None:
    """A webhook outside of the cluster has one address, which has no Pod."""
    cluster = published(bundle.write(STRANGER.authorities), service=None, url=url)
    (verdict,) = ask("ca-bundle", cluster, ways=(listener.dial,))
    assert title in verdict.evidence[0]
    assert "URL's host" in verdict.cure


def test_configuration_without_entries_calls_nobody() -> None:
    """Where there is nobody to call, that is what is wrong."""
    made = configuration()
    made["webhooks"] = []
    (verdict,) = ask("ca-bundle", healthy() | {CONFIGURATIONS: [made]}, ways=(nowhere,))
    assert (verdict.status, verdict.cure) == (
        Status.FAILED,
        "Register the webhook as docs/operation.md says",
    )


def test_endpoint_without_a_pod_has_its_address_for_a_name(listener: Listener) -> None:
    """Endpoints may be written by hand."""
    cluster = healthy()
    endpoint = replica(1)
    del endpoint["targetRef"]
    cluster[SLICES][0]["endpoints"] = [endpoint]
    (verdict,) = ask("ca-bundle", cluster, ways=(listener.dial,))
    assert "10.0.0.1:8443" in verdict.evidence[0]


def certificate_at(now: dt.datetime, listener: Listener, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make the check at a time."""
    monkeypatch.setattr("tests.unit.doctor.played.NOW", now)
    (verdict,) = ask("certificate", healthy(), ways=(listener.dial,))
    return verdict


@pytest.mark.parametrize(
    ("days", "status", "shown"),
    [
        (1, Status.OK, "(89 d)"),
        (74, Status.OK, "(16 d)"),
        (76, Status.WARNING, "(14 d)"),
        (91, Status.FAILED, "(-1 d)"),
        (-2, Status.FAILED, "(92 d)"),
    ],
)
def test_life_is_told_by_the_api_servers_clock(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, days: int, status: Status, shown: str
) -> None:
    """A leaf of 90 days is warned of in its last 15, and has failed before and after its time."""
    verdict = certificate_at(NOW + days * DAY, listener, monkeypatch)
    assert verdict.status is status
    assert shown in verdict.evidence[0]


def test_authority_counts_where_it_issued_what_is_served(listener: Listener) -> None:
    """Leaf and authority are shown, once each, and no authority that is being retired."""
    both = bundle.write((*STRANGER.authorities, *SERVED.authorities))
    (verdict,) = ask("certificate", published(both), ways=(listener.dial,))
    place = "0-source-ip-webhook .webhooks[0].clientConfig.caBundle"
    assert [each.partition(":")[0] for each in verdict.evidence] == [
        "certificate that Pod/x-source-ip-webhook-1 serves",
        f"authority in MutatingWebhookConfiguration/{place}",
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({OWN_DEPLOYMENT: deployment(2, "--tls-cert=x")}, "helm upgrade x"),
        ({OWN_DEPLOYMENT: None}, "helm upgrade x"),
    ],
)
def test_cure_names_who_renews(listener: Listener, changes: dict[str, Any], words: str) -> None:
    """Where the service does not manage its certificate, somebody else publishes the authority."""
    cluster = published(bundle.write(STRANGER.authorities)) | changes
    cluster = {key: value for key, value in cluster.items() if value is not None}
    verdicts = ask("ca-bundle", cluster, ways=(listener.dial,))
    assert words in verdicts[0].cure


def test_cure_looks_at_the_certificate_of_cert_manager(listener: Listener) -> None:
    """Where cert-manager writes caBundle, nobody else has to."""
    cluster = published(bundle.write(STRANGER.authorities))
    cluster[CONFIGURATIONS][0]["metadata"]["annotations"] = {
        "cert-manager.io/inject-ca-from": "source-ip/x-tls"
    }
    verdicts = ask("ca-bundle", cluster, ways=(listener.dial,))
    assert verdicts[0].cure == "kubectl -n source-ip describe certificates.cert-manager.io x-tls"


def test_clock_is_ours_where_the_api_server_does_not_tell() -> None:
    """Without an answer the time is this machine's."""
    before = dt.datetime.now(dt.UTC)
    assert inspect({}).now >= before
