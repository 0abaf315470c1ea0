"""The walk through a cluster: every opted-in namespace, its Pods, its Services, and the gateways.

Reads page by page and keeps nothing of a page but what is wrong in it. Where something cannot be
read the walk goes on, and says so at the end.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Final
from urllib.parse import quote

import msgspec

from webhook.admission.options import Options
from webhook.admission.sidecars import Sidecars
from webhook.audit import cures, gateways
from webhook.audit.findings import Finding, Report, order
from webhook.audit.namespaces import OptedIn
from webhook.audit.objects import LiveNamespace, LiveObject, LivePod
from webhook.audit.owners import Owners
from webhook.audit.pod_findings import PodFindings
from webhook.audit.reading import Reader, refuse_no_selector
from webhook.audit.service_findings import ServiceFindings
from webhook.audit.service_objects import LiveService
from webhook.cluster import Forbidden
from webhook.cluster.answers import Page
from webhook.cluster.client import Client
from webhook.labels import Half, Mode, mode_of
from webhook.settings import CONFIGURATION
from webhook.sidecars import SIDECARS

_NAMESPACES: Final = "/api/v1/namespaces"
_CONFIGURATIONS: Final = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
_SERVICES: Final = "/api/v1/services"
_namespace = msgspec.json.Decoder(LiveNamespace)
_namespaces = msgspec.json.Decoder(Page[LiveNamespace])
_object = msgspec.json.Decoder(LiveObject)
_pods = msgspec.json.Decoder(Page[LivePod])
_services = msgspec.json.Decoder(Page[LiveService])


@dataclasses.dataclass(frozen=True, slots=True)
class Selection:
    """What is audited."""

    namespaces: tuple[str, ...] = ()
    """Names; none: every namespace that is opted in."""

    selector: str = ""
    """Label selector of the Pods and Services, as kubectl's ``-l`` has it."""

    configuration: str = CONFIGURATION
    """Name of the webhook's MutatingWebhookConfiguration."""


def run(
    client: Client,
    options: Options,
    selection: Selection,
    progress: Callable[[str, int], None] = lambda _stage, _done: None,
) -> Report:
    """Audit a cluster.

    Args:
        client: May read what docs/audit.md lists.
        options: What the admin chose for the webhook.
        selection: What is audited.
        progress: Is told, with every page, what is read (``pods``) and how many were until now.

    Raises:
        ClusterError: Nothing at all could be read, or the selector is none.
    """
    if selection.selector:
        refuse_no_selector(client, selection.selector)
    return _Walk(client, options, selection, progress).report()


