"""Where the chart lets certificates come from: ours, the callers', and who keeps them."""

import base64
import re

import pytest

from tests.chart.helm import CHART, Json, render
from tests.chart.value_sets import rendered

TEMPLATES = CHART / "templates"


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
