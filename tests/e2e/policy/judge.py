"""What the API server makes of every situation, with the policies in force.

The situations differ in the admin's options. Each set of options has policies of its own, and a key
of the label of its own, so that all of them are in force side by side.
"""

import dataclasses
import itertools
import json
import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Final

import urllib3

from tests.controlplane import ControlPlane
from tests.e2e.conftest import DEADLINE
from tests.e2e.policy import wire
from tests.e2e.policy.telling import telling
from tests.situations import KEY, MODE, POLICY, SITUATIONS, Situation
from webhook.admission.options import Options
from webhook.policy.choices import ApiVersion, Choices
from webhook.policy.objects import SUBJECTS, mutating

Json = dict[str, Any]

ASKED: Final = [
    situation
    for situation in SITUATIONS
    if not situation.reason.startswith("unsupported") and situation.namespace is not None
]
"""All but those that no policy is asked about: other kinds and operations are not in its rules, and
the API server always knows the namespace."""
_OPTIONS: Final = sorted({situation.options for situation in ASKED}, key=lambda it: it != Options())
_OPTIONS.reverse()
"""Every set of options; the usual one comes last, and is in force when all are."""
LOCAL: Final = "Local"
CHOSEN: Final = "policy.tests.example.org/options"
"""Label of namespaces: the number of their options."""
_WORD: Final = re.compile(r"with binding '[^']*': ([a-z0-9-]+)\"")
"""The reason, in the warning of a policy that tells nothing else."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What became of one situation."""

    reason: str
    """The word of the variable ``reason``."""
    is_set: bool
    """Whether the object came back with the setting."""
    was_refused: bool
    """Whether the API server refuses such an object for reasons of its own."""


