"""What a Pod shows by itself, and what of it a new one would have."""

from typing import Any

import pytest

from tests.unit.audit.auditing import as_pod, place
from tests.unit.audit.objects import (
    AFTER,
    BEFORE,
    BETWEEN,
    INSTALLED,
    KEY,
    LABELLED,
    controlled,
    init,
    pod,
    proxy,
    tproxy,
)
from webhook.admission.decision import CommonReason
from webhook.admission.options import Options
from webhook.admission.pods import PodReason
from webhook.admission.sidecars import Sidecar
from webhook.audit.findings import AuditReason
from webhook.audit.pods import before_injection, examine, judge

MODE = "sidecar.istio.io/interceptionMode"
TPROXY = {MODE: "TPROXY"}


def status(
    waiting: str = "",
    exit_code: int | None = None,
    restarts: int = 0,
    field: str = "containerStatuses",
) -> dict[str, Any]:
    """Make the status of a Pod whose application waits, has ended, or runs."""
    state: dict[str, Any] = {"running": {"startedAt": AFTER}}
    if waiting:
        state = {"waiting": {"reason": waiting}}
    elif exit_code is not None:
        state = {"terminated": {"exitCode": exit_code}}
    each = {"name": "sleep", "restartCount": restarts, "state": state}
    return {"phase": "Running", field: [{"name": "istio-proxy", "state": None}, each]}


SHOWN = [
    pytest.param(tproxy(), None, id="as it should be"),
    pytest.param(pod(created=BEFORE), AuditReason.CREATED_BEFORE_LABEL, id="before the label"),
    pytest.param(pod(created=BETWEEN), AuditReason.CREATED_BEFORE_WEBHOOK, id="before the webhook"),
    pytest.param(pod(created=LABELLED), AuditReason.CREATED_BEFORE_LABEL, id="with the label"),
    pytest.param(pod(created=INSTALLED), AuditReason.CREATED_BEFORE_WEBHOOK, id="with the webhook"),
    pytest.param(pod(), AuditReason.MISSED, id="after both"),
    pytest.param(
        pod(annotations={MODE: "REDIRECT"}, initContainers=[]), AuditReason.MISSED, id="istio-cni"
    ),
    pytest.param(
        pod(annotations=TPROXY), AuditReason.ANNOTATION_WITHOUT_EFFECT, id="injected before us"
    ),
    pytest.param(
        pod(annotations=TPROXY, initContainers=[]),
        AuditReason.ANNOTATION_WITHOUT_EFFECT,
        id="injected before us, istio-cni",
    ),
    pytest.param(pod(containers=[proxy("NONE")]), None, id="nothing is intercepted"),
    pytest.param(
        tproxy(containers=[proxy("TPROXY", runAsUser=1337)]),
        AuditReason.PROXY_NOT_PRIVILEGED,
        id="not user 0",
    ),
    pytest.param(
        tproxy(containers=[proxy("TPROXY", capabilities={"drop": ["ALL"]})]),
        AuditReason.PROXY_NOT_PRIVILEGED,
        id="no NET_ADMIN",
    ),
    pytest.param(
        tproxy(status=status("CrashLoopBackOff", restarts=1)),
        AuditReason.CRASH_LOOPING,
        id="waits before it is started again",
    ),
    pytest.param(
        tproxy(status=status("CrashLoopBackOff", field="initContainerStatuses")),
        AuditReason.CRASH_LOOPING,
        id="an init container waits",
    ),
    pytest.param(
        tproxy(status=status(exit_code=1, restarts=3)), AuditReason.CRASH_LOOPING, id="has ended"
    ),
    pytest.param(tproxy(status=status(exit_code=1, restarts=2)), None, id="has ended twice"),
    pytest.param(tproxy(status=status(exit_code=0, restarts=9)), None, id="has ended well"),
    pytest.param(tproxy(status=status(restarts=9)), None, id="runs again"),
    pytest.param(tproxy(status=status("ImagePullBackOff")), None, id="waits for its image"),
    pytest.param(
        pod(status=status("CrashLoopBackOff")), AuditReason.MISSED, id="crashes without TPROXY"
    ),
    pytest.param(pod(mode=None), None, id="no sidecar, and nobody wants one"),
    pytest.param(
        pod(mode=None, labels={"sidecar.istio.io/inject": "true"}),
        AuditReason.NO_SIDECAR,
        id="no sidecar, asked for by the Pod",
    ),
    pytest.param(pod(labels={KEY: "disabled"}), None, id="opted out"),
    pytest.param(pod(status={"phase": "Succeeded"}), None, id="done"),
    pytest.param(pod(status={"phase": "Failed"}), None, id="failed"),
    pytest.param(pod(annotations={"kubernetes.io/config.mirror": "x"}), None, id="mirror pod"),
]


