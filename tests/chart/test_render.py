"""What the chart renders, with its defaults and with every documented set of values."""

import helm_python
import pytest

from tests.chart import golden
from tests.chart.helm import CHART, render
from tests.chart.value_sets import NAMES, every_serving_set, every_set, rendered, values

TEMPLATES = CHART / "templates"


@every_set
def test_lint(name: str) -> None:
    """Helm's own linter has nothing to say about the chart with any set of values."""
    found = helm_python.lint(CHART, values(name), strict=True, namespace="source-ip")

    assert found["errors"] == []
    assert [text["error"] for text in found["messages"]] == ["icon is recommended"]


@every_set
def test_golden(name: str) -> None:
    """A render is what it was when somebody last read it: python -m tests.chart.golden."""
    assert golden.now(name) == golden.path(name).read_text()


def test_goldens_are_of_sets_that_exist() -> None:
    """No golden render is left of a set of values that is gone."""
    assert sorted(path.stem for path in golden.FOLDER.iterdir()) == NAMES


@every_set
def test_labels(name: str) -> None:
    """Every object says what it belongs to, by the labels that Kubernetes and Helm recommend."""
    render = rendered(name)

    for thing in [*render.objects, *render.pods]:
        assert set(golden.USUAL) <= set(thing["metadata"]["labels"])


@every_serving_set
def test_selectors(name: str) -> None:
    """Service, budget, policy and Deployment select the serving Pods, not the one that tests."""
    render = rendered(name)
    selectors = [render.one("Service")["spec"]["selector"]]
    for kind in ("PodDisruptionBudget", "Deployment", "ServiceMonitor"):
        selectors += [thing["spec"]["selector"]["matchLabels"] for thing in render.all(kind)]
    selectors += [
        thing["spec"]["podSelector"]["matchLabels"] for thing in render.all("NetworkPolicy")
    ]
    selectors += [
        constraint["labelSelector"]["matchLabels"]
        for constraint in render.pod["spec"]["topologySpreadConstraints"]
    ]
    anti = render.pod["spec"].get("affinity", {}).get("podAntiAffinity", {})
    selectors += [
        wish["podAffinityTerm"]["labelSelector"]["matchLabels"]
        for wish in anti.get("preferredDuringSchedulingIgnoredDuringExecution", ())
    ]

    for selector in selectors:
        assert selector.items() <= render.pod["metadata"]["labels"].items()
        assert not selector.items() <= render.test_pod["metadata"]["labels"].items()


