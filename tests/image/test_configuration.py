"""What the built image says of itself, to whoever runs it."""

import tomllib

import pytest

from tests.chart.helm import render
from tests.image.containers import Containers
from tests.images.places import REPOSITORY
from webhook import __version__

pytestmark = pytest.mark.e2e


def test_user_is_the_one_of_the_chart(containers: Containers) -> None:
    """User and group are numbers, not root's, and those that the chart asks for."""
    context = render().pod["spec"]["securityContext"]

    assert containers.configuration["User"] == "65532:65532"
    assert (context["runAsUser"], context["runAsGroup"]) == (65532, 65532)


def test_no_shell_and_no_health_check(containers: Containers) -> None:
    """The entry point is started as it stands, and health is the chart's business."""
    assert containers.entry_point == ["python", "-m", "webhook"]
    assert not containers.configuration.keys() & {"Cmd", "Shell", "Healthcheck"}


def test_labels(containers: Containers) -> None:
    """The OCI labels say what the package says of itself; a build names its revision."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    prefix = "org.opencontainers.image."
    said = {
        name.removeprefix(prefix): value
        for name, value in containers.configuration["Labels"].items()
        if name.startswith(prefix)
    }

    assert project["description"].startswith(said.pop("description"))
    assert said == {
        "title": project["name"],
        "licenses": project["license"],
        "version": __version__,
        "revision": "unknown",
    }


def test_ports_are_the_defaults(containers: Containers) -> None:
    """The ports that are announced are those that the process and the chart have by default."""
    ports = {f"{port['containerPort']}/tcp" for port in render().container["ports"]}

    assert containers.configuration["ExposedPorts"].keys() == ports


def test_modules_come_from_the_image_only(containers: Containers) -> None:
    """Python never imports from the current folder, and writes nothing beside a module."""
    script = "import sys; print('' in sys.path, sys.dont_write_bytecode, *sys.path, sep='\\n')"
    current, written, *path = containers.run("python", "-c", script).splitlines()

    assert (current, written) == ("False", "True")
    assert path[0] == "/app/src"
    assert all(folder.startswith(("/app/", "/usr/")) for folder in path)
