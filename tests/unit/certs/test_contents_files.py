"""Certificates in a folder: whole files, private keys, and nobody else's overwritten."""

import datetime as dt
import stat
from pathlib import Path

import pytest
import trustme

from certs.authority import Authority, Leaf
from certs.contents import FolderError, write_files

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
AUTHORITY = Authority.create("tests", now=NOW, lifetime=DAY)
LEAF = AUTHORITY.issue(["localhost"], now=NOW, lifetime=DAY)
NAMES = {"ca.crt", "tls.crt", "tls.key"}


def contents(folder: Path) -> dict[str, bytes]:
    """Read all files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_files_have_the_names_of_a_tls_secret(tmp_path: Path) -> None:
    """A folder is made, with the authority, the leaf and its key in it, and nothing else."""
    write_files(tmp_path / "a" / "b", AUTHORITY, LEAF)

    assert contents(tmp_path / "a" / "b") == {
        "ca.crt": AUTHORITY.certificate_pem,
        "tls.crt": LEAF.certificate_pem,
        "tls.key": LEAF.key_pem,
    }


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    """Nobody else can read the key, nor list the folder."""
    write_files(tmp_path / "new", AUTHORITY, LEAF)

    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    for name in NAMES:
        assert stat.S_IMODE((tmp_path / "new" / name).stat().st_mode) == 0o600


def test_own_files_are_replaced(tmp_path: Path) -> None:
    """A second start puts new files in place of its own."""
    write_files(tmp_path, AUTHORITY, LEAF)
    second = Authority.create("tests", now=NOW, lifetime=DAY)
    write_files(tmp_path, second, second.issue(["localhost"], now=NOW, lifetime=DAY))

    assert contents(tmp_path)["ca.crt"] == second.certificate_pem


def foreign_certificate(folder: Path) -> None:
    """Put somebody's certificate into a folder."""
    trustme.CA(organization_name="others").issue_cert("x").cert_chain_pems[0].write_to_path(
        folder / "tls.crt"
    )


def only_a_key(folder: Path) -> None:
    """Put a key into a folder, without a certificate that tells whose it is."""
    (folder / "tls.key").write_text("mine")


def no_certificate(folder: Path) -> None:
    """Put something into the certificate's place."""
    (folder / "tls.crt").write_text("mine")


@pytest.mark.parametrize("fill", [foreign_certificate, only_a_key, no_certificate])
def test_files_of_others_are_kept(tmp_path: Path, fill: object) -> None:
    """A folder with files that we did not make is refused with a sentence, and left as it is."""
    assert callable(fill)
    fill(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(
        FolderError, match=r"that this command did not make.*Choose an empty folder"
    ):
        write_files(tmp_path, AUTHORITY, LEAF)

    assert before == contents(tmp_path)


def test_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    """A path below a file says why, and what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError, match=r"cannot be written to .*Choose a folder"):
        write_files(tmp_path / "file" / "below", AUTHORITY, LEAF)


def test_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    """A file that cannot be put in place leaves no part of itself."""
    (tmp_path / "tls.key").mkdir()
    leaf: Leaf = LEAF
    (tmp_path / "tls.crt").write_bytes(leaf.certificate_pem)
    with pytest.raises(FolderError):
        write_files(tmp_path, AUTHORITY, leaf)

    assert {path.name for path in tmp_path.iterdir()} == {"tls.key", "tls.crt"}
