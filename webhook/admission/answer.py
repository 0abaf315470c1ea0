"""From the bytes of a request to the bytes of its answer.

Three steps, so that the server can look up the namespace between them: :func:`receive`,
:meth:`Admission.decide`, :func:`respond`. Every well-formed review is allowed; this product never
denies anything.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec

from webhook.admission.decision import CommonReason, Decision, Reason, Sees, merge
from webhook.admission.mutation import Case, Mutation
from webhook.admission.options import Options
from webhook.admission.registry import KINDS
from webhook.admission.review import AdmissionRequest, AdmissionReview
from webhook.admission.sidecars import NO_SIDECARS, Sidecars
from webhook.labels import Labels

T = TypeVar("T")

_UNREADABLE: Final = (msgspec.MsgspecError, RecursionError, UnicodeError)
"""What decoding raises. Deep nesting is a RecursionError and broken UTF-8 a UnicodeError, and
neither is a MsgspecError (msgspec 0.22)."""
_QUOTE: Final = 200
"""Characters of an error that are passed on: it may quote the body, which is anybody's."""
_KIND: Final = re.compile(rb'"kind":\{"group":"(\w*)","version":"\w+","kind":"(\w+)"\}')
"""The kind of the object, as Go's encoder writes it near a review's beginning."""
_BEGINNING: Final = 256
"""Bytes of a review in which its kind is looked for."""
_review_decoder = msgspec.json.Decoder(AdmissionReview)
_encoder = msgspec.json.Encoder()


class ReviewError(ValueError):
    """The request's body is not an AdmissionReview that we can answer; the text says why."""


class Admission(msgspec.Struct, frozen=True, gc=False):
    """One object on its way in, read but not yet decided upon."""

    request: AdmissionRequest
    """The request as it came: name, namespace, operation and ``uid``."""
    mutations: tuple[Mutation[Any], ...] = ()
    """What may be done to the object; none where ``unsupported`` says why nothing."""
    object: Any = None
    """The object, of the type that the mutations are for; ``None`` where there are none."""
    old_object: Any = None
    """On UPDATE, the object as it is stored."""
    unsupported: Reason = CommonReason.UNSUPPORTED_KIND
    """Why nothing is done, where there are no mutations."""

    @property
    def name(self) -> str:
        """The object's name, or the ``generateName`` that it will be named after."""
        if self.request.name or self.object is None:
            return self.request.name
        return str(self.object.metadata.name or self.object.metadata.generate_name)

    def decide(
        self, namespace: Labels | None, options: Options, sidecars: Sidecars = NO_SIDECARS
    ) -> tuple[Decision, ...]:
        """Decide what to do with the object.

        Args:
            namespace: Labels of its namespace; ``None`` where they are not known.
            options: What the admin chose.
            sidecars: The mesh's Sidecar resources, as far as they are known.

        Returns:
            One decision for each of the ``mutations``, in their order; where there is none, the one
            decision that says why.
        """
        if not self.mutations:
            return (Decision(self.unsupported),)
        case = self._case(namespace, options, sidecars)
        return tuple([mutation.decide(case) for mutation in self.mutations])

    def sees(
        self, namespace: Labels | None, options: Options, sidecars: Sidecars = NO_SIDECARS
    ) -> tuple[Sees, ...]:
        """Tell whom the application sees once the object is as :meth:`decide` leaves it.

        Args:
            namespace: Labels of its namespace; ``None`` where they are not known.
            options: What the admin chose.
            sidecars: The mesh's Sidecar resources, as far as they are known.

        Returns:
            What each of the decisions means for the application, in their order.
        """
        if not self.mutations:
            return (Sees.NOTHING,)
        case = self._case(namespace, options, sidecars)
        return tuple([mutation.sees(case) for mutation in self.mutations])

    def _case(self, namespace: Labels | None, options: Options, sidecars: Sidecars) -> Case[Any]:
        """Put together what the rules may look at."""
        place = self.request.namespace
        return Case(self.object, self.old_object, namespace, options, place, sidecars)


