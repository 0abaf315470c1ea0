"""What checks share: one run's choices, and the objects of the cluster that they look at."""

from typing import Final, NamedTuple, TypeVar
from urllib.parse import quote

from webhook.admission.options import Options
from webhook.admission.sidecars import Sidecar
from webhook.cluster import NotFound, lists
from webhook.cluster.client import Client
from webhook.doctor.objects import (
    Binding,
    Budget,
    ConfigMap,
    Configuration,
    EndpointSlice,
    LoadBalancer,
    Named,
    Node,
    Policy,
    Service,
    Workload,
)
from webhook.doctor.reading import Reading
from webhook.doctor.ways import Dial
from webhook.labels import Half, Mode, mode_of
from webhook.settings import CONFIGURATION
from webhook.sidecars import SIDECARS, SidecarObject

T = TypeVar("T")
ADMISSION: Final = "/apis/admissionregistration.k8s.io"
_ISTIO_ENTRY: Final = "sidecar-injector.istio.io"
"""What the name of every entry of Istio's injector ends with.

Source:
    istio/istio istio-discovery/templates/mutatingwebhook.yaml and revision-tags-mwc.yaml.
"""
_OWN_ENTRY: Final = ".source-ip-webhook.io"
"""What the names of our own entries end with."""
_VARIABLE: Final = b'"labelKey"'
"""Name of a variable that every policy of ours has, webhook.policy."""
_PRODUCT: Final = ("app.kubernetes.io/name", "source-ip-webhook")
"""The label of every object of the chart's."""


class Installation(NamedTuple):
    """Where the webhook is installed."""

    configuration: str = CONFIGURATION
    """Name of the MutatingWebhookConfiguration; all else is found from there."""


