"""Whose an address is."""

import pytest

from tests.controlplane import JsonObject
from tests.lab import addresses


def pod(app: str, address: str, created: str, namespace: str = "default") -> JsonObject:
    """Make a Pod as the API server has it."""
    return {
        "metadata": {
            "name": f"{app}-x",
            "namespace": namespace,
            "labels": {"app": app},
            "creationTimestamp": created,
        },
        "status": {"podIPs": [{"ip": address}]},
    }


@pytest.mark.parametrize(
    ("seen", "owner"),
    [
        ("127.0.0.6", addresses.SIDECAR),
        ("127.0.0.6:58604", addresses.SIDECAR),
        ("127.0.0.1", addresses.LOOPBACK),
        ("::6", addresses.SIDECAR),
        ("::ffff:127.0.0.6", addresses.SIDECAR),
        ("10.244.2.5:54662", "Pod sleep"),
        ("10.244.2.6", "Pod legacy/sleep"),
        ("10.99.0.11", addresses.NODE),
        ("10.244.1.1:3321", addresses.NODE),
        ("10.99.0.50", addresses.CLIENT),
        ("192.0.2.1", addresses.UNKNOWN),
        ("no answer", "no answer"),
        ("200, 1 Pod", "200, 1 Pod"),
    ],
)
def test_owner_is_found(seen: str, owner: str) -> None:
    """An address belongs to its Pod, node, sidecar or client; a word is its own owner."""
    pods = [
        pod("sleep", "10.244.2.5", "2026-01-01T00:00:00Z"),
        pod("sleep", "10.244.2.6", "2026-01-01T00:00:00Z", "legacy"),
    ]
    book = addresses.book(pods, ["10.99.0.11"], ["10.244.1.1"], "10.99.0.50")

    assert book.owner(seen) == owner


def test_newest_pod_has_the_address() -> None:
    """An address that a Pod of a Job left behind belongs to whoever has it now."""
    pods = [
        pod("new", "10.244.1.9", "2026-01-01T00:00:09Z"),
        pod("old", "10.244.1.9", "2026-01-01T00:00:01Z"),
    ]

    assert addresses.book(pods, [], [], "10.99.0.50").owner("10.244.1.9") == "Pod new"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("10.0.0.1:80", "10.0.0.1"),
        ("fd00::1", "fd00::1"),
        ("[fd00::1]:80", "fd00::1"),
        ("refused", None),
        ("Forwarding from 127.0.0.1:80", None),
    ],
)
def test_port_is_left_out(text: str, address: str | None) -> None:
    """An address is found in IPv4 and IPv6, with a port or without, and in nothing else."""
    assert addresses.without_port(text) == address
