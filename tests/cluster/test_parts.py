"""What a machine lacks is said in one sentence, with what to do."""

import os
import platform
import shutil
from pathlib import Path

import pytest

from tests.cluster import parts
from tests.cluster.parts import PartMissingError


@pytest.fixture(autouse=True)
def able(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine that has everything."""
    for plugin in ("bridge", "host-local", "portmap", "loopback"):
        (tmp_path / plugin).touch()
    monkeypatch.setattr(parts, "CNI_PLUGINS", tmp_path)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "access", lambda *_: True)
    monkeypatch.setattr(shutil, "which", lambda name, **_: f"/usr/bin/{name}")


def test_able_machine_is_taken() -> None:
    """Nothing is said where nothing is missing."""
    parts.check(Path("/tmp/cluster"))  # noqa: S108 - nothing is written


def test_packages_of_missing_programs_are_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each package that is missing is named once, in a command that installs all of them."""
    lacking = {"runc", "nsenter", "unshare"}
    monkeypatch.setattr(shutil, "which", lambda name, **_: None if name in lacking else name)

    with pytest.raises(PartMissingError, match=r"`apt-get install \S+ runc util-linux`"):
        parts.check(Path("/tmp/cluster"))  # noqa: S108 - nothing is written


def test_missing_plugin_is_a_package(tmp_path: Path) -> None:
    """Plugins that are no programs on PATH are looked for where Debian puts them."""
    (tmp_path / "bridge").unlink()

    with pytest.raises(PartMissingError, match="containernetworking-plugins"):
        parts.check(Path("/tmp/cluster"))  # noqa: S108 - nothing is written


def test_path_that_is_too_long_for_a_socket_is_refused() -> None:
    """A folder so deep that kubelet could not listen in it is refused before anything starts."""
    parts.check(Path("/" + 68 * "x"))

    with pytest.raises(PartMissingError, match="too long"):
        parts.check(Path("/" + 69 * "x"))


@pytest.mark.parametrize(
    ("what", "name", "value", "said"),
    [
        (platform, "system", lambda: "Darwin", "needs Linux"),
        (os, "geteuid", lambda: 1000, "run this as root"),
        (os, "access", lambda *_: False, "in a privileged container"),
    ],
    ids=["system", "user", "cgroups"],
)
def test_machine_that_cannot_is_told_why(
    monkeypatch: pytest.MonkeyPatch, what: object, name: str, value: object, said: str
) -> None:
    """Another system, another user than root, and cgroups that cannot be written are said."""
    monkeypatch.setattr(what, name, value)

    with pytest.raises(PartMissingError, match=said):
        parts.check(Path("/tmp/cluster"))  # noqa: S108 - nothing is written