def receive(body: bytes | bytearray) -> Admission:
    """Read the body of a request.

    Args:
        body: JSON of an ``admission.k8s.io/v1`` AdmissionReview.

    Raises:
        ReviewError: The body is something else; the text is one sentence for a person.
    """
    creation = _receive_creation(body)
    if creation is not None:
        return creation
    request = _decode(_review_decoder, body, "an admission.k8s.io/v1 AdmissionReview").request
    kind = KINDS.get((request.kind.group, request.kind.kind))
    if kind is None:
        return Admission(request)
    mutations = kind.mutations.get(request.operation)
    if mutations is None or request.sub_resource:
        return Admission(request, unsupported=CommonReason.UNSUPPORTED_OPERATION)
    name = request.kind.kind
    new = _decode(kind.decoder, request.object, f"a review whose request.object is a {name}")
    if request.operation == "CREATE":
        return Admission(request, mutations, new)
    expected = f"a review whose request.oldObject is a {name}"
    old = _decode(kind.decoder, request.old_object, expected)
    return Admission(request, mutations, new, old)


def _receive_creation(body: bytes | bytearray) -> Admission | None:
    """Read what most bodies are, a review of a creation, in one pass instead of two.

    An object can be decoded together with its review by who knows its kind beforehand. The body's
    beginning tells, most often; what the review then says itself is what counts.

    Returns:
        What :func:`receive` would return otherwise; ``None``: it has to look.
    """
    named = _KIND.search(bytes(body[:_BEGINNING]))
    if named is None:
        return None
    group_kind = named[1].decode(), named[2].decode()
    kind = KINDS.get(group_kind)
    mutations = None if kind is None else kind.mutations.get("CREATE")
    if kind is None or mutations is None:
        return None
    try:
        request = kind.creation.decode(body).request
    except _UNREADABLE:
        return None
    said = request.kind.group, request.kind.kind
    if request.operation != "CREATE" or request.sub_resource or said != group_kind:
        return None
    return Admission(request, mutations, request.object)


def respond(uid: str, decisions: Sequence[Decision]) -> bytes:
    """Write the answer to a review.

    Args:
        uid: ``request.uid`` of the review, which the API server compares.
        decisions: What was decided, at least one thing. The patch does what all of them do, and
            the words of several stand beside each other, ``patched, skipped``.

    Source:
        k8s.io/apiserver pkg/admission/plugin/webhook/request/admissionreview.go,
        VerifyAdmissionResponse: patch and patchType come together or not at all.
    """
    if len(decisions) == 1:  # nearly always, and putting together costs as much as encoding
        (one,) = decisions
        outcome: str = one.outcome
        reason: str = one.reason
        patch, warnings = one.patch, [one.warning] if one.warning else []
    else:
        outcome = ", ".join(each.outcome for each in decisions)
        reason = ", ".join(each.reason for each in decisions)
        patch = merge([each.patch for each in decisions if each.patch is not None])
        # Two mutations may warn of the same thing, as of an opt-out label that is mistyped.
        warnings = list(dict.fromkeys(each.warning for each in decisions if each.warning))
    response: dict[str, Any] = {
        "uid": uid,
        "allowed": True,
        # Stored by the API server in its audit log as <webhook name>/<key>. The same on every
        # call, because on reinvocation a different value for a key is refused.
        "auditAnnotations": {"outcome": outcome, "reason": reason},
    }
    if patch is not None:
        response |= {"patchType": "JSONPatch", "patch": patch.encoded}
    if warnings:
        response["warnings"] = warnings
    return _encoder.encode(
        {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
    )


def _decode(
    decoder: msgspec.json.Decoder[T], body: bytes | bytearray | msgspec.Raw, expected: str
) -> T:
    """Decode, with one sentence for whatever can be wrong with the bytes.

    Args:
        decoder: Of the type that is wanted.
        body: JSON.
        expected: What the body should be, as part of the sentence.

    Raises:
        ReviewError: The body is something else.
    """
    try:
        return decoder.decode(body)
    except _UNREADABLE as error:
        raise ReviewError(f"The body is not {expected}: {str(error)[:_QUOTE]}.") from error
