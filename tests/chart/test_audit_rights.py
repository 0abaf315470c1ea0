"""The ClusterRoles of audit and doctor have each right that is used, and no other.

What is used is what the API server's own audit log says of the one who asked.
"""

import datetime as dt
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlsplit

import pytest

from tests import audit_document
from tests.chart.conftest import DEADLINE, apply, definition
from tests.chart.helm import AUDIT, NAMESPACE, Cluster, Json, render
from tests.controlplane import ControlPlane
from tests.e2e.registration import KEY
from webhook.admission.options import Options
from webhook.audit import publication, walk
from webhook.audit.findings import Action, Owner
from webhook.audit.fix import Carrier, Outcome
from webhook.audit.plan import Step
from webhook.cluster import ClusterError, Forbidden, access
from webhook.cluster.client import Client
from webhook.cluster.streams import exec_in, port_forward
from webhook.doctor import order, run
from webhook.doctor.inspection import Installation

Used = tuple[str, str, str, str]
"""Verb, group, resource, and the only name for which it is given; of other paths verb and path."""

NAME = "x-source-ip-webhook"
ON: Json = {"audit": {"enabled": True}}
SHOP, INGRESS = "audited", "audited-ingress"
ISTIO = "networking.istio.io/v1beta1"
OWNERS = (
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("v1", "ReplicationController"),
)
"""What makes Pods; of each there is one Pod that does not see its clients."""


def given(*roles: Json) -> set[Used]:
    """List what roles give."""
    rights: set[Used] = set()
    for rule in (rule for role in roles for rule in role["rules"]):
        for verb in rule["verbs"]:
            rights |= {(verb, path, "", "") for path in rule.get("nonResourceURLs", ())}
            rights |= {
                (verb, group, resource, name)
                for group in rule.get("apiGroups", ())
                for resource in rule.get("resources", ())
                for name in rule.get("resourceNames", [""])
            }
    return rights


def role(name: str) -> Json:
    """Return one of the ClusterRoles by the end of its name."""
    found = render(ON).all("ClusterRole", AUDIT)
    return next(each for each in found if each["metadata"]["name"].endswith(f":{name}"))


def test_doctor_has_the_rights_of_its_checks() -> None:
    """What its checks say that they need is in the ClusterRole doctor, or in that of actions."""
    needed: set[Used] = {
        (right.verb, right.resource, "", "")
        if right.resource.startswith("/")
        else (right.verb, right.group, right.resource, "")
        for right in run.RIGHTS
    }
    reads = {(*right[:3], "") for right in given(role("doctor"))}

    assert reads <= needed
    assert needed - reads <= given(role("actions"))


def test_audit_has_the_rights_of_its_reads() -> None:
    """What audits of all examples ask for is in its ClusterRole, with the order of configurations.

    That is read for what is published.
    """
    group = "admissionregistration.k8s.io"
    order_of_all = ("list", group, "mutatingwebhookconfigurations", "")
    used = {(verb, group, resource, "") for group, resource, verb in audit_document.rights()}

    assert given(role("audit")) == used | {order_of_all}


@pytest.fixture(scope="module")
def audited(plane: ControlPlane) -> Iterator[ControlPlane]:
    """A cluster with something to find for each reader, and then the chart with its audit."""
    group, _, version = ISTIO.partition("/")
    kinds = [definition(group, version, kind) for kind in ("VirtualService", "Gateway")]
    apply(plane, kinds)
    paths = [f"/apis/{ISTIO}/{kind['spec']['names']['plural']}" for kind in kinds]
    plane.wait_for(
        lambda: all(plane.request("GET", path).status == HTTPStatus.OK for path in paths),
        DEADLINE,
        "Istio's kinds",
    )
    for name in (SHOP, INGRESS):
        plane.kubectl("create", "namespace", name)
    apply(plane, list(_objects()))
    helm = Cluster(plane.kubeconfig)
    helm.apply(ON)
    plane.kubectl("label", "namespace", SHOP, f"{KEY}=enabled")
    yield plane
    helm.uninstall()
    for name in (SHOP, INGRESS):
        plane.kubectl("delete", "namespace", name, "--wait=false")
    for kind in kinds:
        plane.kubectl("delete", kind["kind"], kind["metadata"]["name"])


@pytest.mark.e2e
def test_audit_uses_what_it_may(audited: ControlPlane) -> None:
    """The audit in the cluster uses each of its rights, lacks none, and publishes what it found."""
    client = _client(audited, f"{NAME}-audit")
    options, everything = Options(), walk.Selection()

    report = walk.run(client, options, everything)
    ordered = order.before_istio(client, everything.configuration)
    publication.publish(client, NAMESPACE, f"{NAME}-audit", report, ordered=ordered)
    named = walk.run(client, options, walk.Selection((SHOP,)))

    assert (report.unknown, named.unknown) == ((), ())
    assert {finding.namespace for finding in report.findings} == {SHOP, INGRESS}
    shown = render(ON)
    may = given(
        role("audit"),
        *(each for each in shown.all("Role", AUDIT) if each["metadata"]["name"] == f"{NAME}-audit"),
    )
    used = _used(audited, f"{NAME}-audit", client)
    assert used == may


