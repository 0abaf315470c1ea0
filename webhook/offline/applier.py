"""Who brings a manifest to the API server: each leaves other signs of what its author wrote."""

import enum
from typing import Any, Final


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
        """What a review's ``options`` tell of the applier."""
        validation = {} if self is Applier.HELM3 else {"fieldValidation": "Strict"}
        return {"fieldManager": self.field_manager, **validation}

    @property
    def is_server_side(self) -> bool:
        """Whether the API server merges the manifest, and notes the fields that it names."""
        return self in {Applier.SERVER_SIDE, Applier.HELM4}

    @property
    def unseen_cluster(self) -> str:
        """What becomes of a Cluster that a person wrote; empty where the applier shows it."""
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
