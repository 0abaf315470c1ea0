"""Documents of a text, YAML or JSON, as kubectl reads them: each as data and as nodes.

The data is what decisions are made from. The nodes know where in the text everything stands, so
that a setting can be written into the text itself, which keeps comments, order, quotes and
indentation as no re-writing of the data could. They are composed when somebody asks for them: most
documents are only decided on.

What kubectl would refuse is diagnosed: the line, and a sentence that says what to do.
"""

import dataclasses
import functools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from yaml import YAMLError
from yaml.reader import ReaderError

from webhook.manifests import stream, values, yaml_text
from webhook.manifests.nodes import MappingNode, Mark, Node
from webhook.manifests.stream import Form, Part, split
from webhook.manifests.yaml_text import YamlComposer

BYTE_ORDER_MARK: Final = "\ufeff"
"""May stand at the beginning of a text, and of each document."""
TOO_DEEP: Final = "this document is nested too deeply."
"""What is said of a document that is nested more deeply than Python calls functions."""
_TEMPLATED: Final = re.compile(r"^\s*(?:- )*(?:[\w./-]+:\s+)?['\"]?\{\{")
"""A line with a Go template where YAML expects a value, as Helm charts have them."""
_RENDER_FIRST: Final = "this looks like a Helm template: render it first, with `helm template`."


class ManifestError(ValueError):
    """The manifests cannot be read or written; the text is one sentence for a person."""


class DocumentError(ManifestError):
    """Something is wrong with the text of a document; says where, and in a sentence what.

    Args:
        name: What the text is called, a file's name.
        line: Line of the text, counted from 1.
        sentence: What is wrong.
    """

    def __init__(self, name: str, line: int, sentence: str) -> None:
        super().__init__(f"{name}:{line}: {sentence}")
        self.line = line
        self.sentence = sentence


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """One document of a stream."""

    number: int
    """Place among the documents of the stream, counted from 1; empty ones count."""
    node: Node
    """The root: where in the text everything stands."""
    data: Any
    """As JSON would carry it: keys are strings, and nothing is shared."""
    warnings: tuple[DocumentError, ...] = ()
    """What kubectl reads otherwise than its author may think; a stricter reader may raise one."""


class _Diagnosis(NamedTuple):
    """What is wrong with a document."""

    line: int
    """Where: lines of the document before it."""
    sentence: str
    """What is wrong, and what to do where that is not plain."""


def parse(name: str, text: str) -> Iterator[Document | DocumentError]:
    """Read the documents of a stream; empty ones are left out.

    Args:
        name: What errors call the text, a file's name.
        text: YAML or JSON, without unpaired surrogates.

    Returns:
        Each document, or why kubectl would refuse it; the documents after it are read all the same.
    """
    reader = _Reader(name, text)
    for part in split(reader.text, reader.decoder):
        try:
            document = reader.read(part)
        except DocumentError as error:
            yield error
        else:
            if document is not None:
                yield document


class _Reader:
    """Reads the parts of one text.

    Args:
        name: What errors call the text.
        text: The text.
    """

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._whole = text
        self._base = 1 if text.startswith(BYTE_ORDER_MARK) else 0
        """Where in the whole text the text that is split begins."""
        self._line = self._counted = 0
        """Line, from 0, on which the part that is read begins, and the place in the text that is
        split up to which lines have been counted."""
        self._number = 0
        """How many parts have been read."""
        self.text = self._whole[self._base :]
        """What is split into parts: without a byte order mark at its beginning."""
        self.decoder = stream.Decoder()
        """What reads the parts that are JSON."""

    def read(self, part: Part) -> Document | None:
        """Read a part as a document; ``None`` for an empty one.

        Raises:
            DocumentError: kubectl would refuse it.
        """
        self._number += 1
        self._line += self.text.count("\n", self._counted, part.start)
        self._counted = part.start
        try:
            return self._read(part)
        except RecursionError as error:
            raise self._error(_Diagnosis(0, TOO_DEEP)) from error

    def _read(self, part: Part) -> Document | None:
        """Read a part by its form; one that is nested too deeply is a RecursionError."""
        if part.form is Form.JSON:
            return self._json(part)
        text = self.text[part.start : part.end]
        if part.form is Form.YAML:
            return self._yaml(text, self._base + part.start)
        raise self._error(
            _diagnose_separator(text) if part.form is Form.BAD_SEPARATOR else _diagnose_json(text)
        )

    def _json(self, part: Part) -> Document | None:
        """Make a document of a part that the decoder has just read as JSON."""
        if self.decoder.too_large:
            reason = f"{self.decoder.too_large} is too large for a number"
            raise self._error(_diagnose_value("", 0, reason))
        start, composer = self._base + part.start, self._composer
        return self._document(
            composer.mark(start),
            composer.mark(self._base + part.end),
            lambda: composer.compose(start),
            part.value,
            [self._error(_diagnose_duplicate(0, key)) for key in self.decoder.duplicates],
        )

    def _yaml(self, text: str, start: int) -> Document | None:
        """Read the text of a part as YAML.

        Args:
            text: The text.
            start: Where in the whole text it begins.
        """
        if text.startswith(BYTE_ORDER_MARK):
            start, text = start + 1, text[1:]
        if not text.endswith("\n"):
            text += "\n"  # as kubectl does, which decides how a block of text ends
        try:
            found = yaml_text.parse(text)
            data, duplicates = values.construct(found)
        except YAMLError as error:
            raise self._error(_diagnose_syntax(text, error)) from error
        except values.EventsError as error:
            raise self._error(_diagnose_value(text, error.line, str(error))) from error
        if data is None:
            return None
        origin = Mark(start, self._line, 0)
        warnings = [self._error(_diagnose_duplicate(line, key)) for line, key in duplicates]
        if found.unread is not None:
            warnings.append(self._error(_diagnose_unread(found.unread)))
        if isinstance(data, dict) and isinstance(data.get("items"), list):
            # The nodes of a List's items are asked for at once: no need to parse a second time.
            root = YamlComposer(found, origin).compose()
            return Document(self._number, root, data, tuple(warnings))
        return self._document(
            origin.at(found.all[0].start_mark),
            origin.at(found.all[-1].end_mark),
            lambda: YamlComposer(yaml_text.parse(text), origin).compose(),
            data,
            warnings,
        )

    def _document(
        self,
        start: Mark,
        end: Mark,
        compose: Callable[[], Node],
        data: Any,
        warnings: list[DocumentError],
    ) -> Document | None:
        """Make a document; the members of a mapping are composed when they are asked for.

        Args:
            start: Where in the whole text its root begins.
            end: Where it ends.
            compose: Composes the root.
            data: What the document says; ``None`` is said by an empty one too, and is left out.
            warnings: What kubectl reads otherwise than its author may think.
        """
        if data is None:
            return None
        if not isinstance(data, dict):
            return Document(self._number, compose(), data, tuple(warnings))
        flow = self._whole.startswith("{", start.index)
        root = MappingNode(lambda: compose().value, start, end, flow=flow)
        return Document(self._number, root, data, tuple(warnings))

    def _error(self, diagnosis: _Diagnosis) -> DocumentError:
        """Make the error, or the warning, about the part that is read."""
        return DocumentError(self._name, self._line + diagnosis.line + 1, diagnosis.sentence)

    @functools.cached_property
    def _composer(self) -> stream.Composer:
        """What composes nodes of JSON; made once, because it looks through the whole text."""
        return stream.Composer(self._whole)


