"""What the Dockerfile says, read without building it."""

import re
import tomllib

from tests.chart.helm import render
from tests.image.dockerfile import REPOSITORY, context, stages, variables
from webhook import __version__

IMAGE = stages()[-1]


def test_stages_have_one_base_that_can_be_pinned() -> None:
    """Both stages start from the one base that is given from outside, a slim one by default."""
    text = (REPOSITORY / "Dockerfile").read_text()

    assert [stage.base for stage in stages()] == ["${PYTHON}", "${PYTHON}"]
    assert re.search(r"^ARG PYTHON=docker\.io/library/python:3\.\d+-slim$", text, re.MULTILINE)


def test_last_stage_installs_nothing() -> None:
    """What runs is copied from the first stage; no step of the last one runs anything."""
    assert IMAGE.all("RUN") == []
    assert IMAGE.all("COPY") == ["LICENSE /app/", "--from=build /app /app"]


def test_dependencies_are_held_by_hash() -> None:
    """Every installation asks for hashes, takes wheels only, and reads requirements/run.txt."""
    installs = [said for stage in stages() for said in stage.all("RUN") if " install " in said]

    assert len(installs) == 1
    assert {"--require-hashes", "--only-binary", "/build/run.txt"} <= set(installs[0].split())


def test_user_is_the_one_of_the_chart() -> None:
    """User and group are numbers, not root's, and those that the chart asks for."""
    assert IMAGE.all("USER") == ["65532:65532"]
    context = render().pod["spec"]["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"]) == (65532, 65532)


def test_no_shell_and_no_health_check() -> None:
    """The entry point is started as it stands, and health is the chart's business."""
    assert IMAGE.all("ENTRYPOINT") == ['["python", "-m", "webhook"]']
    assert not IMAGE.all("CMD")
    assert not IMAGE.all("SHELL")
    assert not IMAGE.all("HEALTHCHECK")


def test_labels() -> None:
    """The OCI labels say what the package says of itself."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    (labels,) = IMAGE.all("LABEL")
    said = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', labels))

    assert said["title"] == project["name"]
    assert said["licenses"] == project["license"]
    assert project["description"].startswith(said["description"])
    assert (said["version"], said["revision"]) == ("${VERSION}", "${REVISION}")
    assert f"VERSION={__version__}" in IMAGE.all("ARG")


def test_ports_are_the_defaults() -> None:
    """The ports that are announced are those that the process and the chart have by default."""
    ports = {str(port["containerPort"]) for port in render().container["ports"]}

    assert set(IMAGE.all("EXPOSE")[0].split()) == ports


def test_modules_come_from_the_image_only() -> None:
    """Python never imports from the current folder, and writes nothing beside a module."""
    assert variables(IMAGE)["PYTHONSAFEPATH"] == "1"
    assert variables(IMAGE)["PYTHONDONTWRITEBYTECODE"] == "1"


def test_context_has_only_what_is_copied() -> None:
    """Of the repository a build sees the packages, the requirements and the licence."""
    files = {str(path) for path in context()}
    packages = {name for name in files if name.startswith(("certs/", "webhook/"))}

    assert files - packages == {"LICENSE", "requirements/run.txt"}
    assert {"certs/__init__.py", "webhook/__main__.py", "webhook/offline/guide/httpbin.yaml"} <= (
        packages
    )
    assert not [name for name in packages if "__pycache__" in name]
