"""The decision about one object: what became of it, why, and the patch.

Outcome and reason are the words that metrics, logs, audit annotations and previews share. The
reasons of one kind stand beside its rules, in ``pods`` and ``services``.
"""

import base64
import enum
from collections.abc import Sequence
from typing import Any, Self

import msgspec


class Outcome(enum.StrEnum):
    """What became of one object."""

    PATCHED = "patched"
    """The setting was added."""

    UNCHANGED = "unchanged"
    """The object has the setting already."""

    SKIPPED = "skipped"
    """The setting was not asked for, or would not help here."""

    CONFLICT = "conflict"
    """A person chose another value, which is respected."""


class Sees(enum.StrEnum):
    """Whom the application behind an object sees as its caller.

    Of a Pod this is said on the assumption that Istio injects it, unless the reason says otherwise.

    Source:
        istio/istio pilot/pkg/networking/core/listener_address.go (127.0.0.6);
        Kubernetes, Using Source IP.
    """

    CLIENT = "its client"

    SIDECAR = "127.0.0.6"
    """The address from which a sidecar in REDIRECT mode calls the application beside it."""

    WAYPOINT = "its waypoint"
    """The proxy that serves a namespace, or a pod, of an ambient mesh."""

    NODE = "a node's address"
    """What kube-proxy's source NAT leaves of the client's address."""

    NOTHING = "-"
    """Nobody: no object is created, or this kind of object has no callers that it shows."""


class Reason(enum.StrEnum):
    """Why an object got its outcome: the base of the enums of reasons, without a member of its own.

    A member is its word, and has three parts; one that lacks a part is an error at import.
    """

    outcome: Outcome
    """The outcome that it leads to."""
    sentence: str
    """The reason in words, without a full stop."""
    sees: Sees | None
    """Whom the application sees then.

    ``None`` where the reason says nothing about the object: then the rules that follow tell, or the
    mutation itself where its setting is there (``Mutation.sees_patched``). Where one reason stands
    for several cases, the decision says which (``Decision.sees_instead``).
    """

    def __new__(cls, value: str, outcome: Outcome, sentence: str, sees: Sees | None) -> Self:
        """Make a member that equals its word, with its parts beside it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.outcome = outcome
        member.sentence = sentence
        member.sees = sees
        return member


class CommonReason(Reason):
    """The reasons that all kinds share."""

    ADDED = "added", Outcome.PATCHED, "the setting was missing and has been added", None
    ALREADY_SET = "already-set", Outcome.UNCHANGED, "the object has the setting already", None
    UNSUPPORTED_KIND = (
        "unsupported-kind",
        Outcome.SKIPPED,
        "only Pods and Services are changed",
        Sees.NOTHING,
    )
    UNSUPPORTED_OPERATION = (
        "unsupported-operation",
        Outcome.SKIPPED,
        "this operation comes too late, or is too early, for the setting to take effect",
        Sees.NOTHING,
    )
    NAMESPACE_NOT_OPTED_IN = (
        "namespace-not-opted-in",
        Outcome.SKIPPED,
        "the namespace's label does not ask for it",
        None,
    )
    OPTED_OUT = "opted-out", Outcome.SKIPPED, "the object's label asks to be left alone", None


class Patch(msgspec.Struct, frozen=True, gc=False):
    """A JSON Patch document, together with the form in which an AdmissionReview carries it.

    It is built by hand: the setting is known, so its operation is known, and comparing two copies
    of a pod would cost more than everything else in the request path together. It has no operation
    but ``add``, with a path that the object at hand has room for, because a patch that does not
    apply is an error for the user even under ``failurePolicy: Ignore``.

    Source:
        RFC 6902; k8s.io/apiserver pkg/admission/plugin/webhook/mutating/dispatcher.go.
    """

    operations: tuple[dict[str, Any], ...]
    """The operations of the document (RFC 6902 section 3)."""

    encoded: str
    """The document as base64 of its JSON, as ``response.patch`` wants it."""

    @classmethod
    def add(cls, *path: str, value: Any) -> Self:
        """Make the patch that adds one member to an object whose parent exists.

        Args:
            path: Names from the document's root to the member, unescaped.
            value: What the member becomes; an existing member of that name is replaced.

        Source:
            RFC 6902 section 4.1 (add) and RFC 6901 section 3 (escaping in pointers).
        """
        return cls.of({"op": "add", "path": _pointer(path), "value": value})

    @classmethod
    def of(cls, *operations: dict[str, Any]) -> Self:
        """Make a patch of operations."""
        return cls(operations, base64.b64encode(msgspec.json.encode(operations)).decode())


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What is done with one object, and why."""

    reason: Reason
    """Why; the outcome follows from it."""
    patch: Patch | None = None
    """The change, present exactly when the outcome is ``patched``."""
    warning: str = ""
    """A sentence for the person who made the request; empty where nobody could act on it.

    At most 120 characters, as the API server's own documentation of warnings asks.
    """
    sees_instead: Sees | None = None
    """Whom the application sees, where the reason's own ``sees`` is not true of this object."""

    @property
    def sees(self) -> Sees | None:
        """Whom the application sees; ``None`` where the reason says nothing about the object."""
        return self.sees_instead or self.reason.sees

    @property
    def outcome(self) -> Outcome:
        """The outcome that the reason leads to."""
        return self.reason.outcome


def merge(patches: Sequence[Patch]) -> Patch | None:
    """Put patches that were made for one object into one patch, which does what each of them does.

    Two patches may add the same parent, each with its own member: ``/metadata/annotations`` of an
    object that has none. One after the other the second would undo the first, so the parent is
    added once, with both members. Parents stand before what is added to them.

    Args:
        patches: Patches of :meth:`Patch.add`, each of which applies to the object as it came.

    Returns:
        The patch; ``None`` where there is none to apply.

    Raises:
        ValueError: Two patches give one member different values. Mutations are checked for that
            where they are registered (:func:`webhook.admission.registry.register`).
    """
    if len(patches) < 2:  # noqa: PLR2004  what nearly every object gets: nothing, or one patch
        return patches[0] if patches else None
    values: dict[str, Any] = {}
    for patch in patches:
        for operation in patch.operations:
            path, value = operation["path"], operation["value"]
            values[path] = _both(path, values[path], value) if path in values else value
    return Patch.of(
        *(
            {"op": "add", "path": path, "value": values[path]}
            for path in sorted(values, key=lambda path: path.count("/"))
        )
    )


def _both(path: str, first: Any, second: Any) -> Any:
    """Merge two values of one member: two mappings, or twice the same."""
    if isinstance(first, dict) and isinstance(second, dict):
        shared = {name: _both(path, first[name], second[name]) for name in first if name in second}
        return first | second | shared
    if first != second:
        raise ValueError(f"Two patches set {path} to different values.")
    return first


def _pointer(path: tuple[str, ...]) -> str:
    """Spell names as a JSON Pointer; ``~`` first, or the tilde of ``~1`` would be escaped again."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in path)
