"""Is the webhook registered, is it asked before Istio's injector, and who else changes its fields?

Source:
    k8s.io/apiserver pkg/admission/configuration/mutating_webhook_manager.go: configurations are
    called in the byte order of their names; pkg/server/options/admission.go: policies before all
    webhooks. Istio's injector reads the annotation while it renders the sidecar (istio/istio
    pkg/kube/inject, injection-template.yaml).
"""

from collections.abc import Iterator
from typing import Final

from webhook.admission.options import Options
from webhook.cluster import ClusterError
from webhook.cluster.client import Client
from webhook.doctor.checks import (
    LIST_CONFIGURATIONS,
    Area,
    Right,
    Status,
    Subject,
    Verdict,
    failed,
    warning,
    well,
)
from webhook.doctor.inspection import ADMISSION, Inspection, Installation, upgrade
from webhook.doctor.objects import ANY, Configuration

_FIELDS: Final = ("interceptionMode", "externalTrafficPolicy")
"""What a policy or a condition mentions that is about the same fields."""
_GROUP: Final = "admissionregistration.k8s.io"
_POLICIES: Final = (
    Right("list", "mutatingadmissionpolicies", _GROUP),
    Right("list", "mutatingadmissionpolicybindings", _GROUP),
)


def configuration(inspection: Inspection) -> Iterator[Verdict]:
    """Is there a configuration of ours, or the policies that take its place?"""
    ours, policies = inspection.ours, inspection.own_policies
    names = [each.name for each in policies]
    titles = tuple(f"MutatingAdmissionPolicy/{name}" for name in names)
    if ours is not None and policies:
        yield warning(
            "the webhook and the policies are both installed, and do the same work twice",
            f"{ours.title} present",
            *titles,
            cure=f"kubectl delete mutatingadmissionpolicy {' '.join(names)}",
        )
    elif ours is not None:
        yield well("the API server asks the webhook", f"{ours.title} present")
    elif policies:
        faults = list(_faults(inspection))
        yield from faults
        if not faults:
            yield well(
                "policies do the webhook's work, so checks of the webhook are left out", *titles
            )
    elif inspection.elsewhere:
        found = [each.name for each in inspection.elsewhere]
        yield failed(
            "the configuration has another name than the one that was looked for",
            *(f"MutatingWebhookConfiguration/{name} present" for name in found),
            cure=f"source-ip-webhook doctor --configuration {found[0]}",
        )
    else:
        yield failed(
            "nothing tells the API server to ask the webhook, and no policy does its work",
            f"MutatingWebhookConfiguration/{inspection.installation.configuration}: absent",
            cure="Install the chart: helm upgrade --install source-ip-webhook "
            "charts/source-ip-webhook --namespace source-ip --create-namespace",
        )


def _faults(inspection: Inspection) -> Iterator[Verdict]:
    """Say what keeps our policies from doing all that the webhook would."""
    policies = inspection.own_policies
    again = "Apply what source-ip-webhook policy prints, or upgrade the chart's release"
    bound = {each.spec.policy_name for each in inspection.policy_bindings}
    unbound = [each.name for each in policies if each.name not in bound]
    if unbound:
        yield failed(
            "a policy of ours is bound to nothing, so it does nothing",
            *(f"MutatingAdmissionPolicyBinding of {each}: absent" for each in unbound),
            cure=again,
        )
    missing = sorted({"pods", "services"} - {each.half for each in policies})
    if missing:
        yield failed(
            f"no policy of ours is for {' and '.join(missing)}",
            *(f"MutatingAdmissionPolicy/*.{each}: absent" for each in missing),
            cure=again,
        )
    key = inspection.options.label_key
    foreign = [each.name for each in policies if key.encode() not in bytes(each.spec)]
    if foreign:
        yield failed(
            f"a policy of ours asks for another label than {key}",
            *(f"MutatingAdmissionPolicy/{each} .spec.variables: no {key}" for each in foreign),
            cure="Run doctor with the --label-key that you chose",
        )


def order(inspection: Inspection) -> Iterator[Verdict]:
    """Does our name come before every configuration of Istio's injector, byte by byte?"""
    ours = inspection.registered
    istios = inspection.istios
    late = [each for each in istios if each.name.encode() <= ours.name.encode()]
    if not istios:
        yield warning(
            "there is no configuration of Istio's injector, so no pod gets a sidecar",
            f"{ADMISSION}/v1/mutatingwebhookconfigurations: no entry named "
            "*sidecar-injector.istio.io",
            cure="Install Istio, or enable injection in your mesh's own way",
        )
    elif late:
        yield failed(
            "Istio's injector is asked before the webhook and renders REDIRECT: the annotation "
            "comes too late to have any effect",
            *(f"{each.title} comes before {ours.title}" for each in late),
            cure=upgrade(ours, "--set configuration.name=0-source-ip-webhook"),
        )
    else:
        yield well(
            "the webhook is asked before Istio's injector",
            *(f"{ours.title} comes before {each.title}" for each in istios),
        )


