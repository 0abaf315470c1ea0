"""What ``audit --fix`` does: one owner after the other, and no further than the first that fails.

Each change is one request, so that nothing is half done whenever it ends. A restart is what
``kubectl rollout restart`` does; the next owner's turn comes when its new Pods are available.
"""

import dataclasses
import datetime as dt
import json
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from webhook.audit import rollout, waiting
from webhook.audit.findings import Action, Report
from webhook.audit.plan import POLICIES, Step, plan
from webhook.cluster import ClusterError, Unreachable, answers, lists
from webhook.cluster.client import Client, VersionedMetadata

_RESTARTED_AT: Final = "kubectl.kubernetes.io/restartedAt"
"""The annotation that kubectl's restart writes; its value is of no meaning to anybody."""
_workload = msgspec.json.Decoder(rollout.Workload)


class _Service(msgspec.Struct, gc=False):
    metadata: VersionedMetadata


_service = msgspec.json.Decoder(_Service)


@dataclasses.dataclass
class Outcome:
    """What has become of a plan; it is true at any time while the plan is carried out."""

    pending: tuple[Step, ...]
    """What is not done."""

    begun: Step | None = None
    """Which of these has been asked for, if any."""

    done: list[Step] = dataclasses.field(default_factory=list)
    """What is done."""

    left: list[Step] = dataclasses.field(default_factory=list)
    """What cannot be done by us."""

    proven: set[str] = dataclasses.field(default_factory=set)
    """Namespaces in which a restart has mended what it was for."""

    failure: str = ""
    """Why it stopped; empty where it did not."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """Carries out plans."""

    client: Client
    """May ``get`` and ``patch`` the owners, and ``list`` their Pods."""

    timeout: dt.timedelta
    """How long the new Pods of one owner may take to be available."""

    audit: Callable[[str], Report]
    """Audits a namespace again."""

    dry_run: bool = False
    """Let the API server try each change and make none; nothing is waited for."""

    tell: Callable[[str], None] = lambda _: None
    """Is told what is being done and what was, a sentence each."""

    progress: Callable[[str, int, int], None] = lambda _stage, _done, _total: None
    """Is told how far a rollout is: which, how many Pods are new and available, of how many."""

    pace: waiting.Pace = dataclasses.field(default_factory=waiting.Pace)
    """Waits."""

    def carry_out(self, outcome: Outcome) -> None:
        """Carry out a plan, until one of its steps fails.

        Args:
            outcome: What has become of it.
        """
        while outcome.pending:
            step = outcome.pending[0]
            try:
                said = self._do(step, outcome)
            except (ClusterError, waiting.NotReadyError) as error:
                outcome.failure = answers.one_line(error)
                return
            outcome.begun, outcome.pending = None, outcome.pending[1:]
            self.tell(f"{step.title} {said}.")

    def _do(self, step: Step, outcome: Outcome) -> str:
        """Do one step, and say what was done."""
        if step.action is not Action.RESTART:
            said = self._set_policy(step, outcome)
        elif why := rollout.obstacle(self._read(step, _workload)):
            outcome.left.append(step)
            return f"is not restarted: {why}"
        else:
            said = self._restart(step, outcome)
        outcome.done.append(step)
        return said

    def _restart(self, step: Step, outcome: Outcome) -> str:
        """Restart a workload, and wait for its new Pods."""
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        template = {"metadata": {"annotations": {_RESTARTED_AT: now}}}
        self._change(step, {"spec": {"template": template}}, outcome)
        if self.dry_run:
            return "would be restarted: the API server has tried, and changed nothing"
        self.tell(f"{step.title} is being restarted.")
        total = waiting.until_available(
            self.client,
            step.owner.kind,
            step.path,
            self.timeout,
            pods=f"/api/v1/namespaces/{quote(step.namespace, '')}/pods",
            progress=lambda done, total: self.progress(step.title, done, total),
            pace=self.pace,
        )
        self._prove(step, outcome)
        return f"is restarted: {total} of {total} Pods are new and available"

    def _prove(self, step: Step, outcome: Outcome) -> None:
        """See, once in each namespace, whether a restart mends anything before others are made.

        Raises:
            NotReadyError: It does not, as where no webhook is there.
        """
        if step.namespace in outcome.proven:
            return
        for each in plan(self.audit(step.namespace)):
            if each.owner == step.owner:
                reasons = ", ".join(finding.reason for finding in each.findings)
                raise waiting.NotReadyError(
                    f"its new Pods are available, and no better than the old ({reasons}), so "
                    "others are not restarted. To find out why: source-ip-webhook doctor"
                )
        outcome.proven.add(step.namespace)

    def _set_policy(self, step: Step, outcome: Outcome) -> str:
        """Set the policy of a Service, unless somebody changes it meanwhile."""
        wanted = POLICIES[step.action]
        found = self._read(step, _service)
        body = {
            "metadata": {"resourceVersion": found.metadata.resource_version},
            "spec": {"externalTrafficPolicy": wanted},
        }
        self._change(step, body, outcome)
        if self.dry_run:
            return f"would be {wanted}: the API server has tried, and changed nothing"
        return f"is {wanted}"

    def _change(self, step: Step, body: dict[str, Any], outcome: Outcome) -> None:
        """Send the one request of a step."""
        if not self.dry_run:
            outcome.begun = step
        try:
            self.client.merge(step.path, body, dry_run=self.dry_run)
        except Unreachable:
            raise  # it may have been done nevertheless
        except ClusterError:
            outcome.begun = None
            raise

    def _read(self, step: Step, decoder: msgspec.json.Decoder[Any]) -> Any:
        """Read an owner as it is now."""
        answer = lists.read(lambda: self.client.get(step.path), self.pace.sleep)
        return answers.decode(decoder, answer.body, f"get {step.path}")


def summary(outcome: Outcome, label_key: str) -> Iterator[str]:
    """Say what was done and what was not, of a plan that did not come to its end.

    Args:
        outcome: What has become of it.
        label_key: Key of the opt-out label.

    Yields:
        Lines, some of them commands.
    """
    if outcome.begun is not None:
        yield f"Stopped at {outcome.begun.title}: {outcome.failure or 'interrupted'}"
        yield from _how_to_go_back(outcome.begun, label_key)
    elif outcome.failure:
        yield f"Stopped before {outcome.pending[0].title}: {outcome.failure}"
    else:
        yield "Stopped: interrupted"
    yield f"Done: {_titles(outcome.done)}."
    if outcome.left:
        yield f"Left as they are: {_titles(outcome.left)}."
    yield f"Not begun: {_titles([each for each in outcome.pending if each is not outcome.begun])}."


def _titles(steps: Sequence[Step]) -> str:
    """List owners."""
    return ", ".join(step.title for step in steps) or "none"


def _how_to_go_back(step: Step, label_key: str) -> Iterator[str]:
    """Write how to look at a step, and how to undo it."""
    kubectl = ["kubectl", "-n", step.namespace]
    target = f"{step.owner.kind.lower()}/{step.owner.name}"
    if step.action is not Action.RESTART:
        before = "Cluster" if step.action is Action.SET_LOCAL else "Local"
        yield "It may have been changed or not. To go back:"
        yield _merge([*kubectl, "patch", target], {"spec": {"externalTrafficPolicy": before}})
        return
    yield "What has begun goes on by itself. To look at it:"
    yield "  " + shlex.join([*kubectl, "rollout", "status", target])
    yield "To go back to the template before:"
    yield "  " + shlex.join([*kubectl, "rollout", "undo", target])
    yield "To run it without the setting:"
    labels = {"metadata": {"labels": {label_key: "disabled"}}}
    yield _merge([*kubectl, "patch", target], {"spec": {"template": labels}})


def _merge(command: Sequence[str], body: dict[str, Any]) -> str:
    """Write a command that patches."""
    return "  " + shlex.join(
        [*command, "--type", "merge", "-p", json.dumps(body, separators=(",", ":"))]
    )
