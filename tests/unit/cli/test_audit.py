"""``audit`` as a command: what it prints, how it ends, and what ``--fix`` asks before it acts."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from tests.unit.audit.auditing import cluster
from tests.unit.audit.objects import BEFORE, Object, controlled, pod, service, tproxy, workload
from tests.unit.audit.played import Played
from tests.unit.cli.running import run, sentence
from webhook.audit import live, publication
from webhook.audit.live import Looker
from webhook.cli import mending
from webhook.cluster import Forbidden, Unreachable, streams
from webhook.cluster.access import Access
from webhook.cluster.client import Answer
from webhook.doctor import order
from webhook.settings import CONFIGURATION

PLAN = (
    "This is going to be done, one after the other:\n"
    "  restart Deployment/web in shop: 1 of its Pods, missed\n"
)
READY: Object = {
    "generation": 1,
    "observedGeneration": 1,
    "replicas": 1,
    "updatedReplicas": 1,
    "availableReplicas": 1,
}


def deployment(make: Callable[..., Object], name: str = "web") -> list[Object]:
    """Make a Deployment that has one Pod and is not in the middle of anything."""
    made = workload(name=name)
    made["status"] = READY
    replicas = workload("ReplicaSet", f"{name}-a", owners=controlled("Deployment", name))
    return [made, replicas, make(f"{name}-1", owners=controlled("ReplicaSet", f"{name}-a"))]


class Cluster(Played):
    """A played cluster in which a restart gives Pods the setting.

    Attributes:
        changes: Each change that came in: its path, its body, and whether it was only tried.
        refusal: What a change is answered with instead, if anything.
    """

    def __init__(self, *objects: Object) -> None:
        """Hold some objects, beside the namespace shop and the webhook."""
        super().__init__(*cluster(*objects).objects)
        self.changes: list[tuple[str, Any, bool]] = []
        self.refusal: BaseException | None = None

    def merge(self, path: str, body: dict[str, Any], *, dry_run: bool = False) -> Answer:
        """Take a change."""
        self.changes.append((path, body, dry_run))
        if self.refusal is not None:
            raise self.refusal
        if not dry_run:
            name = path.rpartition("/")[2]
            self.objects = tuple(
                tproxy(f"{name}-2", owners=each["metadata"]["ownerReferences"])
                if each["metadata"]["name"] == f"{name}-1"
                else each
                for each in self.objects
            )
        return Answer(b"{}", None)


@pytest.fixture
def reach(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Cluster]:
    """Let the command reach a cluster of these objects."""

    def play(*objects: Object) -> Cluster:
        played = Cluster(*objects)
        monkeypatch.setattr(Access, "connect", lambda _: played)
        return played

    return play


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let standard input be a terminal, at which somebody can be asked."""
    monkeypatch.setattr(mending, "can_ask", lambda: True)


def audit(*args: str, stdin: str = "") -> Result:
    """Audit."""
    return run("audit", *args, stdin=stdin)


@pytest.mark.parametrize(
    ("make", "code", "says"), [(tproxy, 0, "0 findings"), (pod, 1, "1 finding at 1 owner")]
)
def test_exit_code_says_what_the_report_says(
    reach: Callable[..., Cluster], make: Callable[..., Object], code: int, says: str
) -> None:
    """0 is clean, and 1 is that somebody has to act."""
    reach(*deployment(make))
    result = audit()

    assert (result.exit_code, result.stderr) == (code, "")
    assert says in result.stdout


def test_what_could_not_be_told_ends_with_2(reach: Callable[..., Cluster]) -> None:
    """A right that is missing is in the report."""
    reach(*deployment(tproxy)).fail("/api/v1/namespaces/shop/pods", Forbidden("no"))
    result = audit()

    assert result.exit_code == 2
    assert "the right to list pods in namespace shop is missing" in result.stdout


def test_nothing_at_all_is_a_sentence(reach: Callable[..., Cluster]) -> None:
    """Where nothing could be read there is no report."""
    reach().fail("/api/v1/namespaces", Unreachable("get /api/v1/namespaces: no answer"))
    result = audit()

    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence(result) == "get /api/v1/namespaces: no answer"


def test_report_is_written_in_the_form_that_is_wanted(reach: Callable[..., Cluster]) -> None:
    """JSON has the same report, and namespace and selector choose what is in it."""
    reach(*deployment(pod), *deployment(pod, "db"))
    whole = json.loads(audit("-o", "json").stdout)
    some = json.loads(audit("-o", "json", "-n", "shop", "-l", "app=other").stdout)

    assert (whole["kind"], whole["exitCode"], len(whole["findings"])) == ("Audit", 1, 2)
    assert (some["namespaces"], some["pods"], some["exitCode"]) == (["shop"], 0, 0)


