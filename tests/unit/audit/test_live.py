"""What ``--live`` sees in running Pods, and what becomes of it in the report."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.unit.audit.auditing import cluster, said
from tests.unit.audit.objects import Object, controlled, namespace, pod, tproxy, workload
from tests.unit.audit.played import Played
from webhook.admission.options import Options
from webhook.audit.findings import Action, Live, Report
from webhook.audit.live import Looker
from webhook.audit.walk import Selection, run
from webhook.cluster import ClusterError, CommandFailed, Forbidden, NotFound, Unreachable

LISTEN = "0: 00000000:1F40 00000000:0000 0A 00000000:0"
OWN = "1402F40A:1F40"
"""The application's address and port, 10.244.2.20:8000."""
RUNNING: Object = {"phase": "Running", "podIPs": [{"ip": "10.244.2.20"}]}
PROBERS = {"name": "ISTIO_KUBE_APP_PROBERS", "value": "{}"}
OPEN, CLOSED = "01", "06"


def tables(*connections: tuple[str, str]) -> str:
    """Print the table of a Pod whose application has accepted connections, each in a state."""
    rows = [f"{n}: {OWN} {peer} {state} 0" for n, (peer, state) in enumerate(connections, 1)]
    return "\n".join(["  sl  local_address rem_address   st", LISTEN, *rows, ""])


SIDECAR = ("0600007F:B627", OPEN)
CLIENT = ("0A01F40A:B91F", OPEN)


class Pods:
    """Runs commands in played Pods.

    Attributes:
        asked: Pod and container of each command.
        slept: For how long somebody waited.
    """

    def __init__(self, **answers: str | ClusterError | list[str | ClusterError]) -> None:
        """Take what each Pod, or container of one, answers; ``_`` stands for ``-``."""
        self.asked: list[tuple[str, str]] = []
        self.slept: list[float] = []
        self.progress: list[tuple[str, int, int]] = []
        self._answers = {name.replace("_", "-"): each for name, each in answers.items()}
        self._lock = threading.Lock()

    def run(self, _namespace: str, pod: str, container: str, command: Sequence[str]) -> str:
        """Answer a command."""
        assert command == ("cat", "/proc/net/tcp", "/proc/net/tcp6")
        with self._lock:
            self.asked.append((pod, container))
            answer = self._answers.get(f"{pod}--{container}", self._answers.get(pod, tables()))
            if isinstance(answer, list):
                answer = answer.pop(0)
        if isinstance(answer, ClusterError):
            raise answer
        return answer

    def look(self, played: Played, selector: str = "") -> Report:
        """Audit a cluster, and look into its Pods."""
        report = run(played, Options(), Selection(selector=selector))
        looker = Looker(
            run=self.run,
            progress=lambda *args: self.progress.append(args),
            sleep=self.slept.append,
        )
        return looker.look(played, Options(), report, selector)


def deployed(
    name: str, make: Callable[..., Object] = tproxy, copy: str = "1", **more: Any
) -> list[Object]:
    """Make a Deployment with a ReplicaSet and a running Pod."""
    return [
        workload(name=name),
        workload("ReplicaSet", f"{name}-a", owners=controlled("Deployment", name)),
        make(
            f"{name}-{copy}",
            owners=controlled("ReplicaSet", f"{name}-a"),
            **{"status": RUNNING, **more},
        ),
    ]


def probed(made: Object) -> Object:
    """Let Istio's agent probe the application of a Pod."""
    made["spec"]["containers"][1]["env"].append(PROBERS)
    return made


def test_connections_of_each_owner_are_counted() -> None:
    """Whom the application sees is told for owners with findings and without."""
    pods = Pods(bad_1=tables(SIDECAR, ("0600007F:0001", OPEN)), good_1=tables(CLIENT))
    report = pods.look(cluster(*deployed("bad", pod), *deployed("good"), *deployed("idle")))

    assert [(each.owner.name, each.sidecar, each.others, each.peers) for each in report.live] == [
        ("bad", 2, 0, ("127.0.0.6",)),
        ("good", 0, 1, ("10.244.1.10",)),
        ("idle", 0, 0, ()),
    ]
    assert report.live[2].sentence == "no connection now"
    assert pods.progress == [("Looking into Pods", done, 3) for done in (1, 2, 3)]


