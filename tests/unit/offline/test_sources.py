"""Reading manifests from wherever they are."""

import errno
import io
from pathlib import Path

import pytest

from webhook.manifests.documents import ManifestError
from webhook.offline.sources import guide, read

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n"


class Terminal(io.BytesIO):
    """Standard input that is a keyboard."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_files_and_folders(tmp_path: Path) -> None:
    """A folder stands for its manifests in order."""
    (tmp_path / "b.yml").write_text(POD)
    (tmp_path / "a.yaml").write_text(POD)
    (tmp_path / "README.md").write_text("# no manifest")
    files = read([tmp_path, str(tmp_path / "a.yaml")])
    assert [Path(file.name).name for file in files] == ["a.yaml", "b.yml", "a.yaml"]
    assert {file.text for file in files} == {POD}


def test_byte_order_mark(tmp_path: Path) -> None:
    """A byte order mark stays in the text, so that the text is the file byte for byte."""
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + POD.encode())
    (only,) = read([path])
    assert only.text.encode() == path.read_bytes()
    assert only.manifests[0].title == "Pod/a"


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
    (tmp_path / "latin.yaml").write_bytes(
        b"\xef\xbb\xbf" + POD.replace("a", "\xe4").encode("latin1")
    )
    with pytest.raises(ManifestError, match="save it as UTF-8"):
        read([tmp_path])


def test_other_encodings(tmp_path: Path) -> None:
    """UTF-16 is read where a byte order mark says so; of other bytes kubectl reads U+FFFD."""
    (tmp_path / "a.yaml").write_bytes(POD.encode("utf-16"))
    (tmp_path / "b.yaml").write_bytes(POD.replace("a\n", "\xe4\n").encode("latin1"))
    utf16, latin = read([tmp_path])
    assert (utf16.text, utf16.warnings, utf16.faithful) == (POD, (), False)
    assert latin.text == POD.replace("a\n", "\ufffd\n")
    (warning,) = latin.warnings
    assert "b.yaml:4: this is not UTF-8 text, so kubectl reads U+FFFD" in warning
    assert not latin.faithful


def test_path_that_cannot_be_looked_at() -> None:
    """A name that the system will not look up has its sentence."""
    with pytest.raises(ManifestError, match="xxx cannot be read: File name too long"):
        read(["x" * 300])


def test_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that may not be entered has its sentence; root may enter all, hence the fake."""

    def refuse(_: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(ManifestError) as raised:
        read([tmp_path])
    assert str(raised.value) == f"{tmp_path} cannot be read: Permission denied."


def test_no_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closed standard input is a sentence where it is wanted, and nothing where it is not."""
    monkeypatch.setattr("sys.stdin", None)
    (tmp_path / "a.yaml").write_text(POD)
    assert read([tmp_path])[0].text == POD
    for names in ([], ["-"]):
        with pytest.raises(ManifestError, match="Standard input is closed: name files with -f"):
            read(names)


def test_standard_input_that_cannot_be_read() -> None:
    """Standard input that is a folder, say, has its sentence."""

    class Folder(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            raise IsADirectoryError(errno.EISDIR, "Is a directory")

    with pytest.raises(ManifestError, match="stdin: the file cannot be read: Is a directory"):
        read(["-"], Folder())


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
