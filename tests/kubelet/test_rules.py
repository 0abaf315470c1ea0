"""Kubernetes' rules that take no cluster to be shown."""

import pytest

from tests.kubelet.images import Image, name_of
from tests.kubelet.probe_spec import ProbeSpec

pytestmark = pytest.mark.e2e

_CONTAINER = {"name": "c", "ports": [{"name": "http", "containerPort": 80}]}


@pytest.mark.parametrize(
    "reference",
    ["app", "app:1", "team/app", "registry.example.org:5000/team/app:1@sha256:0"],
)
def test_name_of_an_image(reference: str) -> None:
    """An image is known by the last part of its name, wherever it comes from."""
    assert name_of(reference) == "app"


@pytest.mark.parametrize(
    ("container", "arguments"),
    [
        ({}, ("run", "fast")),
        ({"args": ["slowly"]}, ("run", "slowly")),
        ({"command": ["walk"]}, ("walk",)),
        ({"command": ["walk"], "args": ["$(HOW)"]}, ("walk", "on foot")),
    ],
)
def test_command_and_args(container: dict[str, list[str]], arguments: tuple[str, ...]) -> None:
    """A command replaces all that the image starts with, args only the image's arguments."""
    image = Image(entrypoint=("run",), command=("fast",))

    assert image.arguments(container, {"HOW": "on foot"}) == arguments


@pytest.mark.parametrize(("delay", "beat"), [(0, 10), (5, 10), (10, 10), (11, 20)])
def test_first_beat(delay: int, beat: int) -> None:
    """A probe is first asked at the end of a period, and not within the delay."""
    spec = {
        "httpGet": {"port": "http"},
        "initialDelaySeconds": delay,
        "periodSeconds": 10,
        "timeoutSeconds": 1,
        "successThreshold": 1,
        "failureThreshold": 3,
    }

    assert ProbeSpec.parse(spec, _CONTAINER, "10.244.1.1").first_beat == beat
