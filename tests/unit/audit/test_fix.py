"""What ``--fix`` plans and does: one request for each owner, and no further than a failure."""

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import kubeconfig as kubeconfigs
from tests.unit.audit.reports import DEPLOYMENT, NOTE, RESTART, SERVICE, SET_LOCAL, audit, finding
from tests.unit.audit.workloads import HALF, READY, pod, waits, workload
from tests.unit.cluster.scripted import Scripted
from webhook.audit.findings import Action, AuditReason, Cure, Finding, Owner, Report
from webhook.audit.fix import Carrier, Outcome, summary
from webhook.audit.plan import Step, plan
from webhook.audit.waiting import Pace
from webhook.cluster.access import Access
from webhook.cluster.client import Client

KEY = "source-ip-preservation"
OTHER = Owner(api_version="apps/v1", kind="StatefulSet", name="db")
BACK = Cure(command="", action=Action.SET_CLUSTER)
SWITCHED_BACK = finding(SERVICE, AuditReason.SWITCHED_BACK, SET_LOCAL)
GATEWAY = {"metadata": {"resourceVersion": "7"}, "spec": {"externalTrafficPolicy": "Cluster"}}


@pytest.fixture
def api() -> Iterator[Scripted]:
    """Run an API server that answers what the test says."""
    with Scripted() as running:
        yield running


@pytest.fixture
def client(api: Scripted, tmp_path: Path) -> Iterator[Client]:
    """Make a client for it."""
    path = kubeconfigs.write(tmp_path / "config", api.url, {"token": "x"})
    client = Access(kubeconfig=path).connect()
    yield client
    client.close()


@pytest.fixture
def told() -> list[str]:
    """Collect what is said meanwhile."""
    return []