@pytest.mark.e2e
def test_doctor_and_actions_lack_nothing(audited: ControlPlane) -> None:
    """With their ClusterRoles nothing that doctor tries is forbidden; all of actions is used."""
    account = "inspector"
    audited.kubectl("create", "serviceaccount", account, namespace=NAMESPACE)
    for name in ("doctor", "actions"):
        audited.kubectl(
            *("create", "clusterrolebinding", f"{account}-{name}"),
            f"--clusterrole={NAMESPACE}:{NAME}:{name}",
            f"--serviceaccount={NAMESPACE}:{account}",
        )
    client = _client(audited, account)
    audited.wait_for(
        lambda: _may_list(client), DEADLINE, "the bindings to be known to the authorizer"
    )

    report = run.run(client, Options(), Installation())
    outcome = Outcome(tuple(_steps()))
    carrier = Carrier(
        client=client, timeout=dt.timedelta(0), audit=lambda _: pytest.fail("tried"), dry_run=True
    )
    carrier.carry_out(outcome)
    pod = "app-job"  # no node has it, so nobody answers
    with pytest.raises(ClusterError, match="does not have a host assigned"):
        exec_in(client, SHOP, pod, "app", ("cat", "/proc/net/tcp"), timeout=10.0)
    with pytest.raises(ClusterError, match="does not have a host assigned"):
        port_forward(client, SHOP, pod, 8443)

    assert not [each for each in report.checks if each.needs]
    assert not outcome.pending, outcome.failure
    used = {(*right[:3], "") for right in _used(audited, account, client)}
    actions = given(role("actions"))
    assert used <= actions | {(*right[:3], "") for right in given(role("doctor"))}
    # Since Kubernetes 1.35 a websocket needs create besides the get that the log has.
    assert actions - used == {
        ("create", "", f"pods/{each}", "") for each in ("exec", "portforward")
    }


def _steps() -> Iterator[Step]:
    """Plan everything that ``audit --fix`` does."""
    for kind in ("Deployment", "StatefulSet", "DaemonSet"):
        yield Step(SHOP, Owner("apps/v1", kind, "app"), Action.RESTART, ())
    yield Step(SHOP, Owner("v1", "Service", "edge"), Action.SET_LOCAL, ())


def _client(plane: ControlPlane, account: str) -> Client:
    """Make the product's own client, with the token of a ServiceAccount."""
    path = plane.kubeconfig_for(account, NAMESPACE)
    return Client(lambda: access.load(path))


def _may_list(client: Client) -> bool:
    """Tell whether one of the rights is in force."""
    try:
        client.get("/api/v1/nodes")
    except Forbidden:
        return False
    return True


def _used(plane: ControlPlane, account: str, client: Client) -> set[Used]:
    """List the rights that an account has used since the start, and close its client."""
    client.get("/livez", {"marker": account})
    client.close()

    def all_written() -> list[Json]:
        events = [each for each in plane.audit_events(user) if each["user"]["username"] == user]
        return events if any("/livez" in each["requestURI"] for each in events) else []

    user = f"system:serviceaccount:{NAMESPACE}:{account}"
    used: set[Used] = set()
    for event in plane.wait_for(all_written, DEADLINE, "the audit log"):
        path = urlsplit(event["requestURI"]).path
        about = event.get("objectRef")
        if about is not None:
            resource = "/".join(filter(None, (about["resource"], about.get("subresource"))))
            name = about["name"] if about["resource"] == "configmaps" else ""
            used.add((event["verb"], about.get("apiGroup", ""), resource, name))
        elif path != "/livez":
            used.add((event["verb"], path, "", ""))
    return used


def _objects() -> Iterator[Json]:
    """Make what the audit has to read on for, before anybody looks."""
    controller = {"uid": "1f7a0b8e-0000-4000-8000-000000000000", "controller": True}
    for version, kind in OWNERS:
        owner = {"apiVersion": version, "kind": kind, "name": "app", **controller}
        yield _object("v1", "Pod", f"app-{kind.lower()}", owners=[owner], spec=_pod())
    template = {"metadata": {"labels": {"app": "app"}}, "spec": _pod()}
    labels = {"matchLabels": {"app": "app"}}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app", **controller}
    spec: Json = {"replicas": 0, "selector": labels, "template": template}
    yield _object("apps/v1", "ReplicaSet", "app", owners=[deployment], spec=spec)
    for kind in ("Deployment", "StatefulSet", "DaemonSet"):
        yield _object("apps/v1", kind, "app", spec={"selector": labels, "template": template})
    cron_job = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "app", **controller}
    spec = {"template": {"spec": {**_pod(), "restartPolicy": "Never"}}}
    yield _object("batch/v1", "Job", "app", owners=[cron_job], spec=spec)
    edge = {"type": "LoadBalancer", "selector": {"app": "app"}, "ports": [{"port": 80}]}
    yield _object("v1", "Service", "edge", spec={**edge, "externalTrafficPolicy": "Local"})
    gateway = {**edge, "selector": {"istio": "ingressgateway"}}
    yield _object("v1", "Service", "gateway", namespace=INGRESS, spec=gateway)
    http = [{"route": [{"destination": {"host": "app"}}]}]
    routes: Json = {"gateways": [f"{INGRESS}/gateway"], "http": http}
    yield _object(ISTIO, "VirtualService", "app", spec=routes)
    selector: Json = {"selector": gateway["selector"]}
    yield _object(ISTIO, "Gateway", "gateway", namespace=INGRESS, spec=selector)


def _object(
    version: str,
    kind: str,
    name: str,
    *,
    namespace: str = SHOP,
    owners: list[Json] | None = None,
    spec: Json,
) -> Json:
    metadata = {"name": name, "namespace": namespace, "ownerReferences": owners or []}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _pod() -> Json:
    """Write the ``spec`` of a Pod whose sidecar was rendered for REDIRECT."""
    mode = {"name": "ISTIO_META_INTERCEPTION_MODE", "value": "REDIRECT"}
    containers: list[Json] = [{"name": "app", "image": "app"}]
    containers += [{"name": "istio-proxy", "image": "proxyv2", "env": [mode]}]
    return {"containers": containers}
