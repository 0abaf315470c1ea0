"""Which files a name stands for."""

from pathlib import Path

import pytest

from webhook.manifests.documents import ManifestError
from webhook.offline.sources import find, read

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n"


def tree(folder: Path, *names: str) -> Path:
    """Make files below a folder."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(POD)
    return folder


def found(folder: Path, *, recursive: bool = False) -> tuple[list[str], list[str]]:
    """Find what a folder stands for; return the files, and what is said of those left out."""
    told: list[str] = []
    paths = find(folder, recursive=recursive, tell=told.append)
    return [str(path.relative_to(folder)) for path in paths], told


FOLDERS = ("b.yaml", "a/2.yml", "a/1.json", "a/b/3.yaml", "a.txt", "z.yaml/4.yaml")


def test_folder_alone(tmp_path: Path) -> None:
    """The folders in a folder are left alone, even one whose name ends as a file's."""
    assert found(tree(tmp_path, *FOLDERS)) == (["b.yaml"], [])


def test_folders_of_folders(tmp_path: Path) -> None:
    """With -R they are read too, each in its place in the order, as kubectl does."""
    files, told = found(tree(tmp_path, *FOLDERS), recursive=True)
    assert files == ["a/1.json", "a/2.yml", "a/b/3.yaml", "b.yaml", "z.yaml/4.yaml"]
    assert told == []


def test_links(tmp_path: Path) -> None:
    """A link to a file is read; one to a folder is not followed, for it may lead in a circle."""
    tree(tmp_path, "a/1.yaml")
    (tmp_path / "a" / "circle").symlink_to(tmp_path)
    (tmp_path / "link.yaml").symlink_to(tmp_path / "a" / "1.yaml")
    assert found(tmp_path, recursive=True) == (["a/1.yaml", "link.yaml"], [])


@pytest.mark.parametrize("plan", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_kustomization(tmp_path: Path, plan: str) -> None:
    """The plan of a kustomization is left out, with how to have it followed."""
    files, told = found(tree(tmp_path, plan, "web.yaml"))
    assert files == ["web.yaml"]
    assert told == [
        (
            f"{tmp_path}/{plan} was left out, for what kustomize changes is not seen here: "
            f"build it first, with `kubectl kustomize {tmp_path} | source-ip-webhook preview`."
        )
    ]


def test_values(tmp_path: Path) -> None:
    """The values of a chart that is elsewhere are left out, and so is their schema."""
    files, told = found(tree(tmp_path, "values.yaml", "values.schema.json", "web.yaml"))
    assert files == ["web.yaml"]
    assert [line.partition(" was left out")[0] for line in told] == [
        f"{tmp_path}/values.schema.json",
        f"{tmp_path}/values.yaml",
    ]
    assert f"with `helm template {tmp_path} | source-ip-webhook preview`" in told[0]


CHART = ("Chart.yaml", "values.yaml", "templates/web.yaml")


@pytest.mark.parametrize("recursive", [False, True])
def test_chart(tmp_path: Path, recursive: bool) -> None:
    """A chart is no folder of manifests: it has to be rendered."""
    tree(tmp_path, *CHART)
    with pytest.raises(ManifestError, match=r"is a Helm chart: render it first, with `helm templ"):
        find(tmp_path, recursive=recursive)


def test_chart_among_folders(tmp_path: Path) -> None:
    """A chart that is met on the way is left out as a whole, and the others are read."""
    tree(tmp_path, "a.yaml", "z/b.yaml", *(f"chart/{name}" for name in CHART))
    files, (only,) = found(tmp_path, recursive=True)
    assert files == ["a.yaml", "z/b.yaml"]
    assert only.startswith(f"{tmp_path}/chart was left out, for it is a Helm chart: render it")


@pytest.mark.parametrize("name", ["https://example.com/a.yaml", "HTTP://example.com"])
def test_address(name: str) -> None:
    """Nothing is fetched; that is said, with what fetches it."""
    with pytest.raises(ManifestError) as raised:
        find(name)
    assert str(raised.value) == (
        f"{name} is an address, and nothing is fetched here: fetch it first, with "
        f"`curl -fsSL {name} | source-ip-webhook preview`."
    )


def test_nothing_there(tmp_path: Path) -> None:
    """An empty folder is said to be one, and where there are folders in it, -R is named."""
    with pytest.raises(ManifestError, match=r"or \.json file with manifests\.$"):
        find(tree(tmp_path, "README.md"))
    tree(tmp_path, "a/b.yaml")
    with pytest.raises(ManifestError, match=r"with manifests; -R reads the folders in it too\.$"):
        find(tmp_path)
    with pytest.raises(ManifestError, match=r"with manifests\.$"):
        find(tree(tmp_path / "c", "d/e.txt"), recursive=True)


def test_only_what_is_left_out(tmp_path: Path) -> None:
    """Where everything that was named is left out there is nothing to preview."""
    told: list[str] = []
    plan = tree(tmp_path, "kustomization.yaml") / "kustomization.yaml"
    with pytest.raises(ManifestError, match="nothing is left of what was named"):
        read([plan], tell=told.append)
    assert len(told) == 1
    (tmp_path / "web.yaml").write_text(POD)
    assert len(read([plan, tmp_path / "web.yaml"])) == 1
