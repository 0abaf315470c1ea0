"""No right of the chart is superfluous: without each of them in turn, this is what breaks."""

import contextlib
import dataclasses
import itertools
import json
import re
import signal
import ssl
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests import kubeconfig
from tests.action.release import NAME, Release
from tests.chart import helm
from tests.controlplane.ports import free_port
from tests.reviews import review
from tests.situations import pod
from tests.webhook_process import WebhookProcess

pytestmark = pytest.mark.e2e

Json = dict[str, Any]
SECRET = f"{NAME}-tls"
CONFIGURATION = "mutatingwebhookconfiguration/0-source-ip-webhook"


@dataclasses.dataclass(frozen=True)
class Right:
    """One verb of one rule, what uses it, and what says that it is missing."""

    kind: str
    resource: str
    verb: str
    use: Callable[[Release], object]
    said: str
    """Words of the log while it is missing."""
    mended: str
    """Words of the log once it is back."""


def nothing(_release: Release) -> None:
    """Do nothing: the service uses the right when it starts."""


def wipe(release: Release) -> None:
    """Remove a caBundle, which has to be written again."""
    path = "/webhooks/0/clientConfig/caBundle"
    patch = json.dumps([{"op": "replace", "path": path, "value": ""}])
    release.kubectl("patch", CONFIGURATION, "--type=json", f"--patch={patch}")


def empty(release: Release) -> None:
    """Empty the Secret, which has to be filled."""
    patch = json.dumps([{"op": "add", "path": "/data", "value": {}}])
    release.kubectl("patch", "secret", SECRET, "--type=json", f"--patch={patch}")


def delete(release: Release) -> None:
    """Delete the Secret, which has to be made."""
    release.kubectl("delete", "secret", SECRET)


CONFIGURATIONS = "mutatingwebhookconfigurations"
SIDECARS: Json = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "sidecars.networking.istio.io"},
    "spec": {
        "group": "networking.istio.io",
        "names": {"kind": "Sidecar", "plural": "sidecars", "singular": "sidecar"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1beta1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object"}},
            }
        ],
    },
}
"""Istio's kind, as far as the API server has to know it."""
CLUSTER = "ClusterRole"
RIGHTS = [
    Right(CLUSTER, "namespaces", "list", nothing, "namespaces-forbidden", "namespaces-synced"),
    Right(CLUSTER, "namespaces", "watch", nothing, "namespaces-forbidden", "namespaces-sync"),
    Right(CLUSTER, "sidecars", "list", nothing, "sidecars-forbidden", "sidecars-synced"),
    Right(CLUSTER, "sidecars", "watch", nothing, "sidecars-forbidden", "sidecars-sync"),
    Right(CLUSTER, CONFIGURATIONS, "get", nothing, f"get .*{CONFIGURATIONS}.* 403", "unstuck"),
    Right(CLUSTER, CONFIGURATIONS, "watch", nothing, "403.*watch-ended", "adopted"),
    Right(CLUSTER, CONFIGURATIONS, "patch", wipe, f"patch .*{CONFIGURATIONS}.* 403", "unstuck"),
    Right("Role", "secrets", "get", nothing, "get .*secrets.* 403", "unstuck"),
    Right("Role", "secrets", "patch", empty, "patch .*secrets.* 403", "unstuck"),
    Right("Role", "secrets", "create", delete, "post .*secrets.* 403", "unstuck"),
]


@pytest.fixture(scope="module")
def unattended(release: Release) -> Iterator[Release]:
    """The release without its Pods: a process of each test's own stands for them."""
    release.cluster.kubectl("apply", "-f", "-", input=json.dumps(SIDECARS))
    release.apply(failurePolicy="Ignore")
    release.scale(0)
    release.wait_for(lambda: not release.pods(), "the Pods to end")
    yield release
    release.uninstall()
    release.cluster.kubectl("delete", "-f", "-", input=json.dumps(SIDECARS))


@contextlib.contextmanager
def without(release: Release, right: Right) -> Iterator[Callable[[], None]]:
    """Take one verb from the chart's own rules, and give it back, at the latest in the end."""
    name = next(r["metadata"]["name"] for r in helm.render().all(right.kind))
    path = [right.kind.lower(), name]
    before: list[Json] = json.loads(release.kubectl("get", *path, "-ojson"))["rules"]
    rules = [
        {**rule, "verbs": [v for v in rule["verbs"] if v != right.verb] or ["none"]}
        if right.resource in rule["resources"]
        else rule
        for rule in before
    ]
    assert rules != before
    set_rules(release, path, rules)
    (rule,) = (
        rule
        for rule in before
        if right.resource in rule["resources"] and right.verb in rule["verbs"]
    )
    try:
        # The authorizer hears of it a moment later.
        release.wait_for(lambda: not may(release, right.verb, rule), "the right to be gone")
        yield lambda: set_rules(release, path, before)
    finally:
        set_rules(release, path, before)


