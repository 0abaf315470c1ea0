"""From the bytes of a request to the bytes of its answer.

Three steps, so that the server can look up the namespace between them: :func:`receive`,
:meth:`Admission.decide`, :func:`respond`. Every well-formed review is allowed; this product never
denies anything.
"""

from typing import Any, Final, TypeVar

import msgspec

from webhook.admission import pods, services
from webhook.admission.decision import CommonReason, Decision, Reason, Sees
from webhook.admission.mutation import Case, Mutation
from webhook.admission.options import Options
from webhook.admission.review import AdmissionRequest, AdmissionReview, Pod, Service
from webhook.admission.sidecars import NO_SIDECARS, Sidecars
from webhook.labels import Labels

_MUTATIONS: Final[dict[tuple[str, str], Mutation[Any]]] = {
    ("", "Pod"): pods.MUTATION,
    ("", "Service"): services.MUTATION,
}
_ENUMS: Final[list[type[Reason]]] = [CommonReason, *(each.reasons for each in _MUTATIONS.values())]
REASONS: Final[dict[str, Reason]] = {reason.value: reason for enum in _ENUMS for reason in enum}
"""Every reason, by its word."""
T = TypeVar("T")
_review = msgspec.json.Decoder(AdmissionReview)
_objects = {kind: msgspec.json.Decoder(kind) for kind in (Pod, Service)}
_encoder = msgspec.json.Encoder()
_QUOTE = 200
"""Characters of an error that are passed on: it may quote the body, which is anybody's."""


class ReviewError(ValueError):
    """The request's body is not an AdmissionReview that we can answer; the text says why."""


class Admission(msgspec.Struct, frozen=True, gc=False):
    """One object on its way in, read but not yet decided upon."""

    request: AdmissionRequest
    mutation: Mutation[Any] | None = None
    """What we could do with the object; ``None`` where ``not_ours`` says why nothing."""
    object: Any = None
    old_object: Any = None
    not_ours: Reason = CommonReason.UNSUPPORTED_KIND

    @property
    def name(self) -> str:
        """The object's name, or the ``generateName`` that it will be named after."""
        if self.request.name or self.object is None:
            return self.request.name
        return str(self.object.metadata.name or self.object.metadata.generate_name)

    def decide(
        self, namespace: Labels | None, options: Options, sidecars: Sidecars = NO_SIDECARS
    ) -> Decision:
        """Decide what to do with the object.

        Args:
            namespace: Labels of its namespace; ``None`` where nobody could tell them.
            options: What the admin chose.
            sidecars: The mesh's Sidecar resources, as far as they are known.
        """
        if self.mutation is None:
            return Decision(self.not_ours)
        return self.mutation.decide(self._case(namespace, options, sidecars))

    def sees(
        self, namespace: Labels | None, options: Options, sidecars: Sidecars = NO_SIDECARS
    ) -> Sees:
        """Tell whom the application sees once the object is as :meth:`decide` leaves it.

        Args:
            namespace: Labels of its namespace; ``None`` where nobody could tell them.
            options: What the admin chose.
            sidecars: The mesh's Sidecar resources, as far as they are known.
        """
        if self.mutation is None:
            return Sees.NOTHING
        return self.mutation.sees(self._case(namespace, options, sidecars))

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
    request = _decode(_review, body, "an admission.k8s.io/v1 AdmissionReview").request
    mutation = _MUTATIONS.get((request.kind.group, request.kind.kind))
    if mutation is None:
        return Admission(request)
    if request.operation not in mutation.operations or request.sub_resource:
        return Admission(request, not_ours=CommonReason.UNSUPPORTED_OPERATION)
    decoder, kind = _objects[mutation.kind], request.kind.kind
    return Admission(
        request,
        mutation,
        _decode(decoder, request.object, f"a review whose request.object is a {kind}"),
        None
        if request.operation == "CREATE"
        else _decode(decoder, request.old_object, f"a review whose request.oldObject is a {kind}"),
    )


def respond(uid: str, decision: Decision) -> bytes:
    """Write the answer to a review.

    Args:
        uid: ``request.uid`` of the review, which the API server compares.
        decision: What was decided.

    Source:
        k8s.io/apiserver pkg/admission/plugin/webhook/request/admissionreview.go,
        VerifyAdmissionResponse: patch and patchType come together or not at all.
    """
    response: dict[str, Any] = {
        "uid": uid,
        "allowed": True,
        # Stored by the API server in its audit log as <webhook name>/<key>. The same on every
        # call, because on reinvocation a different value for a key is refused.
        "auditAnnotations": {"outcome": decision.outcome, "reason": decision.reason},
    }
    if decision.patch is not None:
        response |= {"patchType": "JSONPatch", "patch": decision.patch.encoded}
    if decision.warning:
        response["warnings"] = [decision.warning]
    return _encoder.encode(
        {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
    )


def _decode(
    decoder: msgspec.json.Decoder[T], body: bytes | bytearray | msgspec.Raw, expected: str
) -> T:
    """Decode with one sentence for whatever can be wrong with the bytes.

    Deep nesting is a RecursionError and broken UTF-8 a UnicodeError; neither is a MsgspecError.
    """
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise ReviewError(f"The body is not {expected}: {str(error)[:_QUOTE]}.") from error
