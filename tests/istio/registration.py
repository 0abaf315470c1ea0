"""The injector's MutatingWebhookConfiguration: how the API server comes to call it."""

from tests.controlplane import ControlPlane, JsonObject
from tests.istio import pods
from tests.istio.probe import Probe

_PATH = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
_KIND = "MutatingWebhookConfiguration"


class Registration:
    """The configuration of one installation: there is one at most."""

    def __init__(self, plane: ControlPlane, probe: Probe) -> None:
        """Describe it; nothing is registered yet.

        Args:
            plane: the control plane that calls the injector.
            probe: shows whether it does.
        """
        self._plane = plane
        self._probe = probe
        self._body: JsonObject | None = None

    def replace(self, body: JsonObject, timeout_seconds: float) -> None:
        """Register `body` instead of what was there, and wait until that is what is called.

        istiod sees the new configuration and fills its certificate's authority in.

        Args:
            body: the configuration.
            timeout_seconds: how long each of the two changes may take.

        Raises:
            TimeoutError: the API server does not inject.
        """
        if body == self._body:
            return
        if self._body is not None:
            # Only after a moment without any can a Pod that is injected tell of the new one.
            self.remove()
            self._probe.wait_until(
                lambda pod: not pods.injected(pod), timeout_seconds, "the injector not to be called"
            )
        self._body = body
        self._plane.api.json("POST", _PATH, body)
        self._probe.wait_until(pods.injected, timeout_seconds, "the injector to be called")

    def remove(self) -> None:
        """Remove what is registered; without istiod it would refuse Pods."""
        if self._body is None:
            return
        name = self._body["metadata"]["name"]
        if self._plane.find(_KIND, name) is not None:
            self._plane.api.json("DELETE", f"{_PATH}/{name}")
        self._body = None
