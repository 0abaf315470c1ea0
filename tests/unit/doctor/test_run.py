"""A whole run: order, what is left out, what may not be read, and an API server that is away."""

import collections
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import doctor_document
from tests.unit.doctor.played import (
    CONFIGURATIONS,
    DAEMON_SETS,
    LABELS,
    NAMESPACES,
    POLICIES,
    POLICY_BINDINGS,
    SERVED,
    SERVICES,
    SIDECARS,
    Played,
    ask,
    healthy,
    metrics,
    named,
    only,
    service,
)
from tests.unit.doctor.replicas import Listener
from webhook.admission.options import Options
from webhook.cluster import ClusterError, Forbidden, NotFound, Unreachable
from webhook.doctor.checks import Area, Check, Report, Right, Status
from webhook.doctor.inspection import Installation
from webhook.doctor.run import RIGHTS, SUBJECTS, run

FORBIDDEN = Forbidden("get: HTTP 403, you cannot list that")
HALVES = ("pods", "services")
OURS = [
    {"metadata": {"name": f"x.{each}", "labels": LABELS}, "spec": {"x": "source-ip-preservation"}}
    for each in HALVES
]
BINDINGS = [named(f"x.{each}") | {"spec": {"policyName": f"x.{each}"}} for each in HALVES]


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    """A replica that serves what the published authority has issued."""
    with Listener(SERVED.leaf, tmp_path) as listening:
        yield listening


def examine(listener: Listener, **changes: Any) -> Report:
    """Make a run in a cluster that is all well but for this, by path."""
    client = Played(healthy() | changes)
    return run(client, Options(), Installation(), ways=(listener.dial,))


def test_all_well_is_clean(listener: Listener) -> None:
    """Every check is made in its order and is OK, and the end is 0."""
    report = examine(listener)
    assert [each for each in report.checks if each.status is not Status.OK] == []
    assert list(dict.fromkeys(each.name for each in report.checks)) == [s.name for s in SUBJECTS]
    assert report.exit_code == 0
    assert list(dict.fromkeys(each.area for each in report.checks)) == list(Area)


def test_checks_of_the_webhook_are_left_out_without_one(listener: Listener) -> None:
    """With the policy backend they are, and all others are made, and all is well."""
    changes: dict[str, Any] = {
        CONFIGURATIONS: healthy()[CONFIGURATIONS][1:],
        POLICIES: OURS,
        POLICY_BINDINGS: BINDINGS,
    }
    report = examine(listener, **changes)
    made = {each.name for each in report.checks}
    assert made == {each.name for each in SUBJECTS if not each.webhook}
    assert report.exit_code == 0
    assert "left out" in only(report.checks, "configuration").sentence


def test_missing_right_stops_one_check(listener: Listener) -> None:
    """It could not tell, with the API server's words and the right; the others go on."""
    report = examine(listener, **{DAEMON_SETS: FORBIDDEN, "/metrics": FORBIDDEN})
    unknown = {each.name: each for each in report.checks if each.status is Status.UNKNOWN}
    assert {"interception", "kube-proxy", "terway", "metallb", "fail-open"} <= set(unknown)
    assert "you cannot list that" in unknown["interception"].sentence
    assert "list daemonsets.apps" in unknown["interception"].cure
    assert "get /metrics" in unknown["fail-open"].cure
    assert only(report.checks, "sidecars").status is Status.OK
    assert report.exit_code == 2


def test_token_that_may_do_nothing_tells_everything_it_lacks() -> None:
    """With no right at all nothing is told, nothing crashes, and each check names its rights."""
    refusing: dict[str, Any] = dict.fromkeys(healthy(), FORBIDDEN)
    for place in ("istio-system/configmaps/istio", "kube-system/configmaps/cilium-config"):
        refusing[f"/api/v1/namespaces/{place}"] = FORBIDDEN
    report = run(Played(refusing), Options(), Installation(), ways=())
    assert {each.status for each in report.checks} == {Status.UNKNOWN}
    assert len(report.checks) == len(SUBJECTS)
    assert all("Allow this user: " in each.cure for each in report.checks)


@pytest.mark.parametrize("error", [Unreachable("broke off"), NotFound("HTTP 404, none")])
def test_api_server_that_dies_half_way_is_no_crash(listener: Listener, error: ClusterError) -> None:
    """What was read is told, and for the rest the reason is."""
    report = examine(listener, **{DAEMON_SETS: error})
    found = only(report.checks, "terway")
    assert found.status is Status.UNKNOWN
    assert str(error) in found.sentence


def test_api_server_that_has_gone_is_not_waited_for() -> None:
    """Once it does not even tell its version, no further request is made."""
    client = Played(healthy() | {CONFIGURATIONS: Unreachable("broke off")})
    gone = Unreachable("refused")
    client.cluster["/version"] = ({"gitVersion": "v1.36.2"}, gone)
    report = run(client, Options(), Installation(), ways=())
    assert {each.status for each in report.checks} == {Status.UNKNOWN}
    assert set(client.asked) == {"/version", "/metrics", CONFIGURATIONS}
    assert client.sent == []


@pytest.mark.parametrize("later", [{"gitVersion": "v1.36.2"}, Forbidden("HTTP 403, no")])
def test_one_list_that_fails_is_one_list(later: Any) -> None:
    """An API server that goes on answering is asked for everything else."""
    client = Played(healthy() | {CONFIGURATIONS: Unreachable("HTTP 500, of one kind only")})
    client.cluster["/version"] = ({"gitVersion": "v1.36.2"}, later)
    report = run(client, Options(), Installation(), ways=())
    assert only(report.checks, "ambient").status is Status.OK