class Inspection(Reading):
    """One run: what an admin chose, and what is read of the cluster.

    Args:
        client: Asks the API server.
        options: The flags that the webhook runs with.
        installation: Where it is.
        ways: To its replicas, the one that is tried first in front.
    """

    def __init__(
        self,
        client: Client,
        options: Options,
        installation: Installation,
        ways: tuple[Dial, ...] = (),
    ) -> None:
        super().__init__(client)
        self.options = options
        self.installation = installation
        self.ways = ways

    # --- The installation -------------------------------------------------------------------------

    @property
    def ours(self) -> Configuration | None:
        """Our MutatingWebhookConfiguration; ``None`` where there is none of that name."""
        wanted = self.installation.configuration
        return next((each for each in self.configurations if each.name == wanted), None)

    @property
    def registered(self) -> Configuration:
        """The same, for checks that are not made without it.

        Raises:
            NotFound: There is none.
        """
        if self.ours is None:
            raise NotFound(f"There is no MutatingWebhookConfiguration {self.installation[0]}")
        return self.ours

    @property
    def istios(self) -> list[Configuration]:
        """The configurations of Istio's injector, in the order of their names."""
        return sorted(
            (each for each in self.configurations if _names_end(each, _ISTIO_ENTRY)),
            key=lambda each: each.name.encode(),
        )

    @property
    def own_policies(self) -> list[Policy]:
        """Our MutatingAdmissionPolicies: the chart's policy backend, or what ``policy`` prints.

        The latter have no labels, but a name that ends with a resource, and our variable.
        """
        key, value = _PRODUCT
        return [
            each
            for each in self.policies
            if each.labels.get(key) == value or (each.half and _VARIABLE in bytes(each.spec))
        ]

    @property
    def elsewhere(self) -> list[Configuration]:
        """Configurations of ours that have another name."""
        return [each for each in self.configurations if _names_end(each, _OWN_ENTRY)]

    # --- What is read -----------------------------------------------------------------------------

    @property
    def configurations(self) -> list[Configuration]:
        """All MutatingWebhookConfigurations."""
        return self.listed(f"{ADMISSION}/v1/mutatingwebhookconfigurations", Configuration)

    @property
    def policies(self) -> list[Policy]:
        """All MutatingAdmissionPolicies; none where the API server does not know the kind."""
        return self._of_newest("mutatingadmissionpolicies", Policy)

    @property
    def policy_bindings(self) -> list[Binding]:
        """All MutatingAdmissionPolicyBindings, likewise."""
        return self._of_newest("mutatingadmissionpolicybindings", Binding)

    @property
    def namespaces(self) -> list[Named]:
        """All Namespaces, without spec and status."""
        return self.listed("/api/v1/namespaces", Named, accept=lists.METADATA_ONLY)

    def opted_in(self, half: Half) -> list[Named]:
        """List the namespaces that ask for a half."""
        key = self.options.label_key
        return [each for each in self.namespaces if mode_of(each.labels, key).includes(half)]

    @property
    def any_opted_in(self) -> list[Named]:
        """The namespaces that ask for either half."""
        key = self.options.label_key
        return [each for each in self.namespaces if mode_of(each.labels, key) != Mode.DISABLED]

    @property
    def nodes(self) -> list[Node]:
        """All Nodes."""
        return self.listed("/api/v1/nodes", Node)

    @property
    def load_balancers(self) -> list[LoadBalancer]:
        """All Services of type LoadBalancer."""
        return self.listed("/api/v1/services", LoadBalancer, fieldSelector="spec.type=LoadBalancer")

    @property
    def daemon_sets(self) -> list[Workload]:
        """All DaemonSets."""
        return self.listed("/apis/apps/v1/daemonsets", Workload)

    @property
    def istiods(self) -> list[Workload]:
        """The Deployments of Istio's control plane."""
        return self.listed("/apis/apps/v1/deployments", Workload, labelSelector="app=istiod")

    @property
    def sidecars(self) -> list[Sidecar]:
        """All Sidecar resources, but those that Istio could not read either.

        Raises:
            NotFound: The API server does not know the kind.
        """
        found = self.listed(SIDECARS.path, SidecarObject)
        return [each.sidecar for each in found if each.sidecar is not None]

    def deployment(self, namespace: str, name: str) -> Workload | None:
        """Read a Deployment; ``None`` where there is none."""
        path = f"/apis/apps/v1/namespaces/{_quoted(namespace)}/deployments/{_quoted(name)}"
        return self.one(path, Workload)

    def service(self, namespace: str, name: str) -> Service | None:
        """Read a Service; ``None`` where there is none."""
        path = f"/api/v1/namespaces/{_quoted(namespace)}/services/{_quoted(name)}"
        return self.one(path, Service)

    def endpoint_slices(self, namespace: str, service: str) -> list[EndpointSlice]:
        """List the EndpointSlices of a Service."""
        path = f"/apis/discovery.k8s.io/v1/namespaces/{_quoted(namespace)}/endpointslices"
        selector = f"kubernetes.io/service-name={service}"
        return self.listed(path, EndpointSlice, labelSelector=selector)

    def budgets(self, namespace: str) -> list[Budget]:
        """List the PodDisruptionBudgets of a namespace."""
        path = f"/apis/policy/v1/namespaces/{_quoted(namespace)}/poddisruptionbudgets"
        return self.listed(path, Budget)

    def config_map(self, namespace: str, name: str) -> dict[str, str] | None:
        """Read the data of a ConfigMap; ``None`` where there is none."""
        path = f"/api/v1/namespaces/{_quoted(namespace)}/configmaps/{_quoted(name)}"
        found = self.one(path, ConfigMap)
        return None if found is None else found.data or {}

    def _of_newest(self, plural: str, kind: type[T]) -> list[T]:
        """List what the API server may know in an older version, or not at all."""
        for version in ("v1", "v1beta1"):
            try:
                return self.listed(f"{ADMISSION}/{version}/{plural}", kind)
            except NotFound:
                continue
        return []


def upgrade(configuration: Configuration, *flags: str) -> str:
    """Say how the chart puts things back, or who else has to where no chart made them.

    Args:
        configuration: Ours.
        flags: Further flags of ``helm upgrade``.
    """
    release = configuration.labels.get("app.kubernetes.io/instance")
    namespaces = {
        each.client_config.service.namespace
        for each in configuration.webhooks or ()
        if each.client_config.service is not None
    }
    if release is None or len(namespaces) != 1:
        return "Register the webhook as docs/operation.md says"
    words = ("helm upgrade", release, "charts/source-ip-webhook --namespace", *namespaces)
    return " ".join((*words, "--reset-then-reuse-values", *flags))


def _names_end(configuration: Configuration, end: str) -> bool:
    """Tell whether the name of an entry of the configuration ends like this."""
    return any(each.name.endswith(end) for each in configuration.webhooks or ())


def _quoted(segment: str) -> str:
    """Quote a name for a path."""
    return quote(segment, safe="")
