"""Asking the API server what becomes of a Pod, without making one."""

import json
from collections.abc import Callable

from tests.controlplane import ApiError, ControlPlane, JsonObject


class Probe:
    """Dry runs of a plain Pod in a namespace of one revision.

    A condition on what comes back is the one proof that the API server, istiod and the settings
    between them are all in the wanted state.
    """

    def __init__(self, plane: ControlPlane, revision: str) -> None:
        """Describe the namespace; `prepare` makes it.

        Args:
            plane: the control plane to ask.
            revision: the revision that injects in the namespace.
        """
        self._plane = plane
        self._revision = revision
        self._namespace = f"istio-probe-{revision}"

    def prepare(self) -> None:
        """Make the namespace, or leave it as it is."""
        body = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": self._namespace, "labels": {"istio.io/rev": self._revision}},
        }
        self._plane.kubectl("apply", "-f", "-", input=json.dumps(body))

    def wait_until(
        self, condition: Callable[[JsonObject], bool], timeout_seconds: float, what: str
    ) -> None:
        """Wait until a Pod that would be made now meets a condition.

        Args:
            condition: asked about the Pod.
            timeout_seconds: how long to keep asking.
            what: the condition in words.

        Raises:
            TimeoutError: it did not; a note has the last answer.
        """
        last = ""

        def met() -> bool:
            nonlocal last
            try:
                pod = self._dry_run()
            except ApiError as error:  # such as a webhook that is not reached yet
                last = str(error)
                return False
            last = json.dumps(pod["metadata"])
            return condition(pod)

        try:
            self._plane.wait_for(met, timeout_seconds, what)
        except TimeoutError as error:
            error.add_note(f"the last answer was {last}")
            raise

    def _dry_run(self) -> JsonObject:
        pod = {
            "metadata": {"name": "probe"},
            "spec": {"containers": [{"name": "app", "image": "example.org/app"}]},
        }
        path = f"/api/v1/namespaces/{self._namespace}/pods?dryRun=All"
        return self._plane.api.json("POST", path, pod)