def test_api_server_that_is_away_is_one_error() -> None:
    """Where nobody answers, no check is made."""
    client = Played({"/version": NotFound("x")} | {"/version": Unreachable("refused")})
    client.cluster["/version"].retry_after = 0
    with pytest.raises(Unreachable, match="refused"):
        run(client, Options(), Installation(), ways=())
    assert set(client.asked) == {"/version"}


def test_objects_of_another_shape_make_no_sense(listener: Listener) -> None:
    """A list of something else is an answer that could not be read, and no crash."""
    report = examine(listener, **{NAMESPACES: b'{"items": 7}', SIDECARS: b"<html>"})
    assert only(report.checks, "ambient").status is Status.UNKNOWN
    assert only(report.checks, "sidecars").status is Status.UNKNOWN


def test_each_list_is_read_once(listener: Listener) -> None:
    """What several checks need is asked for once, whether it could be read or not."""
    client = Played(healthy() | {DAEMON_SETS: FORBIDDEN})
    run(client, Options(), Installation(), ways=(listener.dial,))
    twice = {path for path in client.asked if client.asked.count(path) > 1}
    assert twice == {"/metrics"}, "before the probe, and after it"


def test_probe_is_counted(listener: Listener) -> None:
    """What the API server counts during the run is told from what it counted before."""
    line = 'apiserver_admission_webhook_fail_open_count{{name="pods.source-ip-webhook.io"}} {}'
    grown = (metrics(line.format(1)), metrics(line.format(2)))
    assert (
        only(examine(listener, **{"/metrics": grown}).checks, "fail-open").status is Status.FAILED
    )
    report = examine(listener, **{"/metrics": metrics(line.format(1))})
    assert only(report.checks, "fail-open").status is Status.OK


def test_progress_is_told(listener: Listener) -> None:
    """Before each check it is told which one, how many are done, and how many there are."""
    told: list[tuple[str, int, int]] = []
    client = Played(healthy())
    ways = (listener.dial,)
    run(client, Options(), Installation(), ways=ways, progress=lambda *args: told.append(args))
    assert told == [(each.name, done, len(SUBJECTS)) for done, each in enumerate(SUBJECTS)]


def test_ways_are_direct_and_through_the_api_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a caller names none, both are tried, the direct one first."""
    tried: list[str] = []

    def failing(way: str) -> Any:
        def dial(_replica: object) -> None:
            tried.append(way)
            raise OSError("nobody")

        return dial

    monkeypatch.setattr("webhook.doctor.run.direct", failing("direct"))
    monkeypatch.setattr("webhook.doctor.run.through", lambda _client: failing("through"))
    report = run(Played(healthy()), Options(), Installation())
    assert tried == ["direct", "through"] * 2
    assert report.exit_code == 2


def test_exit_code_is_that_of_the_worst() -> None:
    """1 where something is wrong or warned of, 2 where it could not be told, 0 otherwise."""
    made = {each: Check("x", "mesh", each, "y") for each in Status}
    codes = {
        (Status.OK,): 0,
        (Status.OK, Status.UNKNOWN): 2,
        (Status.UNKNOWN, Status.WARNING): 1,
        (Status.FAILED,): 1,
        (): 0,
    }
    for statuses, code in codes.items():
        assert Report(tuple(made[each] for each in statuses)).exit_code == code


def test_names_are_words_and_rights_are_complete() -> None:
    """No two checks share a name, each says why, and the role has every right of each."""
    assert len({each.name for each in SUBJECTS}) == len(SUBJECTS)
    assert all(each.about and each.why and each.cure and each.rights for each in SUBJECTS)
    assert set(RIGHTS) == {right for each in SUBJECTS for right in each.rights}
    assert str(Right("list", "deployments", "apps")) == "list deployments.apps"
    assert str(Right("get", "configmaps", name="istio")) == "get configmaps/istio"


def test_check_of_the_webhook_needs_one() -> None:
    """A check that is asked for alone, where there is no configuration, is no crash either."""
    with pytest.raises(NotFound, match="There is no MutatingWebhookConfiguration 0-source"):
        ask("order", healthy() | {CONFIGURATIONS: []})


def test_document_is_made_from_the_checks() -> None:
    """The tables and the ClusterRole of docs/doctor.md are those of the code."""
    made = {"checks": doctor_document.checks(), "rights": doctor_document.rights()}
    assert doctor_document.written() == made, "python -m tests.doctor_document"


def test_example_of_the_document_is_what_doctor_finds(listener: Listener) -> None:
    """The page's example has what a run says of a mistyped label and of a forgotten gateway."""
    istio = named("istio-system")
    typo = named("typo", source_ip_preservation="enable")
    selector = {"app": "istio-ingressgateway", "istio": "ingressgateway"}
    gateway = service(
        "istio-ingressgateway", "istio-system", selector=selector, externalTrafficPolicy="Cluster"
    )
    spaces = [*healthy()[NAMESPACES], istio, typo]
    report = examine(listener, **{NAMESPACES: spaces, SERVICES: [gateway]})
    counts = collections.Counter(each.status for each in report.checks)
    page = doctor_document.DOCUMENT.read_text()

    told = ", ".join(f"{counts[each]} {each}" for each in Status if counts[each])
    assert f"\n{told}.\n" in page
    for each in report.checks:
        assert each.status is Status.OK or f"\n{each.name}: {each.sentence}.\n" in page
