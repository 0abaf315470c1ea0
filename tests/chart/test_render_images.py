"""How the chart names its image, and what it brings along to pull it."""

import pytest

from tests.chart.helm import CHART, documents, render
from webhook import __version__

TEMPLATES = CHART / "templates"


def test_image() -> None:
    """An image is named by its digest, or by its tag, or by the version of the chart."""
    named = {
        "": {},
        "registry.example.org:5000/a/b:0.1.0": {"repository": "registry.example.org:5000/a/b"},
        "source-ip-webhook:edge": {"tag": "edge"},
        f"source-ip-webhook@sha256:{'0' * 64}": {"tag": "edge", "digest": f"sha256:{'0' * 64}"},
    }
    for wanted, image in named.items():
        shown = render({"image": image})
        assert shown.container["image"] == (wanted or f"source-ip-webhook:{__version__}")
        assert shown.test_pod["spec"]["containers"][0]["image"] == shown.container["image"]


@pytest.mark.parametrize(
    ("repository", "image"),
    [
        ("source-ip-webhook", "mirror.example.org:5000/source-ip-webhook"),
        ("mesh/source-ip-webhook", "mirror.example.org:5000/mesh/source-ip-webhook"),
        ("registry.example.org/a/b", "mirror.example.org:5000/a/b"),
        ("registry:5000/a", "mirror.example.org:5000/a"),
        ("localhost/a", "mirror.example.org:5000/a"),
        ("a/b.c", "mirror.example.org:5000/a/b.c"),
    ],
)
@pytest.mark.parametrize("registry", ["mirror.example.org:5000", "mirror.example.org:5000/"])
def test_registry_of_the_whole_installation(repository: str, image: str, registry: str) -> None:
    """A parent chart's registry takes the place of the image's, for every Pod of the chart."""
    values = {"global": {"imageRegistry": registry}, "image": {"repository": repository}}
    shown = render(values)

    assert shown.container["image"] == f"{image}:{__version__}"
    assert shown.test_pod["spec"]["containers"][0]["image"] == shown.container["image"]


def test_pull_secrets() -> None:
    """A parent chart's Secrets, by name or as objects, come before the chart's own, each once."""
    names = ["a", {"name": "b"}]
    own = [{"name": "b"}, {"name": "c"}]
    shown = render({"global": {"imagePullSecrets": names}, "imagePullSecrets": own})

    for pod in (shown.pod, shown.test_pod):
        assert pod["spec"]["imagePullSecrets"] == [{"name": name} for name in "abc"]
    assert "imagePullSecrets" not in render().pod["spec"]


def test_versions() -> None:
    """Chart and image have the version of the package; the chart wants Kubernetes 1.30 or later."""
    (chart,) = documents((CHART / "Chart.yaml").read_text())

    assert chart["version"] == chart["appVersion"] == __version__
    assert chart["kubeVersion"] == ">=1.30.0-0"
