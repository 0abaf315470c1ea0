"""Who may not do what, read from the API server's own words."""

import pytest

from webhook.cluster import Forbidden
from webhook.cluster.answers import Status, error_of

_MESSAGES = {
    'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace '
    '"shop"': 'jane may not list pods in the namespace "shop"',
    'nodes is forbidden: User "system:anonymous" cannot list resource "nodes" in API group "" at '
    'the cluster scope: RBAC: clusterrole "x" not found': (
        "system:anonymous may not list nodes at the cluster scope"
    ),
    'deployments.apps "web" is forbidden: User "jane" cannot patch resource "deployments" in API '
    'group "apps" in the namespace "shop"': (
        'jane may not patch deployments.apps in the namespace "shop"'
    ),
    'forbidden: User "jane" cannot get path "/metrics"': "jane may not get /metrics",
    "Unauthorized": "",
}


@pytest.mark.parametrize(("message", "refused"), _MESSAGES.items())
def test_right_that_is_missing_is_said_in_short(message: str, refused: str) -> None:
    """User, verb, resource and place are there, and what another message says stays as it is."""
    error = error_of(403, Status(message=message), "get /x")

    assert isinstance(error, Forbidden)
    assert error.refused == refused
    assert str(error) == f"get /x: HTTP 403, {message}"
