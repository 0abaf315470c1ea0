"""Somebody who has the token of the chart's ServiceAccount."""

import copy
from http import HTTPStatus

import urllib3

from tests.chart.helm import NAMESPACE, Json
from tests.controlplane.api import ApiClient
from tests.waiting import wait_for

ACCOUNT = "x-source-ip-webhook"
CONFIGURATION_NAME = "0-source-ip-webhook"
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
CONFIGURATION = f"{CONFIGURATIONS}/{CONFIGURATION_NAME}"
SECRET_NAME = f"{ACCOUNT}-tls"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
SECRET = f"{SECRETS}/{SECRET_NAME}"

WRITTEN = {"resourceVersion", "generation", "managedFields"}
"""Fields of metadata that the API server writes."""


class Thief:
    """Tries a change in every way that the API has.

    Args:
        admin: Who may do anything.
        path: Of the object that is to be changed.
    """

    def __init__(self, admin: ApiClient, path: str) -> None:
        self.admin = admin
        self.path = path
        token = admin.service_account_token(ACCOUNT, NAMESPACE)
        self.request = ApiClient(admin.server, admin.ca_file, token).request

    def wait_until_refused(self, seconds: float) -> None:
        """Wait until rights and policies have reached the API server."""
        attempt = ("PATCH", f"{self.path}?dryRun=All", {"metadata": {"labels": {"a": "b"}}})
        wait_for(
            lambda: denied(self.request(*attempt, content_type="application/merge-patch+json")),
            seconds,
            f"writing {self.path} to be refused",
        )

    def read(self) -> Json:
        """Read the object as an admin."""
        return self.admin.json("GET", self.path)

    def refused(self, changed: Json) -> set[str]:
        """Try to make the object what it is not.

        Args:
            changed: What it should become.

        Returns:
            The ways by which an admin could and the thief could not.

        Raises:
            AssertionError: The thief could, or something else than our policies refused it.
        """
        before, refused = self.read(), set()
        for way, (method, kind, body) in _ways(before, changed).items():
            query = "fieldManager=a&force=true&" if way == "server-side apply" else ""
            dry = f"{self.path}?{query}dryRun=All"
            by_admin = self.admin.request(method, dry, body, content_type=kind)
            if by_admin.status != HTTPStatus.OK or _same(by_admin.json(), before):
                continue  # not possible for anybody
            answer = self.request(method, f"{self.path}?{query}", body, content_type=kind)
            assert denied(answer), (way, answer.data)
            refused.add(way)
        assert self.read() == before
        return refused


def every_right() -> list[Json]:
    """Give the ServiceAccount more than the chart does."""
    group = "rbac.authorization.k8s.io"
    common: Json = {"apiVersion": f"{group}/v1", "metadata": {"name": "thief"}}
    account = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}
    reference = {"apiGroup": group, "kind": "ClusterRole", "name": "thief"}
    rules = [
        {"apiGroups": ["admissionregistration.k8s.io"], "resources": ["*"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]},
    ]
    return [
        {**common, "kind": "ClusterRole", "rules": rules},
        {**common, "kind": "ClusterRoleBinding", "roleRef": reference, "subjects": [account]},
    ]


def denied(answer: urllib3.BaseHTTPResponse) -> bool:
    """Tell whether one of our policies refused, in a sentence of its own."""
    text = answer.data.decode()
    return (
        answer.status == HTTPStatus.FORBIDDEN
        and f"ValidatingAdmissionPolicy '{NAMESPACE}.{ACCOUNT}." in text
        and "denied request: source-ip-webhook may " in text
    )


def _ways(before: Json, changed: Json) -> dict[str, tuple[str, str, Json | list[Json]]]:
    """List every way to write an object: method, content type and body."""
    parts = {key: value for key, value in changed.items() if before.get(key) != value}
    operations = [{"op": "add", "path": f"/{key}", "value": parts[key]} for key in parts]
    gone = before["metadata"].get("labels", {}).keys() - changed["metadata"].get("labels", {})
    merge = copy.deepcopy(parts)
    if gone:  # a merge patch removes only what it names
        merge["metadata"]["labels"].update(dict.fromkeys(gone))
    applied = copy.deepcopy(changed)
    del applied["metadata"]["managedFields"]
    return {
        "JSON patch": ("PATCH", "application/json-patch+json", operations),
        "merge patch": ("PATCH", "application/merge-patch+json", merge),
        "strategic merge patch": ("PATCH", "application/strategic-merge-patch+json", merge),
        "server-side apply": ("PATCH", "application/apply-patch+yaml", applied),
        "update": ("PUT", "application/json", changed),
    }


def _same(one: Json, other: Json) -> bool:
    """Tell whether two states differ in nothing but what the API server writes."""

    def stripped(thing: Json) -> Json:
        metadata = {key: thing["metadata"][key] for key in thing["metadata"].keys() - WRITTEN}
        return {**thing, "metadata": metadata}

    return stripped(one) == stripped(other)
