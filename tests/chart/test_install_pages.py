"""The pages of docs/install: every values block renders, every alert has its entry."""

import re
from pathlib import Path

import pytest

from tests.chart.helm import Json, documents, render

FOLDER = Path(__file__).parents[2] / "docs" / "install"
PLATFORMS = ("ack-asm", "aks", "eks", "gke", "istio", "openshift")


def blocks(page: str, language: str) -> list[str]:
    """Return the blocks of a language that a page shows."""
    text = (FOLDER / f"{page}.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def values(page: str) -> Json:
    """Read the one values block of a page."""
    (block,) = blocks(page, "yaml")
    (read,) = documents(block)
    return read


@pytest.mark.parametrize("page", PLATFORMS)
def test_values_render(page: str) -> None:
    """The values that a page shows are taken by the chart as they stand there."""
    assert render(values(page)).objects


def test_no_page_is_forgotten() -> None:
    """Every page that shows values is rendered above."""
    pages = {path.stem for path in FOLDER.glob("*.md")}

    assert {page for page in pages if blocks(page, "yaml")} == set(PLATFORMS)


def test_values_do_what_their_page_says() -> None:
    """Port, network, user and annotation reach the objects for which the pages give them."""
    assert "--port=10250" in render(values("gke")).container["args"]
    assert render(values("gke")).one("ResourceQuota")["spec"]["hard"] == {"pods": "20"}
    assert render(values("eks")).pod["spec"]["hostNetwork"] is True
    assert "runAsUser" not in render(values("openshift")).pod["spec"]["securityContext"]
    configuration = render(values("aks")).one("MutatingWebhookConfiguration")
    assert configuration["metadata"]["annotations"] == {"admissions.enforcer/disabled": "true"}
