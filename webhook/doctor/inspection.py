"""What checks share: one run's choices, and what it reads of the cluster, each thing once.

What could not be read the first time is not asked for again: every check that needs it gets the
same error, and becomes "could not tell".
"""

import contextlib
import datetime as dt
from collections.abc import Callable, Hashable
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec

from webhook.admission.options import Options
from webhook.cluster import ClusterError, NotFound, Unreachable, answers, lists
from webhook.cluster.answers import Page
from webhook.cluster.client import Client
from webhook.doctor.objects import (
    Binding,
    Budget,
    ConfigMap,
    Configuration,
    EndpointSlice,
    Named,
    Policy,
    Service,
    Version,
    Workload,
)
from webhook.doctor.ways import Dial
from webhook.labels import Half, Mode, mode_of

T = TypeVar("T")
ADMISSION: Final = "/apis/admissionregistration.k8s.io"
_PATIENCE: Final = 5.0
"""Seconds for an API server that failed to show that it is there."""
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

    configuration: str = "0-source-ip-webhook"
    """Name of the MutatingWebhookConfiguration; all else is found from there."""


class Inspection:
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
        self.client = client
        self.options = options
        self.installation = installation
        self.ways = ways
        self._date: dt.datetime | None = None
        self._away: Unreachable | None = None
        self._kept: dict[Hashable, Any] = {}

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
    def nodes(self) -> list[Named]:
        """All Nodes, without spec and status."""
        return self.listed("/api/v1/nodes", Named, accept=lists.METADATA_ONLY)

    @property
    def load_balancers(self) -> list[Service]:
        """All Services of type LoadBalancer."""
        return self.listed("/api/v1/services", Service, fieldSelector="spec.type=LoadBalancer")

    @property
    def daemon_sets(self) -> list[Workload]:
        """All DaemonSets."""
        return self.listed("/apis/apps/v1/daemonsets", Workload)

    @property
    def istiods(self) -> list[Workload]:
        """The Deployments of Istio's control plane."""
        return self.listed("/apis/apps/v1/deployments", Workload, labelSelector="app=istiod")

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

    @property
    def version(self) -> str:
        """The API server's version, such as ``v1.36.2``."""
        told = self.one("/version", Version)
        return "" if told is None else told.git_version

    @property
    def now(self) -> dt.datetime:
        """The API server's clock, in UTC; ours where it does not tell."""
        with contextlib.suppress(ClusterError):
            _ = self.version
        return self._date or dt.datetime.now(dt.UTC)

    # --- How --------------------------------------------------------------------------------------

    def listed(
        self, path: str, kind: type[T], *, accept: str = "application/json", **params: str
    ) -> list[T]:
        """List objects of a kind; see :func:`webhook.cluster.lists.pages`.

        Raises:
            ClusterError: They cannot be read.
        """

        def read() -> list[T]:
            decoder = msgspec.json.Decoder(Page[kind])  # type: ignore[valid-type]
            return [
                each
                for page in lists.pages(self.client, path, decoder, params, accept=accept)
                for each in page
            ]

        return self.remember(f"{path}?{params}", read)

    def one(self, path: str, kind: type[T]) -> T | None:
        """Read one object; ``None`` where there is none.

        Raises:
            ClusterError: It cannot be read.
        """

        def read() -> T | None:
            try:
                body = self.read(path)
            except NotFound:
                return None
            return answers.decode(msgspec.json.Decoder(kind), body, f"get {path}")

        return self.remember(path, read)

    def read(self, path: str) -> bytes:
        """Read the bytes of one answer, as they are now.

        Raises:
            ClusterError: There is none, or it is an error.
        """
        answer = lists.read(lambda: self.client.get(path))
        self._date = answer.date or self._date
        return answer.body

    def _is_there(self) -> bool:
        """Tell whether the API server answers at all, so that nothing more is waited for if not."""
        try:
            self.client.get("/version", timeout=_PATIENCE)
        except Unreachable:
            return False
        except ClusterError:
            return True
        return True

    def _of_newest(self, plural: str, kind: type[T]) -> list[T]:
        """List what the API server may know in an older version, or not at all."""
        for version in ("v1", "v1beta1"):
            try:
                return self.listed(f"{ADMISSION}/{version}/{plural}", kind)
            except NotFound:
                continue
        return []

    def remember(self, key: Hashable, read: Callable[[], T]) -> T:
        """Find something out the first time that it is asked for, and remember what came of it.

        Args:
            key: Tells it from everything else.
            read: Finds it out; its :class:`ClusterError` is remembered too.
        """
        if key not in self._kept:
            if self._away is not None:
                raise self._away
            try:
                self._kept[key] = read()
            except Unreachable as error:
                self._kept[key] = error
                self._away = None if self._is_there() else error
            except ClusterError as error:
                self._kept[key] = error
        kept: T | ClusterError = self._kept[key]
        if isinstance(kept, ClusterError):
            raise kept
        return kept


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
    return " ".join((*words, "--reuse-values", *flags))


def _names_end(configuration: Configuration, end: str) -> bool:
    """Tell whether the name of an entry of the configuration ends like this."""
    return any(each.name.endswith(end) for each in configuration.webhooks or ())


def _quoted(segment: str) -> str:
    """Quote a name for a path."""
    return quote(segment, safe="")