class _Clock:
    now = 0.0

    def tick(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def carrier(client: Client, told: list[str]) -> Carrier:
    """Carry out plans, with a clock that moves when it is looked at."""
    pace = Pace(_Clock().tick, lambda _: None)
    return Carrier(
        client=client,
        timeout=dt.timedelta(seconds=2),
        audit=lambda _: audit(),
        tell=told.append,
        pace=pace,
    )


def carry_out(carrier: Carrier, *findings: Finding) -> Outcome:
    """Mend findings."""
    outcome = Outcome(plan(audit(*findings)))
    carrier.carry_out(outcome)
    return outcome


def owners(steps: list[Step] | tuple[Step, ...]) -> list[str]:
    """Name the owners of steps."""
    return [step.owner.name for step in steps]


def test_plan_has_one_step_for_each_owner() -> None:
    """Several findings of an owner are mended at once; notes, and what nobody can mend, are not."""
    steps = plan(
        audit(
            finding(),
            finding(reason=AuditReason.MISSED),
            SWITCHED_BACK,
            NOTE,
            finding(OTHER, cure=Cure(command="kubectl edit")),
        )
    )

    assert [str(step) for step in steps] == [
        "restart Deployment/web in shop: 1000 of its Pods, created-before-label, missed",
        "set externalTrafficPolicy: Local on Service/gateway in shop: switched-back",
    ]
    assert plan(audit(NOTE)) == ()


def test_workload_is_restarted_as_kubectl_does(
    api: Scripted, carrier: Carrier, told: list[str]
) -> None:
    """One merge patch of the annotation, and then its new Pods are waited for."""
    for each in (READY, {}, HALF, READY):
        api.answer(200, each)
    seen: list[tuple[str, int, int]] = []
    patient = dataclasses.replace(
        carrier,
        timeout=dt.timedelta(seconds=9),
        progress=lambda stage, done, total: seen.append((stage, done, total)),
    )
    outcome = carry_out(patient, finding())

    change = api.asked[1]
    path = "/apis/apps/v1/namespaces/shop/deployments/web"
    assert {asked.path for asked in api.asked} == {path}
    assert (change.method, change.params) == ("PATCH", {"fieldManager": "source-ip-webhook"})
    assert change.headers["content-type"] == "application/merge-patch+json"
    (annotations,) = (change.body["spec"]["template"]["metadata"]["annotations"],)
    (moment,) = annotations.values()
    assert list(annotations) == ["kubectl.kubernetes.io/restartedAt"]
    assert dt.datetime.fromisoformat(moment).tzinfo is dt.UTC
    assert told == [
        "Deployment/web in shop is being restarted.",
        "Deployment/web in shop is restarted: 2 of 2 Pods are new and available.",
    ]
    assert seen == [("Deployment/web in shop", 1, 2), ("Deployment/web in shop", 2, 2)]
    assert (owners(outcome.done), outcome.pending, outcome.begun) == (["web"], (), None)


@pytest.mark.parametrize(("cure", "policy"), [(SET_LOCAL, "Local"), (BACK, "Cluster")])
def test_policy_is_set_unless_the_service_changes_meanwhile(
    api: Scripted, carrier: Carrier, told: list[str], cure: Cure, policy: str
) -> None:
    """The patch holds for the Service as it was read."""
    api.answer(200, GATEWAY)
    api.answer(200, {})
    outcome = carry_out(carrier, finding(SERVICE, AuditReason.SWITCHED_BACK, cure))

    assert api.asked[1].path == "/api/v1/namespaces/shop/services/gateway"
    assert api.asked[1].body == {
        "metadata": {"resourceVersion": "7"},
        "spec": {"externalTrafficPolicy": policy},
    }
    assert told == [f"Service/gateway in shop is {policy}."]
    assert owners(outcome.done) == ["gateway"]


@pytest.mark.parametrize("spec", [{"paused": True}, {"updateStrategy": {"type": "OnDelete"}}])
def test_what_cannot_be_restarted_is_left(
    api: Scripted, carrier: Carrier, told: list[str], spec: dict[str, object]
) -> None:
    """Nothing is sent to a workload that would make no new Pods, and the next one has its turn."""
    api.answer(200, workload(spec=spec))
    api.answer(200, GATEWAY)
    api.answer(200, {})
    outcome = carry_out(carrier, finding(), SWITCHED_BACK)

    assert [asked.method for asked in api.asked] == ["GET", "GET", "PATCH"]
    assert told[0].startswith("Deployment/web in shop is not restarted: ")
    assert (owners(outcome.left), owners(outcome.done)) == (["web"], ["gateway"])


def test_dry_run_changes_nothing(api: Scripted, carrier: Carrier, told: list[str]) -> None:
    """The API server tries every change, and nothing is waited for."""
    for each in (READY, {}, GATEWAY, {}):
        api.answer(200, each)
    tried = dataclasses.replace(carrier, dry_run=True)
    outcome = carry_out(tried, finding(), SWITCHED_BACK)

    sent = [asked for asked in api.asked if asked.method == "PATCH"]
    assert [asked.params["dryRun"] for asked in sent] == ["All", "All"]
    assert told == [
        "Deployment/web in shop would be restarted: the API server has tried, and changed nothing.",
        "Service/gateway in shop would be Local: the API server has tried, and changed nothing.",
    ]
    assert outcome.pending == ()


def test_first_that_does_not_become_ready_ends_it(api: Scripted, carrier: Carrier) -> None:
    """It is said what has happened, why, what was not begun, and how to go back."""
    crashing = pod("web-2", containerStatuses=[waits("app", "CrashLoopBackOff")])
    for each in (GATEWAY, {}, READY, {}, HALF, HALF):
        api.answer(200, each)
    api.answer(200, {"metadata": {"resourceVersion": "9"}, "items": [crashing]})
    outcome = carry_out(carrier, SWITCHED_BACK, finding(), finding(OTHER))

    assert list(summary(outcome, KEY)) == [
        (
            "Stopped at Deployment/web in shop: 1 of 2 Pods are new and available: it takes longer "
            "than 2s. Pod web-2: container app: CrashLoopBackOff."
        ),
        "What has begun goes on by itself. To look at it:",
        "  kubectl -n shop rollout status deployment/web",
        "To go back to the template before:",
        "  kubectl -n shop rollout undo deployment/web",
        "To run it without the setting:",
        (
            "  kubectl -n shop patch deployment/web --type merge -p "
            """'{"spec":{"template":{"metadata":{"labels":{"source-ip-preservation":"""
            """"disabled"}}}}}'"""
        ),
        "Done: Service/gateway in shop.",
        "Not begun: StatefulSet/db in shop.",
    ]


@pytest.mark.parametrize("code", [403, 404, 422])
def test_refused_change_has_changed_nothing(api: Scripted, carrier: Carrier, code: int) -> None:
    """Nothing is there to go back from where the API server has said no."""
    api.answer(200, workload(spec={"paused": True}))
    api.answer(200, READY)
    api.answer(code, {"message": "you may not"})
    outcome = carry_out(carrier, finding(), finding(OTHER), SWITCHED_BACK)

    first, *others = summary(outcome, KEY)
    assert first.startswith("Stopped before StatefulSet/db in shop: patch /apis/apps/v1/name")
    assert f"HTTP {code}" in first
    assert others == [
        "Done: none.",
        "Left as they are: Deployment/web in shop.",
        "Not begun: StatefulSet/db in shop, Service/gateway in shop.",
    ]


def test_change_without_an_answer_may_have_been_made(api: Scripted, carrier: Carrier) -> None:
    """Where the API server goes away in the middle, that is said, and how to go back."""
    api.answer(200, GATEWAY)
    outcome = carry_out(carrier, SWITCHED_BACK)

    first, *others = summary(outcome, KEY)
    assert first.startswith("Stopped at Service/gateway in shop: patch /api/v1/")
    assert others == [
        "It may have been changed or not. To go back:",
        (
            "  kubectl -n shop patch service/gateway --type merge -p "
            """'{"spec":{"externalTrafficPolicy":"Cluster"}}'"""
        ),
        "Done: none.",
        "Not begun: none.",
    ]


def test_other_policy_is_gone_back_to(api: Scripted, carrier: Carrier) -> None:
    """A Service that was to be Cluster is given Local again."""
    api.answer(200, GATEWAY)
    outcome = carry_out(carrier, finding(SERVICE, AuditReason.LOCAL_HARMS, BACK))

    assert '"externalTrafficPolicy":"Local"' in "\n".join(summary(outcome, KEY))


def test_restart_that_mends_nothing_is_not_made_again(api: Scripted, carrier: Carrier) -> None:
    """Where new Pods are no better than the old, as without a webhook, no others are restarted."""
    for each in (READY, {}, READY):
        api.answer(200, each)
    again = dataclasses.replace(
        carrier, audit=lambda _: audit(finding(reason=AuditReason.MISSED), finding(OTHER))
    )
    outcome = carry_out(again, finding(), finding(OTHER))

    assert outcome.failure == (
        "its new Pods are available, and no better than the old (missed), so others are not "
        "restarted. To find out why: source-ip-webhook doctor"
    )
    assert [step.owner.name for step in outcome.pending] == ["web", "db"]


def test_one_restart_in_a_namespace_is_proof_enough(api: Scripted, carrier: Carrier) -> None:
    """A namespace is audited once, however many owners are restarted in it."""
    for each in (READY, {}, READY, READY, {}, READY):
        api.answer(200, each)
    audited: list[str] = []

    def again(namespace: str) -> Report:
        audited.append(namespace)
        return audit(finding(OTHER))

    outcome = carry_out(
        dataclasses.replace(carrier, audit=again),
        finding(),
        finding(Owner(api_version="apps/v1", kind="DaemonSet", name="agent")),
    )

    assert (outcome.pending, audited) == ((), ["shop"])


def interrupt(*_: object) -> None:
    """Be Ctrl-C."""
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("when", "first"),
    [
        ("sleep", "Stopped at Deployment/web in shop: interrupted"),
        ("tell", "Stopped at Deployment/web in shop: interrupted"),
        ("get", "Stopped: interrupted"),
    ],
)
def test_interruption_is_told(
    api: Scripted,
    carrier: Carrier,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
    first: str,
) -> None:
    """Whenever Ctrl-C comes, what is done, begun and not begun is known."""
    for each in (READY, {}, HALF):
        api.answer(200, each)
    outcome = Outcome(plan(audit(finding(), SWITCHED_BACK)))
    if when == "get":
        monkeypatch.setattr(Client, "get", interrupt)
    actions: dict[str, Callable[..., None]] = {"tell": lambda _: None, "sleep": lambda _: None}
    actions[when] = interrupt
    broken = dataclasses.replace(
        carrier, tell=actions["tell"], pace=Pace(carrier.pace.clock, actions["sleep"])
    )
    with pytest.raises(KeyboardInterrupt):
        broken.carry_out(outcome)

    lines = list(summary(outcome, KEY))
    begun = "at" in first
    assert lines[0] == first
    assert lines[-1] == (
        "Not begun: Service/gateway in shop."
        if begun
        else "Not begun: Deployment/web in shop, Service/gateway in shop."
    )
    assert (RESTART.action, DEPLOYMENT.name) == (Action.RESTART, "web")