def set_rules(release: Release, path: list[str], rules: list[Json]) -> None:
    """Write the rules of a role."""
    patch = json.dumps([{"op": "replace", "path": "/rules", "value": rules}])
    release.kubectl("patch", *path, "--type=json", f"--patch={patch}")


def may(release: Release, verb: str, rule: Json) -> bool:
    """Ask the API server whether the ServiceAccount may do what a rule is about."""
    account = f"system:serviceaccount:{helm.NAMESPACE}:{NAME}"
    attributes = {
        "verb": verb,
        "group": rule["apiGroups"][0],
        "resource": rule["resources"][0],
        "name": rule.get("resourceNames", [""])[0],
        "namespace": helm.NAMESPACE if "secrets" in rule["resources"] else "",
    }
    body = {"spec": {"user": account, "resourceAttributes": attributes}}
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    allowed: bool = release.cluster.api.json("POST", path, body)["status"]["allowed"]
    return allowed


class Unattended(WebhookProcess):
    """The webhook as its ServiceAccount and with the chart's own arguments."""

    def said(self, words: str) -> bool:
        """Tell whether a line of the log has these words."""
        return any(re.search(words, line) for line in self.log.read_text().splitlines())

    def ask(self, release: Release, body: bytes) -> None:
        """Send a review as the API server does: verified by what is published."""
        config = release.configuration()["webhooks"][0]["clientConfig"]
        context = ssl.create_default_context(cadata=b64decode(config["caBundle"]).decode())
        host = f"{NAME}.{helm.NAMESPACE}.svc"
        with urllib3.PoolManager(
            ssl_context=context, server_hostname=host, assert_hostname=host
        ) as client:
            headers = {"Content-Type": "application/json"}
            url = f"https://127.0.0.1:{self.port}/mutate"
            assert client.request("POST", url, body=body, headers=headers).status == 200


def account(release: Release, folder: Path) -> Path:
    """Write a kubeconfig of the chart's ServiceAccount."""
    api = release.cluster.api
    user = {"token": api.service_account_token(NAME, helm.NAMESPACE)}
    return kubeconfig.write(folder / "kubeconfig", api.server, user, api.ca_file, helm.NAMESPACE)


@contextlib.contextmanager
def serving(release: Release, folder: Path) -> Iterator[Unattended]:
    """Run the webhook, which begins to answer when the test has given it what it lacks."""
    subcommand, *chart = helm.render().container["args"]
    assert subcommand == "serve"
    own = {"--port", "--ops-port"}
    flags = (each for each in chart if each.partition("=")[0] not in own)
    process = Unattended(
        folder / "log",
        *flags,
        *("--tls-propagation=1s", "--log-level=debug"),
        environment={"KUBECONFIG": str(account(release, folder))},
        port=free_port(),
        ops_port=free_port(),
    )
    process.launch()
    try:
        yield process
    finally:
        process.stop(signal.SIGKILL)


@pytest.mark.parametrize("right", RIGHTS, ids=lambda r: f"{r.verb} {r.resource}")
def test_right_is_needed(unattended: Release, right: Right, tmp_path: Path) -> None:
    """Without it the log says what cannot be done; with it that is done."""
    with contextlib.ExitStack() as stack:
        if right.use is nothing:
            restored = stack.enter_context(without(unattended, right))
            service = stack.enter_context(serving(unattended, tmp_path))
        else:
            service = stack.enter_context(serving(unattended, tmp_path))
            unattended.wait_for(lambda: service.said("certificate-adopted"), "a certificate")
            restored = stack.enter_context(without(unattended, right))
            right.use(unattended)
        unattended.wait_for(lambda: service.said(right.said), f"the log to say {right.said}")
        restored()
        unattended.wait_for(lambda: service.said(right.mended), f"the log to say {right.mended}")


def test_right_to_get_a_namespace_is_needed(unattended: Release, tmp_path: Path) -> None:
    """Without it nobody can tell the labels of a namespace that the watch has not brought yet."""
    get = Right(CLUSTER, "namespaces", "get", nothing, "", "")
    names = (f"nowhere-{number}" for number in itertools.count())
    with serving(unattended, tmp_path) as service:
        unattended.wait_for(lambda: service.said("certificate-adopted"), "it")

        def told() -> list[float]:
            """Ask about a namespace that nobody has asked about, and count what was told."""
            before = lookups(service)
            service.ask(unattended, review("Pod", pod(), namespace=next(names)))
            return [now - old for now, old in zip(lookups(service), before, strict=True)]

        # A Pod waits for half a second, which the first connection may take on a busy machine.
        unattended.wait_for(lambda: told() == [1, 0], "somebody to tell that there is no namespace")
        with without(unattended, get):
            assert told() == [0, 1]


def lookups(service: Unattended) -> list[float]:
    """Count the lookups that found no namespace, and those after which nobody could tell."""
    name = "namespace_lookups_total"
    return [service.metric(f'{name}{{result="{each}"}}') for each in ("missing", "unreachable")]