def test_findings_show_what_was_seen() -> None:
    """The peers stand among the evidence; a note of an owner, or its finding, is not doubled."""
    pods = Pods(bad_1=tables(SIDECAR))
    report = pods.look(cluster(*deployed("bad", pod), *deployed("good")))

    assert said(report) == [("Deployment/bad", "missed")]
    shown = report.findings[0].evidence[-1]
    assert (shown.field, shown.value) == (
        "/proc/net/tcp",
        "1 from the sidecar's address, 0 from others (127.0.0.6)",
    )


def test_setting_without_effect_is_found_by_its_effect() -> None:
    """A Pod that says all is well and sees its sidecar is a finding, with what makes it anew."""
    pods = Pods(good_1=tables(SIDECAR, CLIENT))
    report = pods.look(cluster(*deployed("good")))

    assert said(report) == [("Deployment/good", "sees-sidecar")]
    (found,) = report.findings
    assert (found.objects, found.count) == (("Pod/good-1",), 1)
    assert found.cure.action is Action.RESTART
    assert found.cure.command == "kubectl rollout restart deployment/good -n shop"
    assert report.exit_code == 1


def test_three_pods_of_an_owner_are_enough() -> None:
    """Several ReplicaSets of a Deployment have three together."""
    more = [
        *deployed("web"),
        *deployed("web", copy="2"),
        workload("ReplicaSet", "web-b", owners=controlled("Deployment", "web")),
        *(
            tproxy(f"new-{number}", owners=controlled("ReplicaSet", "web-b"), status=RUNNING)
            for number in range(5)
        ),
    ]
    report = Pods().look(cluster(*more))

    (live,) = report.live
    assert live.pods == ("web-1", "web-2", "new-0")


@pytest.mark.parametrize(
    "made",
    [
        tproxy("x-1", status={"phase": "Pending"}),
        tproxy("x-1", status=RUNNING, labels={"source-ip-preservation": "disabled"}),
        {**tproxy("x-1", status=RUNNING), "metadata": {"name": "x-1", "namespace": "shop"}},
        pod("x-1", None, status=RUNNING),
    ],
)
def test_other_pods_are_not_looked_into(made: Object) -> None:
    """A Pod that does not run, that ends, that has opted out or has no sidecar is left alone."""
    if "labels" not in made["metadata"]:
        made["metadata"]["deletionTimestamp"] = "2026-04-02T00:00:00Z"
    pods = Pods()
    pods.look(cluster(made))

    assert pods.asked == []


def test_namespace_that_asks_for_gateways_only_is_passed_over() -> None:
    """Where Pods are not to have the setting, nobody looks for its effect."""
    made = tproxy("x-1", namespace="edge", status=RUNNING)
    pods = Pods()
    report = pods.look(Played(namespace("edge", "north-south"), made))

    assert (report.namespaces, pods.asked, report.live) == (("edge",), [], ())


def test_namespace_that_goes_away_is_passed_over() -> None:
    """It may be deleted between the audit and the look."""
    played = cluster(*deployed("good"))
    report = run(played, Options(), Selection())
    played.fail("/api/v1/namespaces/shop", NotFound("gone"))

    assert Looker(run=Pods().run).look(played, Options(), report, "").live == ()


def test_selector_holds_for_the_look_as_well() -> None:
    """Only the Pods that were audited are looked into."""
    pods = Pods()
    pods.look(cluster(*deployed("good"), *deployed("other", labels={"app": "other"})), "app=other")

    assert [name for name, _ in pods.asked] == ["other-1"]


def test_containers_are_tried_until_one_has_the_program() -> None:
    """The proxy's image may have no cat; all containers share the tables."""
    missing = CommandFailed("no such file")
    pods = Pods(good_1__istio_proxy=missing, good_1__sleep=tables(CLIENT))
    report = pods.look(cluster(*deployed("good")))

    assert pods.asked == [("good-1", "istio-proxy"), ("good-1", "sleep")]
    assert report.live[0].others == 1


