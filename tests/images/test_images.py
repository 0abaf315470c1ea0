"""Images are built once, and any number of nodes can run from copies of one store."""

import contextlib
import os
import shutil
from pathlib import Path

import pytest

from tests import images
from tests.controlplane.absence import skipped_without_binaries
from tests.controlplane.process import run_to_end
from tests.images import building, names, programs
from tests.images.containerd import running
from tests.images.programs import run
from tests.istio import binary

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def store() -> Path:
    """Build two images; without root or a program the tests are skipped, in CI they fail."""
    with skipped_without_binaries():
        return images.prepare([names.PAUSE, names.WEBHOOK])


def test_nothing_is_built_twice(store: Path) -> None:
    """What is there already is returned, and nothing is done for it."""
    told: list[str] = []

    assert images.prepare([names.PAUSE, names.WEBHOOK], told.append) == store
    assert not [what for what in told if not what.startswith("waiting")]  # for other tests


def test_copies_run_side_by_side(store: Path, tmp_path: Path) -> None:
    """Two containerds on two copies run containers; what one writes the other does not see."""
    with contextlib.ExitStack() as stack:
        daemons = []
        for name in ("one", "other"):
            images.copy(store, tmp_path / name)
            daemons.append(stack.enter_context(running(tmp_path / name)))
        write = "test ! -e /etc/new && echo new >/etc/new && rm /etc/hostname && cat /etc/new"
        for number, daemon in enumerate(daemons):
            name = f"images-test-{os.getpid()}-{number}"
            line = daemon.run_command(name, names.PAUSE, ("sh", "-ec", write))
            assert run(line) == "new\n"


def test_base_is_shared(store: Path) -> None:
    """All images but CoreDNS begin with the layer of one Debian."""
    del store
    (base,) = building.layers(names.PYTHON)

    assert base in building.layers(names.PAUSE)
    assert base in building.layers(names.WEBHOOK)


def test_tag_is_the_one_of_istio() -> None:
    """The proxy's image and istiod's are named as our istioctl renders them."""
    with skipped_without_binaries():
        command = binary.command("istioctl")
    shown = run_to_end([*command, "version", "--remote=false", "--short"], dict(os.environ)).stdout

    assert names.ISTIO_TAG in shown.split()


@pytest.mark.parametrize("program", ["buildah", "containerd", "debootstrap", "runc"])
def test_missing_program(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is told in one sentence, with the package that brings it."""
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    with pytest.raises(images.ProgramMissingError, match=rf"`apt-get install .* {program}`"):
        programs.require(program)


def test_program_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that hangs does not hang the tests: it is ended, and the error names it."""
    monkeypatch.setattr(programs, "_LONGEST_SECONDS", 0.05)

    with pytest.raises(programs.ProgramFailedError, match=r"^sleep 60\ndid not end in 0.05 s"):
        run(["sleep", "60"])
