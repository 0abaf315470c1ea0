"""Do the labels of namespaces mean what somebody thinks, and do they let the mesh do its part?

Source:
    docs/rules.md, the rules of Pods, for what each label does; Istio, "Installing the Sidecar";
    istio/istio istio-discovery/templates/mutatingwebhook.yaml, the namespaceSelectors.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from webhook.admission import review, services
from webhook.admission.decision import Outcome
from webhook.admission.mutation import Case
from webhook.admission.sidecars import NO_SIDECARS
from webhook.doctor.checks import (
    LIST_CONFIGURATIONS,
    Area,
    Right,
    Subject,
    Verdict,
    failed,
    warning,
    well,
)
from webhook.doctor.inspection import Inspection
from webhook.doctor.objects import LoadBalancer, Named, Selector
from webhook.labels import (
    DATAPLANE_MODE,
    GATEWAY_NAME,
    MANAGED_GATEWAY,
    NAMESPACE_INJECTION,
    NETWORK,
    POD_SECURITY,
    REVISION,
    Half,
    Mode,
    mistyped,
    mode_of,
)

_NAMESPACES: Final = Right("list", "namespaces")
_ENFORCE: Final = f"{POD_SECURITY}enforce"
_LEVELS: Final = ("baseline", "restricted")
"""Levels that refuse a sidecar in TPROXY mode."""
_EXCLUDED: Final = ("kube-system", "kube-node-lease")
"""Namespaces that the configuration leaves out whatever their labels say."""
_GATEWAY_SELECTOR: Final = "istio"
"""Key of the selector of every Service that Istio's charts make for a gateway."""


def label_values(inspection: Inspection) -> Iterator[Verdict]:
    """Is every value of the opt-in label one of the four?"""
    key = inspection.options.label_key
    wrong = {
        each.name: value
        for each in inspection.namespaces
        if (value := mistyped(each.labels, key)) is not None
    }
    for name, value in wrong.items():
        yield failed(
            f"the label of namespace {name} says nothing: the values are {', '.join(Mode)}",
            _label(name, key, value),
            cure=f"kubectl label namespace {name} {key}={Mode.ENABLED} --overwrite",
        )
    opted = [each.name for each in inspection.any_opted_in]
    if not wrong and not opted:
        yield well(
            f"no namespace has opted in yet: kubectl label namespace NAMESPACE {key}=enabled"
        )
    elif not wrong:
        yield well(f"{_count(opted)} opted in, and no value is mistyped", *map(_name, opted))


def injection_labels(inspection: Inspection) -> Iterator[Verdict]:
    """Does a namespace have one of Istio's two labels, and not both?"""
    both = [
        each
        for each in inspection.any_opted_in
        if NAMESPACE_INJECTION in each.labels and REVISION in each.labels
    ]
    for each in both:
        yield warning(
            f"namespace {each.name} has both labels of Istio's, of which {REVISION} is ignored",
            _label(each.name, NAMESPACE_INJECTION, each.labels[NAMESPACE_INJECTION]),
            _label(each.name, REVISION, each.labels[REVISION]),
            cure=f"kubectl label namespace {each.name} {NAMESPACE_INJECTION}-",
        )
    if not both:
        yield well("no namespace that has opted in has both labels of Istio's")


def injection(inspection: Inspection) -> Iterator[Verdict]:
    """Does an injector select the Pods of the namespaces that have opted in?"""
    key = inspection.options.label_key
    without = [each for each in _pods(inspection) if not _injects(inspection, each.labels)]
    for each in without:
        yield warning(
            f"no injector of this cluster selects namespace {each.name} by its labels, so only "
            "Pods with a label of their own get a sidecar (gateways need no more than "
            f"{key}={Mode.NORTH_SOUTH})",
            _label(each.name, NAMESPACE_INJECTION, each.labels.get(NAMESPACE_INJECTION)),
            _label(each.name, REVISION, each.labels.get(REVISION)),
            cure=_ask_for_injection(inspection, each),
        )
    if not without:
        yield well("Istio injects the Pods of every namespace that has opted in for Pods")


def pod_security(inspection: Inspection) -> Iterator[Verdict]:
    """Does Pod Security let the sidecar of TPROXY in?"""
    if inspection.options.ignore_pod_security:
        yield well("Pod Security is ignored, as --ignore-pod-security asks")
        return
    strict = [each for each in _pods(inspection) if each.labels.get(_ENFORCE) in _LEVELS]
    for each in strict:
        yield warning(
            f"Pod Security refuses the sidecar of TPROXY in namespace {each.name}, so its Pods "
            f"are left alone ({inspection.options.label_key}={Mode.NORTH_SOUTH} asks for no more "
            "than its Services)",
            _label(each.name, _ENFORCE, each.labels[_ENFORCE]),
            cure=f"kubectl label namespace {each.name} {_ENFORCE}=privileged --overwrite",
        )
    if not strict:
        yield well("Pod Security lets the sidecar of TPROXY in wherever Pods have opted in")


