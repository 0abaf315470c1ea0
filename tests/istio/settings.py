"""What a test may vary about an installation of Istio, and how a Pod shows that it is in force."""

from dataclasses import dataclass
from typing import Literal

from tests.controlplane import JsonObject
from tests.istio import pods

Mode = Literal["REDIRECT", "TPROXY", "NONE"]


@dataclass(frozen=True)
class Settings:
    """The settings of one installation; what is not named is as Istio has it by default.

    Attributes:
        cni: whether istio-cni programs the interception, not a privileged init container.
        native_sidecars: whether the proxy is a restartable init container. Istio decides by the
            kubelets' versions, so that this is the same for all installations in the cluster.
        interception_mode: of the mesh, in meshConfig.defaultConfig; None where it names none.
        inbound_localhost: whether the mesh leads inbound connections to loopback, by
            meshConfig.inboundTrafficPolicy; a Pod does not show it.
        reinvocation_policy: whether the injector is called again when others change the Pod.
        every_namespace: whether Pods are injected where nothing is labelled
            (enableNamespacesByDefault).
        configuration_name: name of the MutatingWebhookConfiguration, which decides who is called
            first; None for Istio's own choice, istio-sidecar-injector.
    """

    cni: bool = False
    native_sidecars: bool = True
    interception_mode: Mode | None = None
    inbound_localhost: bool = False
    reinvocation_policy: Literal["Never", "IfNeeded"] = "Never"
    every_namespace: bool = False
    configuration_name: str | None = None

    def values(self) -> dict[str, str]:
        """Return them as istioctl takes them; the name is not Istio's to choose."""
        webhook = "values.sidecarInjectorWebhook"
        values = {
            # istioctl overwrites values.pilot.cni.enabled, which Helm users set, by this one.
            "components.cni.enabled": str(self.cni).lower(),
            f"{webhook}.reinvocationPolicy": self.reinvocation_policy,
            f"{webhook}.enableNamespacesByDefault": str(self.every_namespace).lower(),
        }
        if self.interception_mode is not None:
            values["meshConfig.defaultConfig.interceptionMode"] = self.interception_mode
        if self.inbound_localhost:
            values["meshConfig.inboundTrafficPolicy.mode"] = "LOCALHOST"
        return values

    def shown_by(self, pod: JsonObject) -> bool:
        """Tell whether a Pod without any annotation was injected with these settings."""
        return (
            pods.injected(pod)
            # With istio-cni the injector writes the mode down for the plugin, whatever it is.
            and (pods.MODE_ANNOTATION in pod["metadata"]["annotations"]) == self.cni
            and pods.interception_mode_env(pod) == (self.interception_mode or "REDIRECT")
            and pods.has_native_proxy(pod) == self.native_sidecars
        )