def _diagnose_syntax(text: str, error: YAMLError) -> _Diagnosis:
    """Say why a text is no YAML.

    Args:
        text: The text.
        error: What the parser says about it.
    """
    if isinstance(error, ReaderError):
        line = text.encode().count(b"\n", 0, error.position)
        return _Diagnosis(line, f"this is not valid YAML: {error.reason}.")
    # libyaml has a mark in every error but ReaderError (PyYAML 6.0.3); the template may stand where
    # the problem is, on the line before, or where what failed to be parsed begins.
    mark, lines = error.problem_mark, text.split("\n")
    shown = {mark.line, mark.line - 1, getattr(error.context_mark, "line", mark.line)}
    for line in sorted(each for each in shown if 0 <= each < len(lines)):
        if _TEMPLATED.match(lines[line]):
            return _Diagnosis(line, _RENDER_FIRST)
    failing = lines[mark.line] if mark.line < len(lines) else ""
    if failing[mark.column : mark.column + 1] == "\t" or re.match(r" *\t", failing):
        return _Diagnosis(mark.line, "a tab stands where YAML wants spaces: indent with spaces.")
    if text.startswith("%"):
        return _Diagnosis(
            0,
            "kubectl reads no directive, because to it a document ends at ---: remove this line.",
        )
    return _Diagnosis(mark.line, f"this is not valid YAML: {error.problem}{_context(error)}.")


def _context(error: YAMLError) -> str:
    """Say what the parser was reading, where that begins on another line."""
    mark = error.context_mark
    if not error.context or mark is None or mark.line == error.problem_mark.line:
        return ""
    return f", {error.context}"


def _diagnose_value(text: str, line: int, reason: str) -> _Diagnosis:
    """Say why kubectl would refuse what a document says.

    Args:
        text: The document.
        line: Where in it, counted from 0.
        reason: Why.
    """
    if _TEMPLATED.match(text.split("\n")[line]):
        return _Diagnosis(line, _RENDER_FIRST)
    return _Diagnosis(line, f"kubectl cannot read this document: {reason}.")


def _diagnose_separator(text: str) -> _Diagnosis:
    """Say why kubectl refuses the line that a text begins with, ``---`` and more."""
    behind = text.partition("\n")[0].removeprefix("---").strip()
    return _Diagnosis(
        0, f"kubectl takes nothing behind the --- of a line: put `{behind}` on a line of its own."
    )


def _diagnose_json(text: str) -> _Diagnosis:
    """Say why a text is no JSON, which Python's parser knows the line of."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return _Diagnosis(error.lineno - 1, f"this is not valid JSON: {error.msg}.")
    except RecursionError:
        return _Diagnosis(0, TOO_DEEP)
    return _Diagnosis(0, "this is not valid JSON: it has NaN or Infinity.")


def _diagnose_duplicate(line: int, key: str) -> _Diagnosis:
    """Say that a mapping has a key twice.

    Args:
        line: Line of the second one, counted from 0.
        key: The key.
    """
    return _Diagnosis(
        line,
        f"the key {json.dumps(key)} is there twice in one mapping: kubectl takes the last one.",
    )


def _diagnose_unread(line: int) -> _Diagnosis:
    """Say from which line on, counted from 0, kubectl leaves the rest of a document unread."""
    return _Diagnosis(
        line,
        "kubectl reads nothing from here to the next line of ---: put one where a document begins.",
    )