def test_node_without_the_second_table_is_looked_into() -> None:
    """Where there is no IPv6, cat prints the first table and fails for the other."""
    failed = CommandFailed("exit code 1")
    failed.output = tables(CLIENT)
    report = Pods(good_1=failed).look(cluster(*deployed("good")))

    assert report.live[0].others == 1


def test_missing_right_is_told_once_for_a_namespace() -> None:
    """The sentence names the right."""
    pods = Pods(a_1=Forbidden("HTTP 403 of a-1"), b_1=Forbidden("HTTP 403 of b-1"))
    report = pods.look(cluster(*deployed("a"), *deployed("b")))

    (unknown,) = report.unknown
    assert unknown.what == "connections in namespace shop"
    assert unknown.why == (
        "the right to get and create pods/exec in namespace shop is missing: HTTP 403 of a-1"
    )
    assert (report.live, report.exit_code) == ((), 2)
    assert [container for _, container in pods.asked] == ["istio-proxy"] * 2


def test_what_cannot_be_looked_into_is_told() -> None:
    """No container that can print the tables, or no answer, is said for the owner."""
    pods = Pods(a_1=CommandFailed("no cat"), b_1=Unreachable("no answer"))
    report = pods.look(cluster(*deployed("a"), *deployed("b")))

    assert [each.what for each in report.unknown] == [
        "connections of Deployment/a in namespace shop",
        "connections of Deployment/b in namespace shop",
    ]
    assert report.unknown[0].why == "none of its containers prints /proc/net/tcp: no cat"


def test_pod_that_goes_away_is_nothing_to_tell() -> None:
    """Another of the same owner tells, or nobody does."""
    pods = Pods(a_1=NotFound("gone"), b_1=NotFound("gone"), b_2=tables(CLIENT))
    report = pods.look(cluster(*deployed("a"), *deployed("b"), *deployed("b", copy="2")))

    assert [(each.owner.name, each.pods) for each in report.live] == [("b", ("b-2",))]
    assert report.unknown == ()


def connected(report: Report) -> tuple[int, int]:
    """Count what the one owner was connected to."""
    (live,) = report.live
    return live.sidecar, live.others


def test_probe_of_istios_agent_is_no_client() -> None:
    """Its address is the sidecar's in every mode: closed connections say nothing then."""
    made = deployed("good")
    probed(made[-1])
    pods = Pods(good_1=tables(("0600007F:B627", CLOSED), CLIENT))
    report = pods.look(cluster(*made))

    assert connected(report) == (0, 1)
    assert (said(report), pods.slept) == ([], [])


@pytest.mark.parametrize(
    ("later", "counted"),
    [([CLIENT], (0, 1)), ([SIDECAR], (1, 0)), ([("0600007F:0001", OPEN), CLIENT], (0, 1))],
)
def test_probe_on_its_way_is_gone_at_a_second_look(
    later: list[tuple[str, str]], counted: tuple[int, int]
) -> None:
    """Only a connection that stays is one that the sidecar keeps for its clients."""
    made = deployed("good")
    probed(made[-1])
    pods = Pods(good_1=[tables(SIDECAR), tables(*later)])
    report = pods.look(cluster(*made))

    assert connected(report) == counted
    assert pods.slept == [2.0]


def test_sidecar_in_redirect_needs_no_second_look() -> None:
    """Where the Pod itself says that clients are hidden, nothing is in doubt."""
    made = deployed("bad", pod)
    probed(made[-1])
    pods = Pods(bad_1=tables(SIDECAR))

    assert connected(pods.look(cluster(*made))) == (1, 0)
    assert pods.slept == []


def test_report_without_a_look_has_no_word_of_it() -> None:
    """Who did not look has seen nothing."""
    assert run(cluster(*deployed("good")), Options(), Selection()).live == ()
    assert Live.__doc__ is not None
