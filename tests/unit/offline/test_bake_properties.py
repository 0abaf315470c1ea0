"""Baking holds for any manifest, however it is written."""

import copy
import re
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from webhook.manifests.objects import File, find_objects
from webhook.manifests.values import plain
from webhook.offline.preview import build_preview

MODE = "sidecar.istio.io/interceptionMode"

_text = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=12)
_texts = st.none() | st.dictionaries(_text, _text, max_size=3)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | _text,
    lambda child: st.lists(child, max_size=3) | st.dictionaries(_text, child, max_size=3),
    max_leaves=6,
)


@st.composite
def workloads(draw: st.DrawFn) -> dict[str, Any]:
    """Make a Deployment whose pod template has or lacks each part of the annotation's path."""
    template: dict[str, Any] = {"spec": draw(st.dictionaries(st.just("x"), _values))}
    metadata = draw(
        st.none() | st.fixed_dictionaries({}, optional={"annotations": _texts, "labels": _texts})
    )
    if draw(st.booleans()):
        template = {"metadata": metadata, **template}
    spec = {"before": draw(_values), "template": template, "after": draw(_values)}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": spec,
    }


class Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Writes nothing for null, and quotes what kubectl would not read as text."""


class IndentingDumper(Dumper):
    """Writes lists deeper than what they belong to."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent, always."""
        del indentless
        super().increase_indent(flow, indentless=False)


Dumper.add_representer(
    type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", "")
)


def _represent_text(dumper: Dumper, text: str) -> yaml.Node:
    # PyYAML takes Y, 0o7 and 1e3 for text, and writes them without quotes (seen with 6.0.3).
    style = None if text and isinstance(plain(text), str) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


Dumper.add_representer(str, _represent_text)


@st.composite
def streams(draw: st.DrawFn) -> tuple[str, bool]:
    """Write workloads as YAML in some style; tell whether all of it is in block style."""
    flow = draw(st.sampled_from([False, True, None]))
    text: str = yaml.dump_all(
        draw(st.lists(workloads(), min_size=1, max_size=2)),
        Dumper=draw(st.sampled_from([Dumper, IndentingDumper])),
        default_flow_style=flow,
        indent=draw(st.integers(2, 5)),
        width=draw(st.sampled_from([40, 4096])),
        allow_unicode=draw(st.booleans()),
        explicit_start=True,
    )
    text = re.sub(r"^--- ", "---\n", text, flags=re.MULTILINE)  # kubectl wants --- alone
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return text, flow is False


def read(text: str) -> File:
    """Read a stream in which nothing is wrong."""
    found = find_objects("f.yaml", text)
    assert not found.problems
    return found


def with_mode(manifest: dict[str, Any]) -> dict[str, Any]:
    """Set the annotation in a copy of a manifest."""
    expected = copy.deepcopy(manifest)
    template = expected["spec"]["template"]
    template["metadata"] = template.get("metadata") or {}
    annotations = template["metadata"].get("annotations") or {}
    template["metadata"]["annotations"] = {**annotations, MODE: "TPROXY"}
    return expected


@settings(deadline=None, max_examples=60)
@given(streams())
def test_baking_changes_nothing_else(stream: tuple[str, bool]) -> None:
    """The documents say the same but for our annotation, and a second baking changes nothing."""
    text, _ = stream
    source = read(text)
    (baked,) = build_preview([source]).baked()
    result = find_objects("f.yaml", baked)
    expected = [with_mode(manifest.data) for manifest in source.manifests]
    assert [manifest.data for manifest in result.manifests] == expected
    assert build_preview([result]).baked() == [baked]


@settings(deadline=None, max_examples=60)
@given(streams())
def test_baking_only_adds_lines(stream: tuple[str, bool]) -> None:
    """In block style every line that was there is still there, in order."""
    text, is_block = stream
    (baked,) = build_preview([read(text)]).baked()
    if is_block and "{}" not in text:
        lines = iter(baked.splitlines())
        assert all(line in lines for line in text.splitlines())
