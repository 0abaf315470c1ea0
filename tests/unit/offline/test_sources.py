"""Reading manifests from wherever they are."""

import io
from pathlib import Path

import pytest

from webhook.offline.documents import ManifestError
from webhook.offline.sources import guide, read

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n"


class Terminal(io.BytesIO):
    """Standard input that is a keyboard."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_files_and_folders(tmp_path: Path) -> None:
    """A folder stands for its manifests in order, and a byte order mark is not text."""
    (tmp_path / "b.yml").write_bytes(b"\xef\xbb\xbf" + POD.encode())
    (tmp_path / "a.yaml").write_text(POD)
    (tmp_path / "README.md").write_text("# no manifest")
    files = read([tmp_path, str(tmp_path / "a.yaml")])
    assert [Path(file.name).name for file in files] == ["a.yaml", "b.yml", "a.yaml"]
    assert {file.text for file in files} == {POD}


@pytest.mark.parametrize("names", [[], ["-"]])
def test_standard_input(names: list[str]) -> None:
    """No file and the file ``-`` mean standard input."""
    (only,) = read(names, io.BytesIO(POD.encode()))
    assert (only.name, only.text) == ("stdin", POD)


def test_process_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input is the process's own unless another is given."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(POD.encode())))
    assert read([])[0].text == POD


def test_nothing_piped_in() -> None:
    """Nobody is left waiting for a keyboard that they do not know is being read."""
    with pytest.raises(ManifestError, match="name files with -f"):
        read([], Terminal())


def test_typed_in() -> None:
    """Who names standard input may type."""
    assert read(["-"], Terminal(POD.encode()))[0].text == POD


def test_unreadable(tmp_path: Path) -> None:
    """A missing file, an empty folder and a file that is no text each have their sentence."""
    with pytest.raises(ManifestError, match=r"none\.yaml: the file cannot be read: No such file"):
        read([tmp_path / "none.yaml"])
    with pytest.raises(ManifestError, match=r"this folder holds no \.yaml"):
        read([tmp_path])
    (tmp_path / "utf16.yaml").write_bytes(POD.encode("utf-16"))
    with pytest.raises(ManifestError, match="save it as UTF-8"):
        read([tmp_path])


def test_guide() -> None:
    """The package carries the guide's manifests, as the guide has them."""
    found = [manifest.title for file in guide() for manifest in file.manifests]
    assert found == [
        "ServiceAccount/sleep",
        "Service/sleep",
        "Deployment/sleep",
        "Service/httpbin",
        "Deployment/httpbin",
        "Service/istio-ingressgateway",
    ]
    gateway = guide()[2].manifests[0].data["spec"]
    assert gateway["type"] == "LoadBalancer"
    assert "externalTrafficPolicy" not in gateway
    ports = {port["name"]: port["port"] for port in gateway["ports"]}
    assert ports == {"status-port": 15021, "http2": 80, "https": 443}
