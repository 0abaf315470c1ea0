"""The walk goes to every namespace that is opted in, and on where something cannot be read."""

import pytest

from tests.situations import LOOPBACK, sidecar
from tests.unit.audit.auditing import audit, cluster, said
from tests.unit.audit.objects import (
    AFTER,
    BETWEEN,
    KEY,
    configuration,
    controlled,
    namespace,
    node,
    pod,
    service,
    slice_of,
    workload,
)
from tests.unit.audit.played import CONFIGURATIONS, NAMESPACES, Played
from webhook.admission.options import Options
from webhook.audit.findings import Level
from webhook.audit.walk import Selection, run
from webhook.cluster import ClusterError, Forbidden, Unreachable

PODS = f"{NAMESPACES}/shop/pods"
SERVICES = f"{NAMESPACES}/shop/services"


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing between two attempts."""
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _seconds: None)


def test_namespaces_that_are_not_opted_in_are_not_read() -> None:
    """What is asked for is read, half by half, and nothing else; in the order of names."""
    played = Played(
        namespace("z"),
        namespace("pods", "east-west"),
        namespace("services", "north-south"),
        namespace("plain", None),
        namespace("typo", "on"),
        configuration(),
    )
    report = run(played, Options(), Selection())

    read = [path for path in played.asked if path.startswith(f"{NAMESPACES}/")]
    assert read == [
        f"{NAMESPACES}/pods/pods",
        f"{NAMESPACES}/services/services",
        f"{NAMESPACES}/z/pods",
        f"{NAMESPACES}/z/services",
    ]
    assert report.namespaces == ("pods", "services", "z")
    assert (report.findings, report.unknown, report.exit_code) == ((), (), 0)
    assert report.label_key == KEY


def test_findings_are_in_order() -> None:
    """By namespace, owner and reason; what has to be done before what is worth knowing."""
    report = audit(
        namespace("a"),
        pod("z", namespace="a"),
        pod("b"),
        service(),
        service("alone", selector=None),
        service("local", "Local", healthCheckNodePort=0),
        slice_of("local", "n1", "n2"),
        *(node(name) for name in ("n1", "n2", "n3")),
    )

    assert [(each.namespace, each.owner.title, each.level) for each in report.findings] == [
        ("a", "Pod/z", Level.FINDING),
        ("shop", "Pod/b", Level.FINDING),
        ("shop", "Service/alone", Level.NOTE),
        ("shop", "Service/gateway", Level.FINDING),
        ("shop", "Service/local", Level.FINDING),
        ("shop", "Service/local", Level.NOTE),
    ]


def test_progress_is_told_with_every_page() -> None:
    """What is read, and how many were until now."""
    told: list[tuple[str, int]] = []
    played = cluster(*(pod(f"p-{n}") for n in range(5)), namespace("b"), pod(namespace="b"), page=2)
    run(played, Options(), Selection(), lambda stage, done: told.append((stage, done)))

    assert told == [
        ("namespaces", 2),
        ("pods", 1),
        ("services", 0),
        ("pods", 3),
        ("pods", 5),
        ("pods", 6),
        ("services", 0),
    ]


def test_selector_selects_pods_and_services() -> None:
    """The label selector goes to the API server."""
    report = audit(
        pod("a", labels={"app": "a"}),
        pod("b", labels={"app": "b"}),
        service("a", labels={"app": "a"}),
        service("b", labels={"app": "b"}),
        selector="app=b",
    )

    assert said(report) == [("Pod/b", "missed"), ("Service/b", "missed")]
    assert (report.pods, report.services) == (1, 1)


def test_named_namespaces() -> None:
    """Only what was named is read; each name that is not audited is told, with what to do."""
    leaving = namespace("leaving")
    leaving["metadata"]["deletionTimestamp"] = AFTER
    played = cluster(
        pod(),
        namespace("other"),
        pod("x", namespace="other"),
        namespace("plain", None),
        namespace("typo", "on"),
        leaving,
    )
    names = ("shop", "missing", "plain", "typo", "leaving", "shop")
    report = run(played, Options(), Selection(namespaces=names))

    assert said(report) == [("Pod/sleep-1", "missed")]
    assert {each.what: each.why for each in report.unknown} == {
        "namespace missing": "there is no namespace of this name",
        "namespace plain": f"it is not opted in, as its label {KEY} is absent; "
        f"to opt it in: kubectl label namespace plain {KEY}=enabled",
        "namespace typo": f"it is not opted in, as its label {KEY} says 'on'; "
        f"to opt it in: kubectl label namespace typo {KEY}=enabled --overwrite",
        "namespace leaving": "it is being deleted",
    }
    assert NAMESPACES not in played.asked


def test_namespace_that_is_being_deleted_is_left_alone() -> None:
    """Nobody restarts anything there."""
    leaving = namespace("leaving")
    leaving["metadata"]["deletionTimestamp"] = AFTER

    assert audit(leaving, pod(namespace="leaving")).namespaces == ("shop",)


def test_nothing_at_all_can_be_read() -> None:
    """Without the namespaces, or without any of those that were named, there is no report."""
    played = cluster()
    played.fail(NAMESPACES, Forbidden("HTTP 403"))
    played.fail(f"{NAMESPACES}/shop", Forbidden("HTTP 403"))

    with pytest.raises(
        Forbidden, match=r"HTTP 403\. docs/audit\.md lists the rights of an audit\.$"
    ):
        run(played, Options(), Selection())
    with pytest.raises(Forbidden):
        run(played, Options(), Selection(namespaces=("shop",)))


def test_configuration_tells_when_the_webhook_came() -> None:
    """It goes by the name that is given; one that is not there says nothing."""
    named = Played(namespace(), configuration("0-mine"), pod(created=BETWEEN))

    found = run(named, Options(), Selection(configuration="0-mine"))
    absent = run(named, Options(), Selection())
    assert said(found) == [("Pod/sleep-1", "created-before-webhook")]
    assert said(absent) == [("Pod/sleep-1", "missed")]
    assert absent.unknown == ()


def test_configuration_that_cannot_be_read_is_told_once() -> None:
    """What depends on it is not distinguished then."""
    played = cluster(pod(created=BETWEEN), namespace("b"))
    played.fail(f"{CONFIGURATIONS}/0-source-ip-webhook", Forbidden("HTTP 403"))
    report = run(played, Options(), Selection())

    assert said(report) == [("Pod/sleep-1", "missed")]
    assert [each.what for each in report.unknown] == ["mutatingwebhookconfigurations"]
    assert report.exit_code == 1


def test_sidecars_of_the_mesh_count() -> None:
    """A Sidecar with a loopback ingress makes a note of the Pods that it is for."""
    odd = {**sidecar("odd"), "kind": "Sidecar", "spec": {"ingress": "none"}}
    loopback = {**sidecar("all", LOOPBACK), "kind": "Sidecar"}
    played = cluster(pod(), odd, loopback)

    assert said(run(played, Options(), Selection())) == [("Pod/sleep-1", "loopback-ingress")]
    ignored = run(played, Options(ignore_sidecars=True), Selection())
    assert said(ignored) == [("Pod/sleep-1", "missed")]


def test_walk_goes_on_where_a_right_is_missing() -> None:
    """What is missing is told for each namespace, and the rest is audited."""
    played = cluster(pod(), service(), namespace("b"), pod("b", namespace="b"))
    played.fail(PODS, Forbidden("get /api/v1/namespaces/shop/pods: HTTP 403, no"))
    report = run(played, Options(), Selection())

    assert said(report) == [("Pod/b", "missed"), ("Service/gateway", "missed")]
    (unknown,) = report.unknown
    assert unknown.what == "pods in namespace shop"
    assert unknown.why == (
        "the right to list pods in namespace shop is missing: "
        "get /api/v1/namespaces/shop/pods: HTTP 403, no"
    )


def test_list_that_breaks_off_counts_as_far_as_it_was_read() -> None:
    """What was found until then is told, and that there may be more."""
    played = cluster(*(pod(f"p-{n}") for n in range(4)), service(), page=2)
    played.fail(PODS, Unreachable("HTTP 500"), after=1)
    report = run(played, Options(), Selection())

    assert said(report) == [
        ("Pod/p-0", "missed"),
        ("Pod/p-1", "missed"),
        ("Service/gateway", "missed"),
    ]
    assert [(each.what, each.why) for each in report.unknown] == [
        ("pods in namespace shop", "HTTP 500")
    ]


def test_no_selector_is_refused_once() -> None:
    """What is no selector of labels ends the audit, also where no namespace is opted in."""
    played = cluster()
    error = Unreachable("HTTP 400, unable to parse requirement")
    error.status = 400
    played.fail(NAMESPACES, error)
    with pytest.raises(ClusterError) as caught:
        run(played, Options(), Selection(selector="a=(b"))

    assert str(caught.value) == (
        "-l 'a=(b' is no label selector: HTTP 400, unable to parse requirement"
    )
    assert played.asked == [NAMESPACES]


def test_selector_cannot_be_tried_on_an_api_server_that_is_gone() -> None:
    """Nothing could be read then."""
    played = cluster()
    played.fail(NAMESPACES, Unreachable("connection refused"))
    with pytest.raises(Unreachable, match="connection refused"):
        run(played, Options(), Selection(selector="app=b"))


def test_selector_needs_no_right_to_list_namespaces() -> None:
    """Who may look into one namespace only may choose there by labels."""
    played = cluster(pod("a", labels={"app": "a"}), pod("b", labels={"app": "b"}))
    played.fail(NAMESPACES, Forbidden("HTTP 403, no"))
    report = run(played, Options(), Selection(("shop",), selector="app=b"))

    assert said(report) == [("Pod/b", "missed")]


def test_api_server_that_is_gone_is_not_asked_for_the_rest() -> None:
    """After two reads that came to nothing the walk ends, with what it has found."""
    played = cluster(
        pod(owners=controlled("Deployment", "sleep")),
        workload(),
        *(namespace(f"z{n}") for n in range(50)),
    )
    for path in ("/apis/apps/v1/namespaces/shop/deployments", SERVICES):
        played.fail(path, Unreachable("connection refused"))
    report = run(played, Options(), Selection())

    assert said(report) == [("Deployment/sleep", "missed")]
    assert [each.what for each in report.unknown] == [
        "deployments in namespace shop",
        "services in namespace shop",
        "everything else",
    ]
    assert played.asked[-1] == SERVICES


def test_answer_in_between_proves_that_it_is_there() -> None:
    """Single failures, however many, do not end the walk."""
    names = ("b", "c", "d")
    played = cluster(*(namespace(name) for name in names))
    for name in names:
        played.fail(f"{NAMESPACES}/{name}/pods", Unreachable("HTTP 500"))
    report = run(played, Options(), Selection())

    assert [each.what for each in report.unknown] == [f"pods in namespace {n}" for n in names]


def test_answer_that_makes_no_sense_ends_nothing() -> None:
    """Objects of another form, as of a proxy in between, are told like any failure."""
    odd = pod()
    odd["spec"] = "none"
    report = audit(odd, service())

    assert said(report) == [("Service/gateway", "missed")]
    assert "makes no sense" in report.unknown[0].why
