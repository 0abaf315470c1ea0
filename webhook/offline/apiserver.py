"""Plays the API server for one object: asks for admission, and acts upon the answer.

Bytes out and bytes in, so that it is the same whether the answer comes from this process
(``preview``) or through HTTPS (``demo``). What is asked depends on who creates the object
(:class:`Applier`), for each leaves other signs of what the manifest's author wrote.
"""

import base64
import binascii
import dataclasses
import enum
import json
import uuid
from typing import Any, Final

import jsonpatch
import msgspec
from jsonpointer import JsonPointerException

Object = dict[str, Any]
"""A Kubernetes object, or a part of one, as JSON carries it."""

_API_VERSION: Final = "admission.k8s.io/v1"
_KIND: Final = "AdmissionReview"
_RESOURCES: Final = {"Pod": "pods", "Service": "services"}
_PATCH_ERRORS: Final = (jsonpatch.JsonPatchException, JsonPointerException)
"""What jsonpatch (1.47) raises of its own; a pointer that leads nowhere is jsonpointer's error."""


class Applier(enum.StrEnum):
    """A way of creating objects from manifests.

    Source:
        Recorded AdmissionReviews in tests/fixtures/reviews, one per kind of client; the Helm
        community's HIP-0023 (Helm 4 installs by server-side apply).
    """

    KUBECTL = "kubectl"
    """``kubectl apply``, and Argo CD: an annotation holds the manifest as it was written."""

    SERVER_SIDE = "server-side"
    """``kubectl apply --server-side``, and Flux: managedFields list what was written."""

    CREATE = "create"
    """``kubectl create``, and programs: nothing tells what was written from what is the default."""

    HELM3 = "helm3"
    """``helm install`` of Helm 3, which is a creation as any program's."""

    HELM4 = "helm4"
    """``helm install`` of Helm 4, which is server-side apply."""

    @property
    def field_manager(self) -> str:
        """The name under which the API server notes who wrote the object."""
        return _MANAGERS[self]

    @property
    def options(self) -> dict[str, Any]:
        """What the ``options`` of a review (``CreateOptions``) tell of the applier."""
        validation = {} if self is Applier.HELM3 else {"fieldValidation": "Strict"}
        return {"fieldManager": self.field_manager, **validation}

    @property
    def is_server_side(self) -> bool:
        """Whether the API server merges the manifest, and notes the fields that it names."""
        return self in {Applier.SERVER_SIDE, Applier.HELM4}

    @property
    def unseen_cluster(self) -> str:
        """The warning for a ``Cluster`` that a person wrote; empty where the applier shows that."""
        return _UNSEEN.get(self, "")


