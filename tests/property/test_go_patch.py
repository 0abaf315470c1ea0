"""Patches applied by the API server's own library, which is Go's and not Python's."""

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given

from tests.property.contract import apply
from tests.property.effort import tried
from tests.property.objects import Review, reviews
from tests.reviews import Json
from tests.situations import ENABLED, SITUATIONS, Situation
from webhook.admission.answer import receive, respond
from webhook.admission.options import Options
from webhook.admission.sidecars import NO_SIDECARS, Sidecars

pytestmark = pytest.mark.e2e

SOURCE = Path(__file__).parent / "gopatch"
LIBRARY = re.compile(r"gopkg\.in/evanphx/json-patch\.v4 (\S+)")

Go = Callable[[Json, str], Json]
"""Applies a patch, given in base64, to an object; the answer has an ``object`` or an ``error``."""


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Go]:
    """The library, in a process of its own; without Go the tests are skipped, in CI they fail."""
    compiler = shutil.which("go")
    if compiler is None:
        if os.environ.get("CI"):
            pytest.fail("there is no Go")
        pytest.skip("there is no Go")
    binary = tmp_path_factory.mktemp("gopatch") / "gopatch"
    subprocess.run(  # noqa: S603
        [compiler, "build", "-o", binary, "."],
        cwd=SOURCE,
        env={**os.environ, "CGO_ENABLED": "0"},
        check=True,
        timeout=300,
    )
    with subprocess.Popen(  # noqa: S603
        [binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:

        def ask(obj: Json, patch: str) -> Json:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps({"object": obj, "patch": patch}) + "\n")
            process.stdin.flush()
            answered: Json = json.loads(process.stdout.readline())
            return answered

        yield ask


def agree(
    go: Go,
    body: bytes,
    namespace: dict[str, str] | None,
    options: Options,
    sidecars: Sidecars = NO_SIDECARS,
) -> bool:
    """Answer a review and have its patch applied by both; tell whether there was one."""
    decisions = receive(body).decide(namespace, options, sidecars)
    patch = json.loads(respond("uid", decisions))["response"].get("patch")
    if patch is None:
        return False
    obj = json.loads(body)["request"]["object"]
    operations = json.loads(base64.b64decode(patch))
    assert go(obj, patch) == {"object": apply(obj, operations)}
    return True


@tried(500)
@given(admitted=reviews)
def test_go_applies_every_patch(go: Go, admitted: Review) -> None:
    """The API server makes of any object what we make of it, and never an error."""
    agree(go, admitted.body(), ENABLED, Options())


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda row: row.says)
def test_go_applies_the_patch_of_each_situation(go: Go, situation: Situation) -> None:
    """The objects that the rules are about are among those that it was tried with."""
    sidecars = situation.known_sidecars()
    patched = agree(go, situation.review(), situation.namespace, situation.options, sidecars)

    assert patched == (situation.outcome == "patched")


def test_go_refuses_a_patch_without_a_parent(go: Go) -> None:
    """The library is really asked: it refuses what our own check refuses."""
    patch = "W3sib3AiOiJhZGQiLCJwYXRoIjoiL2EvYiIsInZhbHVlIjoxfV0="  # add /a/b

    assert "missing path" in go({}, patch)["error"]
    assert "missing path" in go({"a": None}, patch)["error"]
    assert go({"a": {}}, patch) == {"object": {"a": {"b": 1}}}


def test_library_is_the_api_servers() -> None:
    """The version that is asked here is the one that the control plane of the tests is made of."""
    versions = {
        LIBRARY.findall((folder / "go.mod").read_text())[0]
        for folder in (SOURCE, SOURCE.parents[1] / "controlplane")
    }

    assert len(versions) == 1
