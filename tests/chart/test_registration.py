"""The MutatingWebhookConfiguration, held to the one that the end-to-end tests prove."""

import copy

from tests.chart.helm import Json, Rendered, render
from tests.chart.value_sets import every_serving_set, rendered
from tests.e2e.registration import configuration
from webhook.admission.registry import MUTATIONS

SYSTEM = ["kube-system", "kube-node-lease"]


def test_same_as_proved_end_to_end() -> None:
    """It is the proved one, but for whom to call."""
    proved = configuration("https://example.org/mutate", b"")
    ours = rendered("default").one("MutatingWebhookConfiguration")

    assert ours["metadata"]["name"] == proved["metadata"]["name"]
    assert _without_client(ours["webhooks"]) == _without_client(proved["webhooks"])


@every_serving_set
def test_ca_bundle_is_left_to_its_owner(name: str) -> None:
    """Only an authority that the admin gave is in it: any other has an owner of its own."""
    for hook in _hooks(rendered(name)):
        assert ("caBundle" in hook["clientConfig"]) is (name == "existing-secret")
        assert "url" not in hook["clientConfig"]


def test_settings_reach_both_entries() -> None:
    """Label key, policy and timeout are the same in both entries, and the key is the process's."""
    values = {"labelKey": "example.org/key", "failurePolicy": "Fail", "timeoutSeconds": 9}
    shown = render(values)

    for hook in _hooks(shown):
        assert (hook["failurePolicy"], hook["timeoutSeconds"]) == ("Fail", 9)
        for selector in ("namespaceSelector", "objectSelector"):
            assert hook[selector]["matchExpressions"][0]["key"] == "example.org/key"
    assert "--label-key=example.org/key" in shown.container["args"]


def test_node_ports_are_sent() -> None:
    """NodePort Services are sent where they get the setting, at the same updates as the others."""
    usual, wanted = (_hooks(render({"nodePorts": switch}))[1] for switch in (False, True))
    first, second = wanted.pop("matchConditions")

    assert first["expression"] == "object.spec.type in ['LoadBalancer', 'NodePort']"
    assert second == usual.pop("matchConditions")[1]
    assert wanted == usual


def test_every_mutation_is_sent() -> None:
    """The API server asks at the operations that the mutations of a kind are for, and no others."""
    sent = {
        (group, resource): set(rule["operations"])
        for hook in _hooks(rendered("default"))
        for rule in hook["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    wanted: dict[tuple[str, str], set[str]] = {}
    for mutation in MUTATIONS:
        group, kind = mutation.kind.GROUP_KIND
        wanted.setdefault((group, f"{kind.lower()}s"), set()).update(mutation.operations)

    assert sent == wanted


def test_own_namespace_is_excluded_once() -> None:
    """The service never waits for itself, also where it lives in a namespace of Kubernetes."""
    assert _excluded(_hooks(render(namespace="mesh"))[0]) == [*SYSTEM, "mesh"]
    assert _excluded(_hooks(render(namespace="kube-system"))[0]) == SYSTEM


def _hooks(shown: Rendered) -> list[Json]:
    hooks: list[Json] = shown.one("MutatingWebhookConfiguration")["webhooks"]
    return copy.deepcopy(hooks)  # a render is kept, and others look at it too


def _excluded(hook: Json) -> list[str]:
    excluded: list[str] = hook["namespaceSelector"]["matchExpressions"][1]["values"]
    return excluded


def _without_client(hooks: list[Json]) -> list[Json]:
    return [{key: hook[key] for key in hook if key != "clientConfig"} for hook in hooks]