@pytest.mark.parametrize("name", ["", "a/b", "Shop"])
def test_impossible_namespace_is_refused(name: str) -> None:
    """A name that no namespace can have, such as that of an unset variable, is no question."""
    result = audit("-n", name)

    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence(result).endswith(f"{name!r} cannot be the name of a namespace.")


def test_findings_need_not_fail_a_job(reach: Callable[..., Cluster]) -> None:
    """With --exit-zero a report is enough."""
    reach(*deployment(pod))

    assert audit("--exit-zero").exit_code == 0


@pytest.mark.parametrize(
    "flags", [("--yes",), ("--dry-run", "server"), ("--dry-run=none",), ("--timeout", "5m")]
)
def test_flags_of_a_fix_mean_nothing_without_it(flags: tuple[str, ...]) -> None:
    """What changes nothing needs no consent, and is told so in one sentence."""
    result = audit(*flags)

    assert result.exit_code == 2
    assert sentence(result) == (
        f"{flags[0].partition('=')[0]} means nothing without --fix: only that changes things."
    )


def test_fix_asks_and_mends_and_looks_again(
    reach: Callable[..., Cluster],
    terminal: None,  # noqa: ARG001
) -> None:
    """The plan is shown, somebody agrees, and the report is that of afterwards."""
    played = reach(*deployment(pod))
    result = audit("--fix", stdin="y\n")

    assert result.stderr == (
        f"{PLAN}Shall it be done? [y/N]: y\n"
        "Deployment/web in shop is being restarted.\n"
        "Deployment/web in shop is restarted: 1 of 1 Pods are new and available.\n"
    )
    assert result.stdout.endswith("0 findings, 0 notes; 1 Pod and 0 Services in 1 namespace.\n")
    assert result.exit_code == 0
    assert len(played.changes) == 1


@pytest.mark.parametrize("answer", ["n\n", "\n"])
def test_fix_that_nobody_wants_changes_nothing(
    reach: Callable[..., Cluster],
    terminal: None,  # noqa: ARG001
    answer: str,
) -> None:
    """Whoever does not say yes has said no, and gets the report."""
    played = reach(*deployment(pod))
    result = audit("--fix", stdin=answer)

    assert (result.exit_code, played.changes) == (1, [])
    assert "1 finding at 1 owner" in result.stdout


def test_fix_that_is_interrupted_at_its_question_changes_nothing(
    reach: Callable[..., Cluster],
    terminal: None,  # noqa: ARG001
) -> None:
    """Ctrl-C or Ctrl-D instead of an answer ends with 130: 1 would be the code of a report."""
    played = reach(*deployment(pod))
    result = audit("--fix", stdin="")

    assert (result.exit_code, result.stdout, played.changes) == (130, "", [])
    assert result.stderr == f"{PLAN}Shall it be done? [y/N]: \nNothing is changed.\n"


def test_fix_without_a_terminal_changes_nothing(reach: Callable[..., Cluster]) -> None:
    """Where nobody can be asked, the plan is shown and the flag named."""
    played = reach(*deployment(pod))
    result = audit("--fix", stdin="y\n")

    assert (result.exit_code, result.stdout, played.changes) == (2, "", [])
    assert PLAN in result.stderr
    assert "say --yes, or try it with --dry-run=server." in sentence(result)


def test_consent_may_be_given_before(reach: Callable[..., Cluster]) -> None:
    """With --yes nobody is asked."""
    reach(*deployment(pod))
    result = audit("--fix", "--yes")

    assert result.exit_code == 0
    assert "Shall it be done?" not in result.stderr


def test_trying_needs_no_consent(reach: Callable[..., Cluster]) -> None:
    """A dry run changes nothing, so that the report stays true."""
    played = reach(*deployment(pod))
    result = audit("--fix", "--dry-run=server")

    assert [tried for *_, tried in played.changes] == [True]
    assert "would be restarted: the API server has tried" in result.stderr
    assert (result.exit_code, "1 finding at 1 owner" in result.stdout) == (1, True)


def test_nothing_to_mend_is_said(reach: Callable[..., Cluster]) -> None:
    """Where only a person can act, or nobody has to, nobody is asked."""
    reach(*deployment(tproxy))
    result = audit("--fix")

    assert result.stderr == "There is nothing that --fix can mend by itself.\n"
    assert result.exit_code == 0