def ambient(inspection: Inspection) -> Iterator[Verdict]:
    """Do namespaces that have opted in for Pods have sidecars, and not ambient mode?"""
    found = [each for each in _pods(inspection) if each.labels.get(DATAPLANE_MODE) == "ambient"]
    for each in found:
        yield warning(
            f"namespace {each.name} is in ambient mode, where Pods have no sidecar that could "
            "hide their clients",
            _label(each.name, DATAPLANE_MODE, "ambient"),
            cure=f"kubectl label namespace {each.name} {inspection.options.label_key}="
            f"{Mode.NORTH_SOUTH} --overwrite",
        )
    if not found:
        yield well("no namespace that has opted in for Pods is in ambient mode")


def gateways(inspection: Inspection) -> Iterator[Verdict]:
    """Have the namespaces of ingress gateways opted in, where applications have?"""
    if not inspection.any_opted_in:
        yield well("no namespace has opted in, so no gateway has to")
        return
    key = inspection.options.label_key
    modes = {each.name: mode_of(each.labels, key) for each in inspection.namespaces}
    declined = {
        each.name for each in inspection.namespaces if each.labels.get(key) == Mode.DISABLED
    }
    found = [each for each in inspection.load_balancers if _is_ingress(each, inspection)]
    left: dict[str, list[LoadBalancer]] = {}
    for each in found:
        asked = modes.get(each.metadata.namespace, Mode.DISABLED).includes(Half.NORTH_SOUTH)
        if not asked and each.metadata.namespace not in declined and _gets_local(each, inspection):
            left.setdefault(each.metadata.namespace, []).append(each)
    for namespace, waiting in left.items():
        mode = modes.get(namespace, Mode.DISABLED)
        value = Mode.NORTH_SOUTH if mode is Mode.DISABLED else Mode.ENABLED
        yield warning(
            f"namespace {namespace} of a gateway has not opted in for Services, so what comes "
            "through the gateway has a node's address; audit then mends the Services that exist",
            *(
                f"Service/{each.name} of namespace {namespace} .spec.externalTrafficPolicy: "
                f"{each.spec.external_traffic_policy or 'absent'}"
                for each in waiting
            ),
            cure=f"kubectl label namespace {namespace} {key}={value} --overwrite",
        )
    if not left:
        yield well(f"{len(found)} ingress gateways, none of them in a namespace that was forgotten")


def system_namespaces(inspection: Inspection) -> Iterator[Verdict]:
    """Is no namespace labelled that is left alone anyway?"""
    ours = inspection.ours
    own = () if ours is None or ours.service is None else (ours.service[0],)
    key = inspection.options.label_key
    idle = [each for each in inspection.any_opted_in if each.name in {*_EXCLUDED, *own}]
    for each in idle:
        yield warning(
            f"namespace {each.name} is left alone whatever its label says, so that the cluster "
            "never waits for the webhook",
            _label(each.name, key, each.labels[key]),
            cure=f"kubectl label namespace {each.name} {key}-",
        )
    if not idle:
        yield well("no namespace is labelled that is left alone anyway")


def _pods(inspection: Inspection) -> list[Named]:
    """List the namespaces whose Pods have opted in, without those that are left alone."""
    return [each for each in inspection.opted_in(Half.EAST_WEST) if each.name not in _EXCLUDED]


def _injects(inspection: Inspection, labels: Mapping[str, str]) -> bool:
    """Tell whether an injector is asked about a Pod without labels in a namespace with these."""
    return any(
        "CREATE" in hook.operations_on("pods")
        and (hook.namespace_selector or Selector()).selects(labels)
        and (hook.object_selector or Selector()).selects({})
        for each in inspection.istios
        for hook in each.webhooks or ()
    )


def _ask_for_injection(inspection: Inspection, namespace: Named) -> str:
    """Find a label for which an injector is there: not every mesh has one without a revision."""
    revisions = {
        value
        for each in inspection.istios
        for hook in each.webhooks or ()
        for one in (hook.namespace_selector or Selector()).match_expressions or ()
        for value in one.values or ()
        if one.key == REVISION
    }
    asking = ((NAMESPACE_INJECTION, "enabled"), *((REVISION, each) for each in sorted(revisions)))
    for key, value in asking:
        other = REVISION if key == NAMESPACE_INJECTION else NAMESPACE_INJECTION
        kept = {name: of for name, of in namespace.labels.items() if name != other}
        if _injects(inspection, kept | {key: value}):
            gone = f" {other}-" if other in namespace.labels else ""
            return f"kubectl label namespace {namespace.name} {key}={value}{gone} --overwrite"
    return "Install Istio's injector, or let it select the namespace: see the check istio"