_MANAGERS: Final = {
    Applier.KUBECTL: "kubectl-client-side-apply",
    Applier.SERVER_SIDE: "kubectl",
    Applier.CREATE: "kubectl-create",
    Applier.HELM3: "helm",
    Applier.HELM4: "helm",
}
_UNSEEN: Final = {
    Applier.CREATE: (
        "the manifest says externalTrafficPolicy Cluster, but a creation does not show that "
        "somebody wrote it: it becomes Local, unless the opt-out label keeps it"
    ),
    Applier.HELM3: (
        "the manifest says externalTrafficPolicy Cluster, but Helm 3 leaves no sign of it: it "
        "becomes Local until the next helm upgrade, unless the opt-out label keeps it"
    ),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Review:
    """A question to a webhook."""

    uid: str
    """What the answer has to repeat."""
    object: Object
    """The object that is created."""
    body: bytes
    """The AdmissionReview as it goes over the wire."""


@dataclasses.dataclass(frozen=True, slots=True)
class Admitted:
    """What became of an object."""

    object: Object
    """The object with the patch applied, as it would be stored."""
    outcomes: tuple[str, ...]
    """What each mutation of the kind did to the object."""
    reasons: tuple[str, ...]
    """Why, in the same order."""
    operations: tuple[dict[str, Any], ...] = ()
    """The patch's operations (RFC 6902); none where nothing was changed."""
    warnings: tuple[str, ...] = ()
    """What kubectl prints after ``Warning:``."""


class AnswerError(ValueError):
    """The API server would not accept this answer; the text is one sentence for a person."""


def review(created: Object, *, applier: Applier = Applier.KUBECTL, dry_run: bool = False) -> Review:
    """Ask about the creation of an object.

    Args:
        created: A Pod or a Service as :mod:`webhook.offline.creation` makes it.
        applier: Who creates it.
        dry_run: Whether nothing will be stored.

    Source:
        k8s.io/apiserver pkg/admission/plugin/webhook/request/admissionreview.go,
        CreateAdmissionReview; the recorded reviews in tests/fixtures/reviews.
    """
    uid, kind, metadata = str(uuid.uuid4()), created["kind"], created["metadata"]
    kind_asked = {"group": "", "version": "v1", "kind": kind}
    resource = {"group": "", "version": "v1", "resource": _RESOURCES[kind]}
    request = {
        "uid": uid,
        "kind": kind_asked,
        "resource": resource,
        "requestKind": kind_asked,
        "requestResource": resource,
        # Go leaves out what is empty, and a Pod of a workload has no name yet.
        **({"name": metadata["name"]} if metadata.get("name") else {}),
        "namespace": metadata["namespace"],
        "operation": "CREATE",
        "userInfo": {"username": "admin", "groups": ["system:masters", "system:authenticated"]},
        "object": created,
        "oldObject": None,
        "dryRun": dry_run,
        "options": {
            "kind": "CreateOptions",
            "apiVersion": "meta.k8s.io/v1",
            **({"dryRun": ["All"]} if dry_run else {}),
            # A controller names no field manager when it creates the Pods of a workload.
            **(applier.options if metadata.get("name") else {}),
        },
    }
    envelope = {"kind": _KIND, "apiVersion": _API_VERSION, "request": request}
    return Review(uid, created, msgspec.json.encode(envelope))


def act_upon(asked: Review, answer: bytes) -> Admitted:
    """Do what the answer to a review says.

    Args:
        asked: The review.
        answer: The webhook's answer, as it came over the wire.

    Raises:
        AnswerError: The answer is refused, or refuses the object.

    Source:
        k8s.io/apiserver pkg/admission/plugin/webhook/request/admissionreview.go,
        VerifyAdmissionResponse, and mutating/dispatcher.go, callAttrMutatingHook.
    """
    response = _response(asked.uid, answer)
    operations: tuple[dict[str, Any], ...] = ()
    stored = asked.object
    if ("patch" in response) != ("patchType" in response):
        raise AnswerError("The answer has one of patch and patchType, and must have both or none.")
    if "patch" in response:
        try:
            operations = tuple(json.loads(base64.b64decode(response["patch"], validate=True)))
            stored = jsonpatch.apply_patch(_object(asked), operations, in_place=True)
        except (binascii.Error, ValueError, TypeError, *_PATCH_ERRORS) as error:
            raise AnswerError(f"The answer's patch does not apply: {error}.") from error
    audit = response.get("auditAnnotations", {})
    return Admitted(
        stored,
        tuple(audit.get("outcome", "").split(", ")),
        tuple(audit.get("reason", "").split(", ")),
        operations,
        tuple(response.get("warnings", ())),
    )


def _response(uid: str, answer: bytes) -> dict[str, Any]:
    """Read an answer and check that it is one, that it is ours, and that it allows the object."""
    try:
        envelope = json.loads(answer)
        response: dict[str, Any] = envelope["response"]
        version, kind, echo = envelope["apiVersion"], envelope["kind"], response["uid"]
    except (ValueError, KeyError, TypeError) as error:
        raise AnswerError(f"The answer is not an AdmissionReview: {error!r}.") from error
    if (version, kind) != (_API_VERSION, _KIND):
        raise AnswerError(f"The answer is a {version} {kind}, not an {_API_VERSION} {_KIND}.")
    if echo != uid:
        raise AnswerError(f"The answer is to review {echo}, not to {uid}.")
    if response.get("allowed") is not True:
        raise AnswerError("The answer denies the object, which this product never does.")
    return response


def _object(asked: Review) -> Object:
    """Read the object anew out of its review: a copy to change, made faster than by copying."""
    stored: Object = msgspec.json.decode(asked.body)["request"]["object"]
    return stored