def test_fix_that_fails_is_told_and_ends_with_1(reach: Callable[..., Cluster]) -> None:
    """It says where it stopped, whatever the audit says afterwards."""
    played = reach(*deployment(pod), *deployment(pod, "zoo"))
    played.refusal = Forbidden("patch web: HTTP 403")
    result = audit("--fix", "--yes")

    assert "Stopped before Deployment/web in shop: patch web: HTTP 403\n" in result.stderr
    assert "Not begun: Deployment/web in shop, Deployment/zoo in shop.\n" in result.stderr
    assert (result.exit_code, len(played.changes)) == (1, 1)


def test_fix_that_stops_at_a_clean_cluster_is_no_success(
    reach: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An owner that does not become ready is a failure, although nothing is found any more."""
    played = reach(*deployment(pod))
    monkeypatch.setitem(played.objects[2], "status", {**READY, "availableReplicas": 0})
    result = audit("--fix", "--yes", "--timeout", "0s")

    assert "0 of 1 Pods are new and available" in result.stderr
    assert "0 findings" in result.stdout
    assert result.exit_code == 1


def test_interrupted_fix_says_what_was_done(reach: Callable[..., Cluster]) -> None:
    """Ctrl-C ends it as shells expect, with 130."""
    played = reach(*deployment(pod))
    played.refusal = KeyboardInterrupt()
    result = audit("--fix", "--yes")

    assert "Stopped at Deployment/web in shop: interrupted\n" in result.stderr
    assert (result.exit_code, result.stdout) == (130, "")


def test_service_is_mended_as_well(reach: Callable[..., Cluster]) -> None:
    """What is planned for a Service is its policy."""
    gateway = service(created=BEFORE)
    gateway["metadata"]["resourceVersion"] = "7"
    played = reach(*deployment(tproxy), gateway)
    result = audit("--fix", "--dry-run=server")

    assert "set externalTrafficPolicy: Local on Service/gateway in shop" in result.stderr
    assert [body["spec"] for _, body, _ in played.changes] == [{"externalTrafficPolicy": "Local"}]


def test_live_looks_into_pods(
    reach: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is seen there is in the report."""
    made = deployment(tproxy)
    made[-1]["status"] = {"phase": "Running", "podIPs": [{"ip": "10.244.2.20"}]}
    played = reach(*made)
    asked: list[tuple[object, ...]] = []

    def exec_in(client: object, *args: object) -> str:
        asked.append((client, *args))
        return " 0: 00000000:1F40 00000000:0000 0A 0\n 1: 1402F40A:1F40 0600007F:B627 01 0\n"

    monkeypatch.setattr(streams, "exec_in", exec_in)
    result = audit("--live")

    assert result.exit_code == 1
    assert "sees-sidecar" in result.stdout
    assert "127.0.0.6" in result.stdout
    assert asked[0][:4] == (played, "shop", "web-1", "istio-proxy")
    assert (live.Looker, CONFIGURATION) == (Looker, "0-source-ip-webhook")


def test_summary_is_published(
    reach: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --publish the ConfigMap gets the report, and whether we are called before Istio."""
    played = reach(*deployment(pod))
    published: list[tuple[object, ...]] = []

    def publish(*args: object, ordered: bool | None) -> None:
        published.append((*args, ordered))

    monkeypatch.setattr(publication, "publish", publish)
    monkeypatch.setattr(order, "before_istio", lambda *_: True)
    result = audit("--publish", "source-ip/audit", "--exit-zero")

    (((client, namespace, name, report, ordered)),) = published
    assert (client, namespace, name, ordered) == (played, "source-ip", "audit", True)
    assert report.exit_code == 1  # type: ignore[attr-defined]
    assert (result.exit_code, "1 finding" in result.stdout) == (0, True)


@pytest.mark.parametrize("flags", [("-n", "shop"), ("-l", "app=web")])
def test_part_of_a_cluster_is_not_published(flags: tuple[str, ...]) -> None:
    """Metrics of one namespace would look like those of all."""
    result = audit("--publish", "source-ip/audit", *flags)

    assert result.exit_code == 2
    assert sentence(result).endswith("leave --namespace and --selector out.")


@pytest.mark.parametrize("sees", [True, False])
def test_somebody_can_be_asked_at_a_terminal(monkeypatch: pytest.MonkeyPatch, sees: bool) -> None:
    """Nobody can where standard input is a pipe, or closed."""

    class Input:
        def isatty(self) -> bool:
            return sees

    monkeypatch.setattr(sys, "stdin", Input())
    assert mending.can_ask() is sees
    monkeypatch.setattr(sys, "stdin", None)
    assert not mending.can_ask()