class _Walk:
    """One walk.

    Args:
        client: Asks the API server.
        options: What the admin chose for the webhook.
        selection: What is audited.
        progress: Is told how far it is.
    """

    def __init__(
        self,
        client: Client,
        options: Options,
        selection: Selection,
        progress: Callable[[str, int], None],
    ) -> None:
        self._reader = Reader(client)
        self._options = options
        self._selection = selection
        self._params = {"labelSelector": selection.selector} if selection.selector else {}
        self._progress = progress
        self._counts = {"namespaces": 0, "pods": 0, "services": 0}
        self._of_service = ServiceFindings(self._reader).of

    def report(self) -> Report:
        """Walk, and tell."""
        everywhere = not self._selection.namespaces
        namespaces = list(self._everywhere() if everywhere else self._named())
        if (error := self._reader.error) is not None and not self._counts["namespaces"]:
            if isinstance(error, Forbidden):
                raise Forbidden(f"{error}. docs/audit.md lists the rights of an audit.") from error
            raise error
        places = self._places(namespaces)
        opted_in = [each for each in places if _mode(each) is not Mode.DISABLED]
        found: list[Finding] = []
        for place in opted_in:
            if place.asks_for(Half.EAST_WEST):
                found += self._of_pods(place)
            if place.asks_for(Half.NORTH_SOUTH):
                found += self._of_services(place)
        if everywhere:
            found += gateways.not_opted_in(self._reader, places, self._service_pages())
        return Report(
            label_key=self._options.label_key,
            namespaces=tuple(each.name for each in opted_in),
            pods=self._counts["pods"],
            services=self._counts["services"],
            findings=tuple(sorted(found, key=order)),
            unknown=tuple(self._reader.unknown),
        )

    def _everywhere(self) -> Iterator[LiveNamespace]:
        """Read all namespaces."""
        for page in self._reader.pages("namespaces", _NAMESPACES, _namespaces):
            self._count("namespaces", len(page))
            yield from page

    def _named(self) -> Iterator[LiveNamespace]:
        """Read the namespaces that were asked for, and say why one of them is not audited."""
        for name in dict.fromkeys(self._selection.namespaces):
            failures = self._reader.failures
            path = f"{_NAMESPACES}/{quote(name, safe='')}"
            found = self._reader.one("namespaces", path, _namespace, namespace=name)
            if self._reader.failures > failures:
                continue
            if found is None:
                self._reader.tell(f"namespace {name}", "there is no namespace of this name")
                continue
            self._count("namespaces", 1)
            why = self._why_not(found)
            if why:
                self._reader.tell(f"namespace {name}", why)
            else:
                yield found

    def _why_not(self, namespace: LiveNamespace) -> str:
        """Say why a namespace is not audited; empty where it is."""
        about, key = namespace.metadata, self._options.label_key
        labels = about.labels or {}
        if about.deletion_timestamp is not None:
            return "it is being deleted"
        if mode_of(labels, key) is not Mode.DISABLED:
            return ""
        value = labels.get(key)
        says = "is absent" if value is None else f"says {value!a}"
        overwrite = [] if value is None else [cures.OVERWRITE]
        command = cures.kubectl(
            "label", "namespace", about.name, f"{key}={Mode.ENABLED}", *overwrite
        )
        return f"it is not opted in, as its label {key} {says}; to opt it in: {command}"

    def _places(self, namespaces: Iterable[LiveNamespace]) -> list[OptedIn]:
        """Find out what else the rules and the reasons need to know."""
        name = self._selection.configuration
        installed = ""
        resource = "mutatingwebhookconfigurations"
        path = f"{_CONFIGURATIONS}/{quote(name, safe='')}"
        configuration = self._reader.one(resource, path, _object)
        if configuration is not None:
            installed = configuration.metadata.creation_timestamp
        known = Sidecars() if self._options.ignore_sidecars else self._sidecars()
        return [
            OptedIn.of(
                each,
                configuration=name,
                installed=installed,
                options=self._options,
                sidecars=known,
            )
            for each in sorted(namespaces, key=lambda each: each.metadata.name)
            if each.metadata.deletion_timestamp is None
        ]

    def _sidecars(self) -> Sidecars:
        """Read the mesh's Sidecars."""
        resource = "sidecars.networking.istio.io"
        return Sidecars(
            each.sidecar
            for page in self._reader.pages(resource, SIDECARS.path, SIDECARS.page, namespace="")
            for each in page
            if each.sidecar is not None
        )

    def _of_pods(self, place: OptedIn) -> Iterator[Finding]:
        """Audit the Pods of a namespace."""
        collected = PodFindings(place)
        path = f"{_NAMESPACES}/{quote(place.name, safe='')}/pods"
        for page in self._reader.pages(
            "pods", path, _pods, namespace=place.name, params=self._params
        ):
            for pod in page:
                collected.add(pod)
            self._count("pods", len(page))
        yield from collected.findings(Owners(self._reader, place))

    def _of_services(self, place: OptedIn) -> Iterator[Finding]:
        """Audit the Services of a namespace."""
        for page in self._service_pages(place.name):
            for service in page:
                yield from self._of_service(service, place)
            self._count("services", len(page))

    def _service_pages(self, namespace: str = "") -> Iterator[list[LiveService]]:
        """Read the Services of a namespace, or of all of them."""
        within = f"{_NAMESPACES}/{quote(namespace, safe='')}/services" if namespace else _SERVICES
        return self._reader.pages(
            "services", within, _services, namespace=namespace, params=self._params
        )

    def _count(self, stage: str, number: int) -> None:
        self._counts[stage] += number
        self._progress(stage, self._counts[stage])


def _mode(place: OptedIn) -> Mode:
    return mode_of(place.labels, place.options.label_key)
