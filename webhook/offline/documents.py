"""YAML and JSON as kubectl reads them: text to documents, each as data and as nodes.

The data is what decisions are made from. The nodes know where in the text everything stands, so
that a setting can be written into the text itself, which keeps comments, order, quotes and
indentation as no re-writing of the data could.
"""

import dataclasses
import json
import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode
from ruamel.yaml.reader import ReaderError

from webhook.offline.aliases import LIMIT, expansion

_TEMPLATED = re.compile(r"^\s*(- )?([\w./-]+:\s+)?\{\{", re.MULTILINE)
"""A line with a Go template where YAML expects a value, as Helm charts have them."""

_BOOLEANS = {
    word: value
    for words, value in (("yes Yes YES on On ON", True), ("no No NO off Off OFF", False))
    for word in words.split()
}
"""YAML 1.1 booleans, which kubectl still reads as such."""


class ManifestError(ValueError):
    """The manifests cannot be read or written; the text is one sentence for a person."""


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """One document of a YAML stream."""

    node: Node
    data: Any
    """As JSON would carry it: keys are strings, and nothing is shared."""


class _Constructor(SafeConstructor):
    """Builds values as kubectl does, for the two scalars that ruamel reads differently.

    Source:
        sigs.k8s.io/yaml goyaml.v2/resolve.go (booleans) and decode.go (a timestamp stays text).
    """

    def construct_text(self, node: ScalarNode) -> Any:
        """Build text, or the boolean that an unquoted ``yes`` is to kubectl."""
        return _BOOLEANS.get(node.value, node.value) if node.style is None else node.value

    def construct_date(self, node: ScalarNode) -> Any:
        """Build text: JSON knows no dates."""
        return node.value


_Constructor.add_constructor("tag:yaml.org,2002:str", _Constructor.construct_text)
_Constructor.add_constructor("tag:yaml.org,2002:timestamp", _Constructor.construct_date)


def parse(name: str, text: str) -> Iterator[Document]:
    """Read the documents of a stream; empty ones are left out.

    Args:
        name: What errors call the text, a file's name.
        text: YAML, or JSON, which is YAML.

    Raises:
        ManifestError: The text is neither, or holds what JSON has no form for.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    yaml.composer.warn_double_anchors = False  # legal, and kubectl accepts it
    line = 1
    try:
        for node in yaml.compose_all(text):
            line = node.start_mark.line + 1
            _check_aliases(name, node)
            data = _plain(yaml.constructor.construct_document(node))
            if data is not None:
                yield Document(node, data)
    except ManifestError:  # which is a ValueError too
        raise
    except YAMLError as error:
        raise ManifestError(_sentence(name, text, error)) from error
    except (TypeError, ValueError) as error:
        raise ManifestError(f"{name}:{line}: this document is no JSON object: {error}.") from error
    except RecursionError as error:
        raise ManifestError(f"{name}:{line}: this document is nested too deeply.") from error


def members(node: Node) -> dict[str, tuple[Node, Node]]:
    """Name the members of a mapping: for each, the nodes of its key and of its value.

    Constructing the data has put members merged with ``<<`` before the mapping's own, which win.
    """
    if not isinstance(node, MappingNode):
        return {}
    return {key.value: (key, value) for key, value in node.value if isinstance(key, ScalarNode)}


def _check_aliases(name: str, node: Node) -> None:
    """Refuse a document that would fill the memory, before data is made of it."""
    if expansion(node) > LIMIT:
        raise ManifestError(
            f"{name}:{node.start_mark.line + 1}: the aliases (*) of this document stand for more "
            f"than {LIMIT} values, which are too many to read: write out what is needed of them."
        )


def _plain(data: Any) -> Any:
    """Turn what YAML made into what JSON would carry, which also ends sharing by aliases."""
    return json.loads(json.dumps(data, allow_nan=False))


def _sentence(name: str, text: str, error: YAMLError) -> str:
    """Say what is wrong, where, and what to do."""
    where = f"{name}:{_line(text, error)}"
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    if _TEMPLATED.search(text):
        return f"{where}: this looks like a Helm template: render it first, with `helm template`."
    if isinstance(error, DuplicateKeyError):
        key = problem.removeprefix("found duplicate key ").split(" with value ")[0]
        return f"{where}: the key {key} is there twice in one mapping: remove one of them."
    if "'<document start>'" in problem and "'{'" in problem:  # JSON, one object after another
        return f"{where}: another document begins here without a line of --- before it: add one."
    if r"'\t'" in problem:
        return f"{where}: a tab stands where YAML wants spaces: indent with spaces."
    return f"{where}: this is not valid YAML: {problem}."


def _line(text: str, error: YAMLError) -> int:
    """Find the line, counted from 1, that an error is about."""
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        return int(error.problem_mark.line) + 1
    position = error.position if isinstance(error, ReaderError) else 0
    return text.count("\n", 0, position) + 1
