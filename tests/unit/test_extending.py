"""docs/extending.md, done to a copy of the repository, step by step, as it stands there."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonpatch
import pytest

from tests.reviews import review
from tests.situations import pod

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SECTION = (ROOT / "docs" / "extending.md").read_text().partition("\n## A mutation\n")[2]
PART = re.compile(r"^`([\w./]+\.py)`, |^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BOTH = {
    "sidecar.istio.io/interceptionMode": "TPROXY",
    "sidecar.istio.io/nativeSidecar": "true",
}
TEMPLATE = {"metadata": {"labels": {"example.org/runs-to-completion": "true"}}, "spec": {}}
JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "j"},
    "spec": {"template": TEMPLATE},
}
ANSWER = """
import sys
from webhook.admission.answer import receive, respond
from webhook.admission.options import Options
admission = receive(sys.stdin.buffer.read())
decisions = admission.decide({"source-ip-preservation": "enabled"}, Options())
sys.stdout.buffer.write(respond(admission.request.uid, decisions))
"""


def steps() -> Iterator[tuple[str, str, str]]:
    """Read the blocks of code of the document, each with its form and the file that it is for."""
    file = ""
    for match in PART.finditer(SECTION):
        if match[1]:
            file = match[1]
        else:
            yield file, match[2], match[3]


def apply(folder: Path) -> None:
    """Do to a copy what the document says."""
    for file, form, text in steps():
        path = folder / file
        if form == "python":
            assert not path.exists()
            path.write_text(text)
        elif form == "diff":
            before, after = (
                "".join(line[1:] for line in text.splitlines(True) if line[0] in {" ", kept})
                for kept in "-+"
            )
            assert path.read_text().count(before) == 1, f"{file} has no such place:\n{before}"
            path.write_text(path.read_text().replace(before, after))


def run(folder: Path, *command: str, stdin: bytes = b"") -> bytes:
    """Run a command in the copy, whose packages are found before those that are installed."""
    environment = {name: value for name, value in os.environ.items() if "COV" not in name}
    done = subprocess.run(  # noqa: S603
        command,
        cwd=folder,
        env={**environment, "PYTHONPATH": str(folder)},
        input=stdin,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with the mutation of the document in it."""
    folder = tmp_path_factory.mktemp("extended")
    git = shutil.which("git")
    assert git is not None
    listed = subprocess.run(  # noqa: S603
        [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    apply(folder)
    return folder


def commands() -> list[str]:
    """Read the commands of the document."""
    blocks = [text for _, form, text in steps() if form == "console"]
    return [line.removeprefix("$ .venv/bin/") for line in "".join(blocks).splitlines()]


def test_two_files_of_code_are_touched() -> None:
    """A mutation is a module and its registration; everything else is tests."""
    files = {file for file, form, _ in steps() if form != "console"}

    assert {file for file in files if file.startswith(("webhook/", "certs/"))} == {
        "webhook/admission/completion.py",
        "webhook/admission/registry.py",
    }


def test_checks_of_the_document_pass(extended: Path) -> None:
    """Every command of the document succeeds, in its order."""
    assert len(commands()) > 5
    for command in commands():
        program, *arguments = command.split()
        run(extended, str(BIN / program), *arguments)
    assert "no-completion-label" in (extended / "docs" / "rules.md").read_text()


def test_review_gets_both_settings(extended: Path) -> None:
    """One patch of one answer gives a bare Pod what both mutations are for."""
    made = pod(labels={"example.org/runs-to-completion": "true"})
    answer = run(extended, sys.executable, "-c", ANSWER, stdin=review("Pod", made))
    response = json.loads(answer)["response"]
    patched = jsonpatch.apply_patch(made, base64.b64decode(response["patch"]).decode())

    assert patched["metadata"]["annotations"] == BOTH
    assert response["auditAnnotations"] == {"outcome": "patched, patched", "reason": "added, added"}


def test_preview_shows_and_writes_both_settings(extended: Path) -> None:
    """The command line has a row for each decision, and a manifest with both settings."""
    job = json.dumps(JOB).encode()
    preview = (sys.executable, "-m", "webhook", "preview", "-o")
    rows = json.loads(run(extended, *preview, "json", "-", stdin=job))
    baked = json.loads(run(extended, *preview, "yaml", "-", stdin=job))

    assert [row["outcome"] for row in rows] == ["patched", "patched"]
    assert [row["applicationSees"] for row in rows] == ["its client", "-"]
    assert jsonpatch.apply_patch(JOB, rows[0]["patch"]) == baked
    assert baked["spec"]["template"]["metadata"]["annotations"] == BOTH


@pytest.mark.e2e
def test_types_and_properties_hold(extended: Path) -> None:
    """Types are right as well, and the properties of all answers hold with the new promise."""
    cache = ".mypy_cache"
    if (ROOT / cache).is_dir():  # of `make lint`; what differs in the copy is checked anew
        shutil.copytree(ROOT / cache, extended / cache)
    run(extended, str(BIN / "mypy"))
    run(extended, sys.executable, "-m", "pytest", "tests/property/test_objects.py")