@every_serving_set
def test_parts_name_each_other(name: str) -> None:
    """Service, ServiceAccount, Secret and configuration are called by the names that they have."""
    render = rendered(name)
    service, account = render.one("Service"), render.one("ServiceAccount")["metadata"]

    assert render.pod["spec"]["serviceAccountName"] == account["name"]
    for binding in [*render.all("ClusterRoleBinding"), *render.all("RoleBinding")]:
        (subject,) = binding["subjects"]
        assert (subject["name"], subject["namespace"]) == (account["name"], account["namespace"])
        role = render.one(binding["roleRef"]["kind"])
        assert role["metadata"]["name"] == binding["roleRef"]["name"]
    for hook in render.one("MutatingWebhookConfiguration")["webhooks"]:
        called = hook["clientConfig"]["service"]
        assert called["name"] == service["metadata"]["name"]
        assert called["namespace"] == service["metadata"]["namespace"]
        assert called["port"] in [port["port"] for port in service["spec"]["ports"]]
    ports = {port["name"]: port["containerPort"] for port in render.container["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} == set(ports)
    assert f"--port={ports['webhook']}" in render.container["args"]
    assert f"--ops-port={ports['ops']}" in render.container["args"]


@pytest.mark.parametrize(("drain", "grace"), [(0, 15), (5, 20), (7.5, 23), (60, 75)])
def test_grace_period(drain: float, grace: int) -> None:
    """Kubernetes waits for the drain, for what is in flight (10 s), and some more."""
    pod = render({"drain": drain}).pod

    assert pod["spec"]["terminationGracePeriodSeconds"] == grace


@pytest.mark.parametrize(
    ("release", "override", "name"),
    [
        ("x", "", "x-source-ip-webhook"),
        ("source-ip-webhook", "", "source-ip-webhook"),
        ("mesh-source-ip-webhook", "", "mesh-source-ip-webhook"),
        ("x", "hook", "hook"),
        ("r" * 53, "", "r" * 53),
        ("r" * 52, "", "r" * 52),  # a hyphen would be the last character
    ],
)
def test_names(release: str, override: str, name: str) -> None:
    """Objects are called after release and chart, and no name gets too long for a Service."""
    shown = render({"fullnameOverride": override}, name=release)

    assert shown.one("Service")["metadata"]["name"] == name
    assert shown.one("Secret")["metadata"]["name"] == f"{name}-tls"


def test_namespace_that_looks_like_a_number() -> None:
    """Names of digits stay text."""
    shown = render({"configuration": {"name": "0"}, "labelKey": "1"}, namespace="123", name="1e3")

    assert shown.one("Deployment")["metadata"]["namespace"] == "123"
    assert shown.one("MutatingWebhookConfiguration")["metadata"]["name"] == "0"


def test_own_label_wins_on_pods() -> None:
    """A label of Pods replaces the same label of all objects."""
    shown = render({"labels": {"team": "a"}, "podLabels": {"team": "b"}})

    assert shown.one("Deployment")["metadata"]["labels"]["team"] == "a"
    assert shown.pod["metadata"]["labels"]["team"] == "b"


def test_at_most_one_spread_is_a_wish() -> None:
    """The scheduler scores no node that lacks a label of any soft constraint, such as the zone."""
    for hosts in ("ScheduleAnyway", "DoNotSchedule"):
        for zones in ("ScheduleAnyway", "DoNotSchedule"):
            pod = render({"topologySpread": {"hosts": hosts, "zones": zones}}).pod["spec"]
            found = {
                each["topologyKey"]: each["whenUnsatisfiable"]
                for each in pod["topologySpreadConstraints"]
            }
            assert found.pop("kubernetes.io/hostname") == hosts
            hard = zones == "DoNotSchedule"
            assert found == ({"topology.kubernetes.io/zone": zones} if hard else {})
            assert ("affinity" in pod) is not hard


def test_affinity_may_be_taken_back() -> None:
    """Null, by which Helm takes a value back, is no affinity of the admin's."""
    assert render({"affinity": None}).pod["spec"]["affinity"] == render().pod["spec"]["affinity"]


def test_affinity_of_the_admin_is_kept() -> None:
    """The wish for other zones comes after what an admin wishes, of whatever kind that is."""
    wishes = "preferredDuringSchedulingIgnoredDuringExecution"
    own = {"weight": 1, "podAffinityTerm": {"topologyKey": "rack", "labelSelector": {}}}
    required = [{"topologyKey": "room", "labelSelector": {}}]
    anti = {wishes: [own], "requiredDuringSchedulingIgnoredDuringExecution": required}
    values = {"affinity": {"nodeAffinity": {wishes: []}, "podAntiAffinity": anti}}

    found = render(values).pod["spec"]["affinity"]

    first, ours = found["podAntiAffinity"].pop(wishes)
    assert first == own
    assert ours["podAffinityTerm"]["topologyKey"] == "topology.kubernetes.io/zone"
    del anti[wishes]
    assert found == values["affinity"]


def test_notes() -> None:
    """The notes say how to opt in and how to check, and warn of what a value brings along."""
    assert "kubectl label namespace NAMESPACE source-ip-preservation=enabled" in render().notes
    assert "helm test x -n source-ip" in render().notes
    cost, label = (render().notes.index(words) for words in ("NET_ADMIN", "kubectl label"))
    assert cost < label
    assert "rollout restart deployment/WORKLOAD" in render().notes
    assert "NOTE" not in render().notes
    assert "trusts the certificate of our-webhook-tls only once" in (
        rendered("existing-secret-no-bundle").notes
    )
    assert "no NetworkPolicy: ports 9443 and 9080" in rendered("host-network").notes
    assert "failurePolicy Fail with one replica" in rendered("single-replica").notes


def test_test_pod_runs_our_image_without_a_shell() -> None:
    """``helm test`` asks /readyz through the Service, by Python and not by a shell."""
    pod = rendered("every-flag").test_pod
    (container,) = pod["spec"]["containers"]
    python, flag, script = container["command"]

    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert (python, flag) == ("python", "-c")
    compile(script, "test", "exec")
    assert "http://x-source-ip-webhook.source-ip.svc:9080/readyz" in script