@pytest.mark.parametrize(("made", "reason"), SHOWN)
def test_pod_shows(made: dict[str, Any], reason: AuditReason | None) -> None:
    """A Pod shows what is wrong with it, and nothing where nothing is."""
    symptom = examine(as_pod(made), place())

    assert (symptom and symptom.reason) == reason


def test_pod_that_is_being_deleted_shows_nothing() -> None:
    """What is gone in a moment needs nobody."""
    leaving = pod()
    leaving["metadata"]["deletionTimestamp"] = AFTER

    assert examine(as_pod(leaving), place()) is None


def test_label_of_the_namespace_asks_for_a_sidecar() -> None:
    """A Pod without a sidecar in a namespace whose Pods are to be injected shows that."""
    symptom = examine(as_pod(pod(mode=None)), place(labels={"istio-injection": "enabled"}))

    assert symptom is not None
    assert symptom.reason is AuditReason.NO_SIDECAR
    assert [(each.field, each.value) for each in symptom.evidence] == [
        (r".metadata.annotations.sidecar\.istio\.io/status", "absent"),
        (".spec.containers[*].name", "sleep"),
    ]


def test_ages_are_evidence() -> None:
    """Whoever reads of an old Pod sees its age, and what it is older than."""
    label = examine(as_pod(pod(created=BEFORE)), place())
    webhook = examine(as_pod(pod(created=BETWEEN)), place())
    missed = examine(as_pod(pod()), place())
    unknown = examine(as_pod(pod()), place(installed=""))

    assert label is not None
    assert webhook is not None
    assert missed is not None
    assert unknown is not None
    assert [each.value for each in label.times] == [BEFORE, LABELLED]
    assert [each.value for each in webhook.times] == [BETWEEN, INSTALLED]
    assert [each.value for each in missed.times] == [AFTER, LABELLED, INSTALLED]
    assert [each.value for each in unknown.times] == [AFTER, LABELLED]


def test_lie_is_shown_once() -> None:
    """With istio-cni the annotation is one of the places that decide, and still told only once."""
    symptom = examine(as_pod(pod(annotations=TPROXY, initContainers=[])), place())

    assert symptom is not None
    assert [each.value for each in symptom.evidence] == ["TPROXY", "REDIRECT"]


def test_rules_take_no_notice_of_what_istio_added() -> None:
    """Without its template a Pod is judged as if Istio had not touched it."""
    native = pod(annotations={MODE: "REDIRECT"}, initContainers=[init(), proxy()])

    assert judge(as_pod(native), place()).reason is CommonReason.ADDED
    assert judge(as_pod(pod(hostNetwork=True)), place()).reason is PodReason.HOST_NETWORK
    assert judge(as_pod(pod(mode=None, containers=None)), place()).reason is CommonReason.ADDED


def test_choice_of_a_pod_that_was_never_injected_stays() -> None:
    """A mode on a Pod without Istio's mark is its author's."""
    chosen = pod(mode=None, annotations={MODE: "REDIRECT"})

    assert judge(as_pod(chosen), place()).reason is PodReason.EXPLICIT_MODE


def test_proxy_of_a_gateway_stays() -> None:
    """A container that is a gateway is the application, whatever it is called."""
    gateway = {**proxy(), "args": ["proxy", "router"]}
    kept = before_injection(as_pod(pod(containers=[gateway], owners=controlled("ReplicaSet", "x"))))

    assert [each.name for each in kept.spec.containers or ()] == ["istio-proxy"]
    assert judge(as_pod(pod(containers=[gateway])), place()).reason is PodReason.GATEWAY


def test_sidecars_and_options_count() -> None:
    """The rules are asked with the mesh's Sidecars and with what the admin chose."""
    loopback = Sidecar("shop", "all", BEFORE, None, loopback=True)
    sandbox = Options(sandboxed_runtime_classes=frozenset({"kata"}))

    assert judge(as_pod(pod()), place(loopback)).reason is PodReason.LOOPBACK_INGRESS
    sandboxed = judge(as_pod(pod(runtimeClassName="kata")), place(options=sandbox))
    assert sandboxed.reason is PodReason.SANDBOXED