class Judge:
    """Asks the API server about every situation, by dry runs."""

    def __init__(self, plane: ControlPlane, version: ApiVersion) -> None:
        """Describe the question; see `verdicts`.

        Args:
            plane: The control plane; its kinds, namespaces and policies are this object's own.
            version: Which version of mutating policies it serves.
        """
        self._plane = plane
        self._version = version
        self._names = {id(each): f"s{number}" for number, each in enumerate(ASKED)}
        self._namespaces: dict[str, str] = {}

    def verdicts(self) -> dict[int, Verdict]:
        """Ask for the words first, while nothing is changed, and then for what is changed.

        Returns:
            What became of each situation, by its place in `ASKED`.
        """
        self._prepare()
        self._apply(itertools.chain.from_iterable(map(self._telling, range(len(_OPTIONS)))))
        usual = ASKED[0]
        self._wait(lambda: self._word(usual, stand_in=False) == "added", "policies to speak")
        refused = {id(each) for each in ASKED if not self._is_taken(each)}
        words = [self._word(each, stand_in=id(each) in refused) for each in ASKED]
        self._apply(
            thing
            for number in range(len(_OPTIONS))
            for subject in SUBJECTS
            for thing in mutating(subject, self._choices(number))
        )
        self._wait(lambda: self._is_set(usual), "policies to mutate")
        return {
            number: Verdict(words[number], self._is_set(each), id(each) in refused)
            for number, each in enumerate(ASKED)
        }

    def _prepare(self) -> None:
        """Make kinds, namespaces, and the objects that situations update."""
        for kind in wire.PLURALS:
            self._plane.api.json(
                "POST",
                "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                wire.definition(kind),
            )
        for situation in ASKED:
            self._make_namespace(situation)
        for situation in ASKED:
            if situation.old is not None:
                path = wire.objects_path(situation, self._namespace(situation))
                self._plane.api.json("POST", path, self._body(situation, situation.old))
        usual = [next(each for each in ASKED if each.kind == kind) for kind in wire.PLURALS]
        self._wait(
            lambda: all(
                self._send(each, stand_in=True).status < HTTPStatus.BAD_REQUEST for each in usual
            ),
            "the kinds that stand in",
        )

    def _make_namespace(self, situation: Situation) -> None:
        """Make the namespace of a situation, or label the one that it names."""
        name = self._namespace(situation)
        labels = {**self._keyed(situation, situation.namespace or {})}
        labels[CHOSEN] = str(self._number(situation))
        body = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": labels},
        }
        self._plane.request(
            "PATCH",
            f"/api/v1/namespaces/{name}?fieldManager=tests&force=true",
            body,
            content_type="application/apply-patch+yaml",
        )

    def _namespace(self, situation: Situation) -> str:
        """Name the namespace: one for all situations of the same labels and options."""
        if "namespace" in situation.more:
            return str(situation.more["namespace"])
        key = json.dumps([self._number(situation), situation.namespace])
        return self._namespaces.setdefault(key, f"n{len(self._namespaces)}")

    def _number(self, situation: Situation) -> int:
        """Tell the number of a situation's options."""
        return _OPTIONS.index(situation.options)

    def _choices(self, number: int) -> Choices:
        """Write down options, with their own key of the label, and names of their own."""
        options = dataclasses.replace(_OPTIONS[number], label_key=f"o{number}.example.org/{KEY}")
        return Choices.of(options, prefix=f"o{number}", api_version=self._version)

    def _keyed(self, situation: Situation, labels: dict[str, str]) -> dict[str, str]:
        """Give our label the key that the situation's policies know."""
        own = self._choices(self._number(situation)).label_key
        return {own if key == KEY else key: value for key, value in labels.items()}

    def _telling(self, number: int) -> Iterable[Json]:
        """Make policies that warn of the reason, for all namespaces of these options."""
        choices = self._choices(number)
        for subject in SUBJECTS:
            yield from telling(subject, choices, {CHOSEN: str(number)})

    def _apply(self, things: Iterable[Json]) -> None:
        text = "\n---\n".join(map(json.dumps, things))
        self._plane.kubectl("apply", "--server-side", "--validate=strict", "-f", "-", input=text)

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        self._plane.wait_for(condition, DEADLINE, what)

    def _body(self, situation: Situation, made: Json) -> Json:
        return wire.complete(
            situation,
            made,
            self._names[id(situation)],
            self._namespace(situation),
            self._keyed(situation, made["metadata"].get("labels", {})),
        )

    def _send(self, situation: Situation, *, stand_in: bool = False) -> urllib3.BaseHTTPResponse:
        """Send the situation's request, as a dry run."""
        path = wire.objects_path(situation, self._namespace(situation), stand_in=stand_in)
        body = self._body(situation, situation.object)
        if stand_in:
            body["apiVersion"] = f"{wire.GROUP}/v1"
        named = f"{path}/{body['metadata']['name']}"
        if (manifest := wire.applied(body)) is not None:
            return self._plane.request(
                "PATCH",
                f"{named}?dryRun=All&fieldManager=tests",
                manifest,
                content_type="application/apply-patch+yaml",
            )
        if situation.operation == "CREATE":
            return self._plane.request("POST", f"{path}?dryRun=All", body)
        if stand_in:
            assert situation.old is not None
            old = {**self._body(situation, situation.old), "apiVersion": f"{wire.GROUP}/v1"}
            self._plane.request("POST", path, old)
            stored = self._plane.api.json("GET", named)
            body["metadata"]["resourceVersion"] = stored["metadata"]["resourceVersion"]
        return self._plane.request("PUT", f"{named}?dryRun=All", body)

    def _is_taken(self, situation: Situation) -> bool:
        """Tell whether the API server takes the object, whatever our policies say."""
        answer = self._send(situation)
        known = {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.UNPROCESSABLE_ENTITY}
        assert answer.status in known, f"{situation.says}: {answer.data.decode()}"
        return answer.status != HTTPStatus.UNPROCESSABLE_ENTITY

    def _word(self, situation: Situation, *, stand_in: bool) -> str:
        """Read the reason out of the answer's warnings."""
        answer = self._send(situation, stand_in=stand_in)
        words = _WORD.findall(answer.headers.get("Warning", ""))
        return words[0] if words else ""

    def _is_set(self, situation: Situation) -> bool:
        """Tell whether the object comes back with what it did not have."""
        before, after = situation.object, self._send(situation).json()
        if situation.kind == "Service":
            was_local = before["spec"].get(POLICY) == LOCAL
            return after.get("spec", {}).get(POLICY) == LOCAL and not was_local
        had_mode = MODE in before["metadata"].get("annotations", {})
        return MODE in after["metadata"].get("annotations", {}) and not had_mode
