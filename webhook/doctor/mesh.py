"""Does the mesh let TPROXY work: Istio's version, its settings, and Sidecar resources?

Source:
    istio/istio pkg/config/mesh and istio/api mesh/v1alpha1 (MeshConfig); release notes of 1.12
    (TPROXY without ``ip``, IPv6), 1.27 and 1.29 (OpenShift, nftables); docs/rules.md.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from webhook.admission.sidecars import Sidecars
from webhook.cluster import NotFound
from webhook.doctor.checks import (
    LIST_CONFIGURATIONS,
    Area,
    Right,
    Subject,
    Verdict,
    failed,
    unknown,
    warning,
    well,
)
from webhook.doctor.inspection import Inspection, upgrade
from webhook.doctor.objects import Named, Workload
from webhook.labels import REVISION, Half

_OLDEST: Final = (1, 12)
"""The first version of Istio whose TPROXY works throughout (istio/istio#34274, #35360)."""
_OPENSHIFT: Final = (1, 27)
"""The first minor version whose TPROXY has the right user on OpenShift from the start (#56577)."""
_NFTABLES: Final = (1, 29)
"""The first minor version whose nftables rules of TPROXY are whole from the start (#58175)."""
_VERSION: Final = re.compile(r"(\d+)\.(\d+)")
_VERSION_LABEL: Final = "app.kubernetes.io/version"
"""Label of istiod since 1.24, for images that are named by a digest."""
_OPENSHIFT_NODE: Final = "node.openshift.io/os_id"
"""Label of every node of OpenShift."""
_CNI: Final = "istio-cni"
"""What the name of istio-cni's DaemonSet begins with: ``istio-cni-node``, with vendors also the
revision."""
_DEPLOYMENTS: Final = Right("list", "deployments", "apps")
_SETTINGS: Final = Right("get", "configmaps", name="istio")
_NAMESPACES: Final = Right("list", "namespaces")


def istio(inspection: Inspection) -> Iterator[Verdict]:
    """Is Istio there, and new enough?"""
    found = [(each, _version(each)) for each in inspection.istiods]
    if not found and inspection.istios:
        yield well(
            "Istio's control plane runs elsewhere, so that its version cannot be read; it has to "
            "be 1.12 or later",
            *(f"{each.title} present" for each in inspection.istios),
        )
    elif not found:
        yield failed(
            "Istio was not found: no sidecar hides a client, and none is injected",
            "Deployment .metadata.labels.app=istiod: absent in all namespaces",
            cure="Install Istio, or run doctor against the cluster that has the mesh",
        )
    for each, version in found:
        shown = f"Deployment/{each.name} of namespace {each.metadata.namespace}: {_image(each)}"
        if version is None:
            yield unknown("neither image nor label of Istio's control plane tells a version", shown)
        elif version < _OLDEST:
            yield failed(
                f"Istio {version[0]}.{version[1]} is older than 1.12, before which TPROXY does not "
                "work throughout",
                shown,
                cure="Upgrade Istio to 1.12 or later",
            )
        else:
            yield from _caveats(inspection, version, shown)


def interception(inspection: Inspection) -> Iterator[Verdict]:
    """Who redirects connections into the sidecar: istio-cni, or an init container of each Pod?"""
    plugins = [each for each in inspection.daemon_sets if each.name.startswith(_CNI)]
    for each in plugins:
        wanted, ready = each.status.desired_number_scheduled, each.status.number_ready
        shown = f"DaemonSet/{each.name} of namespace {each.metadata.namespace}: {ready} of {wanted}"
        if ready < wanted:
            yield warning(
                "istio-cni is not ready on every node, where Pods then do not start",
                shown,
                cure=f"kubectl -n {each.metadata.namespace} rollout status daemonset/{each.name}",
            )
        else:
            yield well("istio-cni redirects connections into sidecars", f"{shown} ready")
    if not plugins:
        yield well("an init container of each Pod redirects connections into its sidecar")


def mesh_mode(inspection: Inspection) -> Iterator[Verdict]:
    """Which interception mode do sidecars have that nobody has chosen one for?"""
    for name, settings in _settings(inspection):
        if settings is None:
            yield well(
                "the mesh's settings cannot be read here; by default sidecars hide clients "
                "unless their Pods choose TPROXY",
                f"ConfigMap/{name}: absent or no YAML",
            )
            continue
        mode = str(_within(settings, "defaultConfig").get("interceptionMode", "REDIRECT"))
        shown = f"ConfigMap/{name} .data.mesh defaultConfig.interceptionMode: {mode}"
        if mode == "NONE":
            yield warning(
                "sidecars intercept nothing unless their Pods ask for it",
                shown,
                cure="Set defaultConfig.interceptionMode to REDIRECT if that is not meant",
            )
        elif mode == "TPROXY":
            yield well("the whole mesh is in TPROXY mode: only the other half is needed", shown)
        else:
            yield well("sidecars hide clients unless their Pods choose TPROXY", shown)


def inbound_traffic_policy(inspection: Inspection) -> Iterator[Verdict]:
    """Does the mesh send inbound connections to the Pod's own address, as TPROXY needs?"""
    told = inspection.options.inbound_localhost
    for name, settings in _settings(inspection):
        if settings is None:
            unread = f"ConfigMap/{name}: absent or no YAML"
            if told:
                yield well("all Pods are left alone, as --inbound-localhost asks", unread)
            else:
                yield unknown(
                    "the mesh's settings cannot be read here, as where a cloud runs the "
                    "control plane; inboundTrafficPolicy.mode has to be PASSTHROUGH, its default",
                    unread,
                    cure="Look it up where the control plane is configured; if it is LOCALHOST: "
                    + _set_inbound_localhost(inspection, "true"),
                )
            continue
        mode = str(_within(settings, "inboundTrafficPolicy").get("mode", "PASSTHROUGH"))
        shown = f"ConfigMap/{name} .data.mesh inboundTrafficPolicy.mode: {mode}"
        if mode == "LOCALHOST" and not told:
            yield failed(
                "the mesh sends inbound connections to loopback, which under TPROXY never answers",
                shown,
                cure=_set_inbound_localhost(inspection, "true"),
            )
        elif told and mode != "LOCALHOST":
            yield warning(
                "--inbound-localhost leaves all Pods alone, and the mesh does not ask for that",
                shown,
                cure=_set_inbound_localhost(inspection, "false"),
            )
        else:
            yield well("inbound connections go where the flags say", shown)


def _set_inbound_localhost(inspection: Inspection, value: str) -> str:
    """Say how the flag is set where the rules run."""
    flag = f"--set inboundLocalhost={value}"
    if inspection.ours is None:
        return f"Apply the policies again, with the chart's {flag} or by the flag of policy"
    return upgrade(inspection.ours, flag)


def sidecars(inspection: Inspection) -> Iterator[Verdict]:
    """Does no Sidecar resource lead the Pods of opted-in namespaces to loopback?"""
    try:
        known = inspection.sidecars
    except NotFound:
        yield well("the cluster has no Sidecar resources")
        return
    root = inspection.options.root_namespace
    general = Sidecars(known).applying(root, {}, root)
    fault = False
    for each in inspection.opted_in(Half.EAST_WEST):
        own = [one for one in known if one.namespace == each.name]
        applying = [one for one in own if one.loopback]
        if general is not None and general.loopback and all(one.selector for one in own):
            applying.append(general)
        for one in dict.fromkeys(f"{one.namespace}/{one.name}" for one in applying):
            fault = True
            yield _to_loopback(inspection, each, one)
    if not fault:
        yield well("no Sidecar leads Pods that have opted in to loopback")


def _to_loopback(inspection: Inspection, namespace: Named, sidecar: str) -> Verdict:
    """Say what a Sidecar does to the Pods of a namespace."""
    shown = f"Sidecar {sidecar} .spec.ingress[*].defaultEndpoint: loopback"
    place, _, name = sidecar.partition("/")
    edit = f"kubectl -n {place} edit sidecars.networking.istio.io {name}"
    cure = f"Lead it to the Pod's own address, 0.0.0.0:PORT ({edit})"
    unread = inspection.ours is None and inspection.own_policies
    if inspection.options.ignore_sidecars or unread:
        return failed(
            f"a Sidecar leads Pods of {namespace.name} to loopback, which under TPROXY never "
            "answers, and what is installed here reads no Sidecars",
            shown,
            cure=cure,
        )
    return warning(
        f"a Sidecar leads Pods of {namespace.name} to loopback, so they are left alone",
        shown,
        cure=cure,
    )


def _caveats(inspection: Inspection, version: tuple[int, int], shown: str) -> Iterator[Verdict]:
    """Say what a version is known not to do well, where that applies."""
    openshift = version < _OPENSHIFT and any(
        _OPENSHIFT_NODE in each.labels for each in inspection.nodes
    )
    nftables = version < _NFTABLES and any(
        _flag(each, "NATIVE_NFTABLES") for each in inspection.istiods
    )
    if openshift:
        yield warning(
            "on OpenShift the sidecar of TPROXY has a wrong user in Istio before 1.27 (fixed in "
            "late releases of 1.24 to 1.26), and needs a privileged SecurityContextConstraint",
            shown,
            cure="Upgrade Istio; see docs/install/openshift.md",
        )
    if nftables:
        yield warning(
            "with nftables, Istio before 1.29 (1.27.4) fails on Pods without inbound ports",
            shown,
            cure="Upgrade Istio to 1.29, or leave values.global.nativeNftables off",
        )
    if not openshift and not nftables:
        yield well("Istio is new enough for TPROXY", shown)


def _flag(istiod: Workload, name: str) -> bool:
    """Tell whether an environment variable of istiod's says true."""
    return any(
        variable.name == name and variable.value.lower() == "true"
        for container in istiod.containers
        for variable in container.env or ()
    )


def _image(istiod: Workload) -> str:
    """Name the image of istiod's container."""
    return next((each.image for each in istiod.containers), "") or "absent"


def _version(istiod: Workload) -> tuple[int, int] | None:
    """Read the version of Istio from the image's tag, or else from the label; ``None``: neither."""
    tag = _image(istiod).partition("@")[0].rpartition("/")[2].partition(":")[2]
    match = _VERSION.search(tag) or _VERSION.match(istiod.labels.get(_VERSION_LABEL, ""))
    return None if match is None else (int(match[1]), int(match[2]))


def _settings(inspection: Inspection) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """Read the mesh's settings, of each revision that an injector is registered for.

    ``None`` stands for settings that are absent, or that nobody can read.

    Source:
        istio/istio istio-discovery/templates/configmap.yaml: ``istio``, or ``istio-<revision>``, in
        the namespace of istiod.
    """
    root = inspection.options.root_namespace
    revisions = {
        (reference[0] if (reference := each.service) else root, each.labels.get(REVISION, ""))
        for each in inspection.istios
    }
    for namespace, revision in sorted(revisions or {(root, "")}):
        name = f"istio-{revision}" if revision not in {"", "default"} else "istio"
        data = inspection.config_map(namespace, name)
        try:
            read = None if data is None else yaml.safe_load(data.get("mesh", "")) or {}
        except (yaml.YAMLError, RecursionError, ValueError):
            read = None
        yield f"{name} of namespace {namespace}", read if isinstance(read, dict) else None


def _within(settings: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a mapping within the settings; an empty one where there is none."""
    found = settings.get(key)
    return found if isinstance(found, dict) else {}


CHECKS: Final = (
    Subject(
        name="istio",
        area=Area.MESH,
        about="A Deployment with label `app=istiod`, whose image is of 1.12 or later; or, where "
        "the control plane runs elsewhere, the injector's configuration. OpenShift needs 1.27 (or "
        "a late release of 1.24 to 1.26), native nftables 1.29 (or 1.27.4).",
        why="TPROXY has been whole since 1.12.",
        cure="Upgrade Istio.",
        rights=(_DEPLOYMENTS, LIST_CONFIGURATIONS, Right("list", "nodes")),
        ask=istio,
    ),
    Subject(
        name="interception",
        area=Area.MESH,
        about="istio-cni's DaemonSet is ready on every node, or there is none, and init "
        "containers do its work.",
        why="Without it Pods do not start; TPROXY works with either.",
        cure="Look at the DaemonSet.",
        rights=(Right("list", "daemonsets", "apps"),),
        ask=interception,
    ),
    Subject(
        name="mesh-mode",
        area=Area.MESH,
        about="`defaultConfig.interceptionMode` of the mesh, in ConfigMap `istio` (or "
        "`istio-<revision>`) of the injector's namespace.",
        why="Under TPROXY everything is done already; under NONE nothing is intercepted.",
        cure="Set it to REDIRECT where NONE is not meant.",
        rights=(_SETTINGS, LIST_CONFIGURATIONS),
        ask=mesh_mode,
    ),
    Subject(
        name="inbound-traffic-policy",
        area=Area.MESH,
        about="`inboundTrafficPolicy.mode` of the mesh is LOCALHOST exactly where "
        "`--inbound-localhost` is given.",
        why="Under TPROXY an application on loopback is never reached: its answers have nowhere "
        "to go.",
        cure="The chart's value `inboundLocalhost`, or the mode PASSTHROUGH. Where a cloud runs "
        "the control plane, doctor cannot tell: look it up there.",
        rights=(_SETTINGS, LIST_CONFIGURATIONS),
        ask=inbound_traffic_policy,
    ),
    Subject(
        name="sidecars",
        area=Area.MESH,
        about="No Sidecar resource leads the Pods of opted-in namespaces to 127.0.0.1, ::1 or a "
        "Unix socket.",
        why="The webhook leaves such Pods alone, as TPROXY would cut them off; policies, and the "
        "webhook with `--ignore-sidecars`, do not.",
        cure="Lead it to `0.0.0.0:PORT`.",
        rights=(
            _NAMESPACES,
            LIST_CONFIGURATIONS,
            Right("list", "mutatingadmissionpolicies", "admissionregistration.k8s.io"),
            Right("list", "sidecars", "networking.istio.io"),
        ),
        ask=sidecars,
    ),
)
"""In the order in which they are made."""
