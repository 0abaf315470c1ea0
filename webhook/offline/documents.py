"""YAML and JSON as kubectl reads them: text to documents, each as data and as nodes.

The data is what decisions are made from. The nodes know where in the text everything stands, so
that a setting can be written into the text itself, which keeps comments, order, quotes and
indentation as no re-writing of the data could. They are composed when somebody asks for them: most
documents are only decided on.
"""

import dataclasses
import functools
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from yaml import YAMLError  # type: ignore[import-untyped]

from webhook.offline import diagnosis, events, json_text
from webhook.offline.composition import YamlComposer
from webhook.offline.nodes import MappingNode, Mark, Node, ScalarNode
from webhook.offline.stream import Form, Part, split

BYTE_ORDER_MARK: Final = "\ufeff"


class ManifestError(ValueError):
    """The manifests cannot be read or written; the text is one sentence for a person."""


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """One document of a YAML stream."""

    node: Node
    data: Any
    """As JSON would carry it: keys are strings, and nothing is shared."""
    warnings: tuple[str, ...] = ()
    """What kubectl reads otherwise than its author may think; each one sentence with its place."""


def parse(name: str, text: str) -> Iterator[Document | ManifestError]:
    """Read the documents of a stream; empty ones are left out.

    Args:
        name: What errors call the text, a file's name.
        text: YAML or JSON, as Unicode has it: without halves of pairs of surrogates.

    Returns:
        Each document, or why kubectl would refuse it: what is wrong costs no other document.
    """
    reader = _Reader(name, text)
    for part in split(reader.text, reader.decoder):
        try:
            document = reader.read(part)
        except ManifestError as error:
            yield error
        else:
            if document is not None:
                yield document


def as_yaml(text: str) -> list[str]:
    """Write a text so that it can stand anywhere in a stream of YAML.

    Args:
        text: What a file has, YAML or JSON, in which a byte order mark may stand first.

    Returns:
        The text, or each of its documents where it begins as JSON; YAML as kubectl reads it does
        not know all of JSON's escapes.

    Raises:
        ManifestError: A JSON document cannot be YAML.
    """
    body = text.removeprefix(BYTE_ORDER_MARK)
    parts = list(split(body, json_text.Decoder()))
    if not parts or parts[0].form is not Form.JSON:
        return [body]
    return [
        _as_yaml(body[part.start : part.end], part.value)
        if part.form is Form.JSON
        else body[part.start : part.end]
        for part in parts
        if part.form is not Form.JSON or part.value is not None
    ]


def _as_yaml(text: str, value: Any) -> str:
    """Keep the text of JSON if it says the same as YAML."""
    for spelled in (text, json.dumps(value, indent=2, ensure_ascii=False)):
        read = [each for each in parse("", f"---\n{spelled}") if isinstance(each, Document)]
        if [each.data for each in read] == [value]:
            return spelled
    raise ManifestError(
        "A key of more than 1024 characters stands in JSON, which fits into no stream of YAML: "
        "name its file alone."
    )


def members(node: Node) -> dict[str, tuple[Node, Node]]:
    """Name the members of a mapping: for each, the nodes of its key and of its value.

    What a mapping merges in with ``<<`` stands among its own members; the last of a name counts.
    """
    if not isinstance(node, MappingNode):
        return {}
    return {key.value: (key, value) for key, value in node.value if isinstance(key, ScalarNode)}


class _Reader:
    """Reads the parts of one text."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._whole = text
        self._base = 1 if text.startswith(BYTE_ORDER_MARK) else 0
        """Place in the whole of what is split."""
        self._line = self._counted = 0
        self.text = self._whole[self._base :]
        self.decoder = json_text.Decoder()

    def read(self, part: Part) -> Document | None:
        """Read a part as a document; ``None`` for an empty one.

        Raises:
            ManifestError: kubectl would refuse it.
        """
        self._line += self.text.count("\n", self._counted, part.start)
        self._counted = part.start
        try:
            return self._read(part)
        except RecursionError as error:
            raise self._error(diagnosis.TOO_DEEP) from error

    def _read(self, part: Part) -> Document | None:
        if part.form is Form.JSON:
            return self._json(part)
        text = self.text[part.start : part.end]
        if part.form is Form.YAML:
            return self._yaml(text, self._base + part.start)
        raise self._error(
            diagnosis.of_separator(text)
            if part.form is Form.BAD_SEPARATOR
            else diagnosis.of_json(text)
        )

    def _json(self, part: Part) -> Document | None:
        if self.decoder.too_large:
            reason = f"{self.decoder.too_large} is too large for a number"
            raise self._error(diagnosis.of_value("", 0, reason))
        start, composer = self._base + part.start, self._composer
        return self._document(
            composer.mark(start),
            composer.mark(self._base + part.end),
            lambda: composer.compose(start),
            part.value,
            [self._twice(0, key) for key in self.decoder.duplicates],
        )

    def _yaml(self, text: str, start: int) -> Document | None:
        if text.startswith(BYTE_ORDER_MARK):
            start, text = start + 1, text[1:]
        if not text.endswith("\n"):
            text += "\n"  # as kubectl does, which decides how a block of text ends
        try:
            found = events.parse(text)
            data, duplicates = events.construct(found)
        except YAMLError as error:
            raise self._error(diagnosis.of_syntax(text, error)) from error
        except events.EventsError as error:
            raise self._error(diagnosis.of_value(text, error.line, str(error))) from error
        if data is None:
            return None
        origin = Mark(start, self._line, 0)
        warnings = [self._twice(line, key) for line, key in duplicates] + self._unread(found)
        if isinstance(data, dict) and isinstance(data.get("items"), list):
            root = YamlComposer(found, origin).compose()  # a List's items are asked for at once
            return Document(root, data, tuple(warnings))
        return self._document(
            origin.at(found.all[0].start_mark),
            origin.at(found.all[-1].end_mark),
            lambda: YamlComposer(events.parse(text), origin).compose(),
            data,
            warnings,
        )

    def _document(
        self, start: Mark, end: Mark, compose: Callable[[], Node], data: Any, warnings: list[str]
    ) -> Document | None:
        """Make a document; the members of a mapping are composed when they are asked for."""
        if data is None:
            return None
        if not isinstance(data, dict):
            return Document(compose(), data, tuple(warnings))
        flow = self._whole.startswith("{", start.index)
        root = MappingNode(lambda: compose().value, start, end, flow=flow)
        return Document(root, data, tuple(warnings))

    def _twice(self, line: int, key: str) -> str:
        return (
            f"{self._where(line)}: the key {json.dumps(key)} is there twice in one mapping: "
            "kubectl takes the last one."
        )

    def _unread(self, found: events.Events) -> list[str]:
        if found.unread is None:
            return []
        where = self._where(found.unread)
        reason = "kubectl reads nothing from here to the next line of ---"
        return [f"{where}: {reason}: put one where a document begins."]

    def _error(self, diagnosed: diagnosis.Diagnosis) -> ManifestError:
        return ManifestError(f"{self._where(diagnosed.line)}: {diagnosed.sentence}")

    def _where(self, line: int) -> str:
        return f"{self._name}:{self._line + line + 1}"

    @functools.cached_property
    def _composer(self) -> json_text.Composer:
        return json_text.Composer(self._whole)