def _is_ingress(service: LoadBalancer, inspection: Inspection) -> bool:
    """Tell whether a Service is that of an ingress gateway.

    Source:
        istio/istio manifests/charts/gateway and istio-ingress, service.yaml; kube-gateway.yaml.
    """
    if NETWORK in service.labels and not inspection.options.east_west_gateways:
        return False
    if GATEWAY_NAME in service.labels or MANAGED_GATEWAY in service.labels:
        return True
    return _GATEWAY_SELECTOR in (service.spec.selector or {})


def _gets_local(service: LoadBalancer, inspection: Inspection) -> bool:
    """Tell whether the rules would set ``Local``, had the namespace opted in; audit asks the same.

    Not where that would do no good or harm, as on a load balancer that reaches Pods directly.
    """
    labels = {inspection.options.label_key: Mode.NORTH_SOUTH}
    namespace = service.metadata.namespace
    case = Case[review.Service](service, None, labels, inspection.options, namespace, NO_SIDECARS)
    return services.MUTATION.decide(case).outcome is Outcome.PATCHED


def _label(namespace: str, key: str, value: str | None) -> str:
    """Show a label of a namespace."""
    shown = "absent" if value is None else value or "empty"
    return f"Namespace/{namespace} .metadata.labels.{key}: {shown}"


def _name(namespace: str) -> str:
    return f"Namespace/{namespace}"


def _count(namespaces: list[str]) -> str:
    return "1 namespace has" if len(namespaces) == 1 else f"{len(namespaces)} namespaces have"


CHECKS: Final = (
    Subject(
        name="label-values",
        area=Area.NAMESPACES,
        about="Every value of the opt-in label is `enabled`, `east-west`, `north-south` or "
        "`disabled` in every namespace that has it.",
        why="Any other value means nothing, and no error tells of it.",
        cure="`kubectl label namespace ... --overwrite`.",
        rights=(_NAMESPACES,),
        ask=label_values,
    ),
    Subject(
        name="injection-labels",
        area=Area.NAMESPACES,
        about="No namespace that has opted in has both `istio-injection` and `istio.io/rev`.",
        why="`istio-injection` wins, and the revision is ignored.",
        cure="Remove one of the two.",
        rights=(_NAMESPACES,),
        ask=injection_labels,
    ),
    Subject(
        name="injection",
        area=Area.NAMESPACES,
        about="The namespaceSelector of one of the cluster's injectors selects each namespace that "
        "has opted in for Pods: by `istio-injection`, by a revision that exists, or without a "
        "label.",
        why="Without a sidecar the annotation does nothing.",
        cure="`istio-injection=enabled`, or `istio.io/rev` where there are only revisions; for a "
        "namespace of gateways the value `north-south`.",
        rights=(_NAMESPACES, LIST_CONFIGURATIONS),
        ask=injection,
    ),
    Subject(
        name="pod-security",
        area=Area.NAMESPACES,
        about="No namespace that has opted in for Pods enforces Pod Security `baseline` or "
        "`restricted`, unless `--ignore-pod-security` is given.",
        why="Its Pods would be refused with a sidecar in TPROXY mode, and are left alone.",
        cure="Enforce `privileged`, or opt in with `north-south` only.",
        rights=(_NAMESPACES,),
        ask=pod_security,
    ),
    Subject(
        name="ambient",
        area=Area.NAMESPACES,
        about="No namespace that has opted in for Pods is in ambient mode.",
        why="Ambient Pods have no sidecar that could hide their clients.",
        cure="Opt in with `north-south` only.",
        rights=(_NAMESPACES,),
        ask=ambient,
    ),
    Subject(
        name="gateways",
        area=Area.NAMESPACES,
        about="Namespaces of ingress gateways (Services of type LoadBalancer that Istio's charts "
        "or istiod made) have opted in for Services or declined by `disabled`, or the rules would "
        "not set Local on these Services.",
        why="Applications behind a gateway see what the gateway saw.",
        cure="`kubectl label namespace ... source-ip-preservation=north-south`, then `audit`.",
        rights=(_NAMESPACES, Right("list", "services")),
        ask=gateways,
    ),
    Subject(
        name="system-namespaces",
        area=Area.NAMESPACES,
        about="`kube-system`, `kube-node-lease` and the release's own namespace are not labelled.",
        why="They are left alone whatever their labels say.",
        cure="Remove the label.",
        rights=(_NAMESPACES, LIST_CONFIGURATIONS),
        ask=system_namespaces,
    ),
)
"""In the order in which they are made."""
