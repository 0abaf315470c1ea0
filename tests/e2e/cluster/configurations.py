"""A configuration that never calls anybody, written and read."""

import json

from tests.controlplane import ControlPlane
from tests.e2e.cluster.account import NAME, Json
from webhook.cluster.answers import ObservedConfiguration
from webhook.cluster.objects import CaBundleClient


def manifest(*names: str, timeout: int = 2) -> Json:
    """Make a configuration without caBundle, as a chart has it, that never calls anybody."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": NAME},
        "webhooks": [
            {
                "name": f"{name}.example.org",
                "clientConfig": {"service": {"namespace": NAME, "name": "hook"}},
                "rules": [
                    {
                        "operations": ["CREATE"],
                        "apiGroups": ["example.org"],
                        "apiVersions": ["v1"],
                        "resources": ["nothings"],
                    }
                ],
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "timeoutSeconds": timeout,
                "failurePolicy": "Ignore",
            }
            for name in names
        ],
    }


def published(bundles: CaBundleClient) -> ObservedConfiguration:
    """Take the configuration that is there."""
    found, _ = bundles.read()
    assert found is not None
    return found


def pems(bundles: CaBundleClient) -> list[bytes]:
    """Tell which bundles are published."""
    return [entry.bundle for entry in published(bundles).entries]


def put(plane: ControlPlane, body: Json) -> None:
    """Replace the configuration, whatever it is now."""
    plane.kubectl("replace", "-f", "-", input=json.dumps(body))


def apply(plane: ControlPlane, body: Json, *how: str) -> None:
    """Apply the configuration."""
    plane.kubectl("apply", *how, "-f", "-", input=json.dumps(body))
