"""What the chart renders, with its defaults and with every documented set of values."""

import base64
import re
from typing import Any

import helm_python
import pytest

from certs import contents
from tests.chart import golden
from tests.chart.helm import CHART, Json, documents, render
from tests.chart.value_sets import NAMES, rendered, values
from webhook import __version__

TEMPLATES = CHART / "templates"
every_set = pytest.mark.parametrize("name", NAMES)


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

    for thing in [*render.objects, render.test_pod, render.pod]:
        assert set(golden.USUAL) <= set(thing["metadata"]["labels"])


@every_set
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

    for selector in selectors:
        assert selector.items() <= render.pod["metadata"]["labels"].items()
        assert not selector.items() <= render.test_pod["metadata"]["labels"].items()


@every_set
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


@every_set
def test_restricted(name: str) -> None:
    """Every Pod is as Pod Security "restricted" asks, and cannot write to its own image."""
    for pod in (rendered(name).pod, rendered(name).test_pod):
        spec = pod["spec"]
        (container,) = spec["containers"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_least_rights_of_managed_certificates() -> None:
    """The service may read namespaces and Sidecars, mend its configuration, and keep its Secret."""
    cluster, own = rendered("default").one("ClusterRole"), rendered("default").one("Role")

    assert cluster["rules"] == [
        _rule("", "namespaces", "get", "list", "watch"),
        _rule("networking.istio.io", "sidecars", "list", "watch"),
        _rule(
            "admissionregistration.k8s.io",
            "mutatingwebhookconfigurations",
            *("get", "watch", "patch"),
            only="0-source-ip-webhook",
        ),
    ]
    assert own["rules"] == [
        _rule("", "secrets", "get", "patch", only="x-source-ip-webhook-tls"),
        _rule("", "secrets", "create"),
    ]


@pytest.mark.parametrize("name", ["cert-manager", "existing-secret"])
def test_least_rights_of_files(name: str) -> None:
    """Where others look after the certificate the service may change nothing in the cluster."""
    cluster = rendered(name).one("ClusterRole")

    assert cluster["rules"] == [
        _rule("", "namespaces", "get", "list", "watch"),
        _rule("networking.istio.io", "sidecars", "list", "watch"),
        _rule(
            "admissionregistration.k8s.io",
            "mutatingwebhookconfigurations",
            *("get", "watch"),
            only="0-source-ip-webhook",
        ),
    ]
    assert not rendered(name).all("Role")
    assert not rendered(name).all("RoleBinding")


def test_no_right_to_what_is_ignored() -> None:
    """Where Sidecars are ignored there is no right to read them."""
    rules = rendered("every-flag").one("ClusterRole")["rules"]

    assert [rule["resources"] for rule in rules] == [
        ["namespaces"],
        ["mutatingwebhookconfigurations"],
    ]


@every_set
def test_self_restriction(name: str) -> None:
    """Where the service may write there is a policy for each kind that it may write, in force."""
    render = rendered(name)
    account = render.one("ServiceAccount")["metadata"]["name"]
    policies = render.all("ValidatingAdmissionPolicy")
    bindings = [thing["spec"] for thing in render.all("ValidatingAdmissionPolicyBinding")]

    assert len(policies) == (2 if render.all("Role") else 0)
    assert bindings == [
        {"policyName": policy["metadata"]["name"], "validationActions": ["Deny"]}
        for policy in policies
    ]
    for policy in policies:
        assert policy["spec"]["failurePolicy"] == "Fail"
        (condition,) = policy["spec"]["matchConditions"]
        user = f"system:serviceaccount:source-ip:{account}"
        assert condition["expression"] == f"request.userInfo.username == '{user}'"


def test_self_restriction_knows_the_keys() -> None:
    """The keys that the policy lets the service write are those that its certificates have."""
    text = str(rendered("default").all("ValidatingAdmissionPolicy"))
    (listed,) = re.findall(r"key in \[(.*?)\]", text)

    assert set(re.findall(r"[\w.-]+", listed)) == contents.KEYS


def test_self_restriction_can_be_left_out() -> None:
    """An admin who may not make policies can install without them."""
    shown = render({"selfRestriction": {"enabled": False}})

    assert not shown.all("ValidatingAdmissionPolicy")


def test_secret_is_empty() -> None:
    """Helm knows nothing of what the service writes into the Secret, so it never puts it back."""
    secret = rendered("default").one("Secret")

    assert secret["type"] == "Opaque"
    assert not {"data", "stringData", "immutable"} & set(secret)


def test_nothing_random() -> None:
    """No key, certificate or other secret is made by Helm, nor read from the cluster."""
    sources = "".join(path.read_text() for path in TEMPLATES.rglob("*.*"))

    assert not re.findall(r"\b(gen[A-Z]\w+|rand[A-Z]\w+|lookup|uuidv4|now)\b", sources)


def test_ca_bundle_of_existing_secret() -> None:
    """The authority that an admin gives stands in both entries, as the API wants it."""
    hooks = rendered("existing-secret").one("MutatingWebhookConfiguration")["webhooks"]

    for hook in hooks:
        pem = base64.b64decode(hook["clientConfig"]["caBundle"])
        assert pem.startswith(b"-----BEGIN CERTIFICATE-----\n")
        assert pem.endswith(b"-----END CERTIFICATE-----\n")


def test_cert_manager_chain() -> None:
    """An authority that outlives its leaves signs the one that is mounted, and is injected."""
    render = rendered("cert-manager")
    issuers = {thing["metadata"]["name"]: thing["spec"] for thing in render.all("Issuer")}
    authority, leaf = sorted(
        (thing for thing in render.all("Certificate")),
        key=lambda thing: not thing["spec"].get("isCA", False),
    )
    annotations = render.one("MutatingWebhookConfiguration")["metadata"]["annotations"]

    assert issuers[authority["spec"]["issuerRef"]["name"]] == {"selfSigned": {}}
    assert issuers[leaf["spec"]["issuerRef"]["name"]] == {
        "ca": {"secretName": authority["spec"]["secretName"]}
    }
    assert leaf["spec"]["dnsNames"] == [
        "x-source-ip-webhook",
        "x-source-ip-webhook.source-ip",
        "x-source-ip-webhook.source-ip.svc",
        "webhook.example.org",
    ]
    assert annotations == {
        "cert-manager.io/inject-ca-from": f"source-ip/{leaf['metadata']['name']}"
    }
    mounted = [volume for volume in render.pod["spec"]["volumes"] if volume["name"] == "tls"]
    assert mounted == [{"name": "tls", "secret": {"secretName": leaf["spec"]["secretName"]}}]


@pytest.mark.parametrize(
    ("values", "volume"),
    [
        ({"configMap": "callers"}, {"configMap": {"name": "callers"}}),
        ({"secret": "callers", "key": "a.crt"}, {"secret": {"secretName": "callers"}}),
    ],
)
@pytest.mark.parametrize("tls", [{}, {"existingSecret": "ours"}])
def test_authority_of_callers(values: Json, volume: Json, tls: Json) -> None:
    """It is mounted from where it is kept, beside the certificate, and named to the service."""
    shown = render({"clientCertificates": values, "tls": tls})
    volumes = shown.pod["spec"]["volumes"]
    mounts = {mount["name"]: mount["mountPath"] for mount in shown.container["volumeMounts"]}

    assert {"name": "clients", **volume} in volumes
    assert (
        {each["name"] for each in volumes} == set(mounts) == {"clients", *(["tls"] if tls else [])}
    )
    file = f"{mounts['clients']}/{values.get('key', 'ca.crt')}"
    assert f"--client-ca={file}" in shown.container["args"]
    assert not [arg for arg in shown.container["args"] if arg.startswith("--client-name")]


@pytest.mark.parametrize(("drain", "grace"), [(0, 15), (5, 20), (7.5, 23), (60, 75)])
def test_grace_period(drain: float, grace: int) -> None:
    """Kubernetes waits for the drain, for what is in flight (10 s), and some more."""
    pod = render({"drain": drain}).pod

    assert pod["spec"]["terminationGracePeriodSeconds"] == grace


def test_image() -> None:
    """An image is named by its digest, or by its tag, or by the version of the chart."""
    named = {
        "": {},
        "registry.example.org:5000/a/b:0.1.0": {"repository": "registry.example.org:5000/a/b"},
        "source-ip-webhook:edge": {"tag": "edge"},
        f"source-ip-webhook@sha256:{'0' * 64}": {"tag": "edge", "digest": f"sha256:{'0' * 64}"},
    }
    for wanted, image in named.items():
        shown = render({"image": image})
        assert shown.container["image"] == (wanted or f"source-ip-webhook:{__version__}")
        assert shown.test_pod["spec"]["containers"][0]["image"] == shown.container["image"]


@pytest.mark.parametrize(
    ("repository", "image"),
    [
        ("source-ip-webhook", "mirror.example.org:5000/source-ip-webhook"),
        ("mesh/source-ip-webhook", "mirror.example.org:5000/mesh/source-ip-webhook"),
        ("registry.example.org/a/b", "mirror.example.org:5000/a/b"),
        ("registry:5000/a", "mirror.example.org:5000/a"),
        ("localhost/a", "mirror.example.org:5000/a"),
        ("a/b.c", "mirror.example.org:5000/a/b.c"),
    ],
)
@pytest.mark.parametrize("registry", ["mirror.example.org:5000", "mirror.example.org:5000/"])
def test_registry_of_the_whole_installation(repository: str, image: str, registry: str) -> None:
    """A parent chart's registry takes the place of the image's, for every Pod of the chart."""
    values = {"global": {"imageRegistry": registry}, "image": {"repository": repository}}
    shown = render(values)

    assert shown.container["image"] == f"{image}:{__version__}"
    assert shown.test_pod["spec"]["containers"][0]["image"] == shown.container["image"]


def test_pull_secrets() -> None:
    """A parent chart's Secrets, by name or as objects, come before the chart's own, each once."""
    names = ["a", {"name": "b"}]
    own = [{"name": "b"}, {"name": "c"}]
    shown = render({"global": {"imagePullSecrets": names}, "imagePullSecrets": own})

    for pod in (shown.pod, shown.test_pod):
        assert pod["spec"]["imagePullSecrets"] == [{"name": name} for name in "abc"]
    assert "imagePullSecrets" not in render().pod["spec"]


def test_versions() -> None:
    """Chart and image have the version of the package; the chart wants Kubernetes 1.30 or later."""
    (chart,) = documents((CHART / "Chart.yaml").read_text())

    assert chart["version"] == chart["appVersion"] == __version__
    assert chart["kubeVersion"] == ">=1.30.0-0"


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


def _rule(group: str, resource: str, *verbs: str, only: str | None = None) -> dict[str, Any]:
    rule: dict[str, Any] = {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}
    return rule if only is None else {**rule, "resourceNames": [only]}