def others(inspection: Inspection) -> Iterator[Verdict]:
    """Does anybody else change the same fields, or the Pod on its way from us to Istio?"""
    ours = inspection.ours
    own = {each.name for each in inspection.own_policies}
    foreign = [
        *(
            f"MutatingAdmissionPolicy/{each.name} .spec mentions {field}"
            for each in inspection.policies
            if each.name not in own
            for field in _FIELDS
            if field.encode() in bytes(each.spec)
        ),
        *(
            f"{each.title} .webhooks[{index}].matchConditions mentions {field}"
            for each in inspection.configurations
            if each is not ours
            for index, webhook in enumerate(each.webhooks or ())
            for field in _FIELDS
            if any(field in condition.expression for condition in webhook.match_conditions or ())
        ),
    ]
    if foreign:
        yield warning(
            "something else is about the fields that are set here, and whoever comes last wins",
            *foreign,
            cure="Read what it sets, by kubectl get -o yaml; remove it, or opt its namespaces out",
        )
    between = () if ours is None else tuple(_between(inspection, ours))
    if between:
        yield well(
            f"{', '.join(between)} may change Pods between the webhook and Istio's injector; the "
            "probe shows whether the annotation is left alone",
            *(f"MutatingWebhookConfiguration/{name} matches creations of pods" for name in between),
        )
    elif not foreign:
        yield well("nothing else is known to change the same fields")


def _between(inspection: Inspection, ours: Configuration) -> Iterator[str]:
    """Name the configurations that are asked about new Pods after us and before Istio's last."""
    istios = inspection.istios
    if not istios:
        return
    last = istios[-1].name.encode()
    for each in inspection.configurations:
        pods = any({"CREATE", ANY} & hook.operations_on("pods") for hook in each.webhooks or ())
        if pods and each not in istios and ours.name.encode() < each.name.encode() < last:
            yield each.name


CHECKS: Final = (
    Subject(
        name="configuration",
        area=Area.INSTALLATION,
        about="The MutatingWebhookConfiguration is there; or policies of ours for Pods and for "
        "Services are, each bound, and for the label that was asked for. Not both.",
        why="Without either nothing is changed; with both everything is done twice.",
        cure="Install or upgrade the chart, or name the configuration with `--configuration`.",
        rights=(LIST_CONFIGURATIONS, *_POLICIES),
        ask=configuration,
    ),
    Subject(
        name="order",
        area=Area.INSTALLATION,
        about="Our configuration's name comes, byte by byte, before the name of every "
        "configuration that has an entry `*sidecar-injector.istio.io`.",
        why="Istio's injector reads the annotation while it renders the sidecar; set afterwards "
        "it has no effect, or with istio-cni cuts the Pod off.",
        cure="Give the configuration a name that begins with a digit "
        "(`configuration.name=0-source-ip-webhook`).",
        rights=(LIST_CONFIGURATIONS,),
        ask=order,
        webhook=True,
    ),
    Subject(
        name="other-webhooks",
        area=Area.INSTALLATION,
        about="No other MutatingAdmissionPolicy or match condition mentions `interceptionMode` or "
        "`externalTrafficPolicy`. Webhooks that are asked about Pods between ours and Istio's are "
        "named, and are no fault.",
        why="Of two that set one field the later one wins.",
        cure="Remove the other one, or opt its namespaces out.",
        rights=(LIST_CONFIGURATIONS, *_POLICIES),
        ask=others,
    ),
)
"""In the order in which they are made."""


def before_istio(client: Client, configuration: str) -> bool | None:
    """Tell whether the webhook is asked before Istio's injector, for who wants to know no more.

    Args:
        client: May ``list`` MutatingWebhookConfigurations.
        configuration: Name of ours.

    Returns:
        ``None`` where nobody can tell, or where one of the two is not there.
    """
    inspection = Inspection(client, Options(), Installation(configuration))
    try:
        if inspection.ours is None or not inspection.istios:
            return None
        (verdict,) = order(inspection)
    except ClusterError:
        return None
    return verdict.status is Status.OK
