"""What is wrong with the text of a document: the line, and a sentence that says what to do."""

import json
import re
from typing import Final, NamedTuple

from yaml import YAMLError  # type: ignore[import-untyped]
from yaml.reader import ReaderError  # type: ignore[import-untyped]

_TEMPLATED: Final = re.compile(r"^\s*(?:- )*(?:[\w./-]+:\s+)?['\"]?\{\{")
"""A line with a Go template where YAML expects a value, as Helm charts have them."""

_TEMPLATE: Final = "this looks like a Helm template: render it first, with `helm template`."


class Diagnosis(NamedTuple):
    """What is wrong."""

    line: int
    """Line of the text, counted from 0."""
    sentence: str


TOO_DEEP: Final = Diagnosis(0, "this document is nested too deeply.")


def of_syntax(text: str, error: YAMLError) -> Diagnosis:
    """Say why a text is no YAML.

    Args:
        text: The text.
        error: What the parser says about it.
    """
    if isinstance(error, ReaderError):
        line = text.encode().count(b"\n", 0, error.position)
        return Diagnosis(line, f"this is not valid YAML: {error.reason}.")
    mark, lines = error.problem_mark, text.split("\n")
    shown = {mark.line, mark.line - 1, getattr(error.context_mark, "line", mark.line)}
    for line in sorted(each for each in shown if 0 <= each < len(lines)):
        if _TEMPLATED.match(lines[line]):
            return Diagnosis(line, _TEMPLATE)
    failing = lines[mark.line] if mark.line < len(lines) else ""
    if failing[mark.column : mark.column + 1] == "\t" or re.match(r" *\t", failing):
        return Diagnosis(mark.line, "a tab stands where YAML wants spaces: indent with spaces.")
    if text.startswith("%"):
        return Diagnosis(
            0,
            "kubectl reads no directive, because to it a document ends at ---: remove this line.",
        )
    return Diagnosis(mark.line, f"this is not valid YAML: {error.problem}{_context(error)}.")


def of_value(text: str, line: int, reason: str) -> Diagnosis:
    """Say why kubectl would refuse what a document says.

    Args:
        text: The document.
        line: Where in it, counted from 0.
        reason: Why.
    """
    if _TEMPLATED.match(text.split("\n")[line]):
        return Diagnosis(line, _TEMPLATE)
    return Diagnosis(line, f"kubectl cannot read this document: {reason}.")


def of_separator(text: str) -> Diagnosis:
    """Say why kubectl refuses the line that a text begins with, ``---`` and more."""
    behind = text.partition("\n")[0].removeprefix("---").strip()
    return Diagnosis(
        0, f"kubectl takes nothing behind the --- of a line: put `{behind}` on a line of its own."
    )


def of_json(text: str) -> Diagnosis:
    """Say why a text is no JSON."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return Diagnosis(error.lineno - 1, f"this is not valid JSON: {error.msg}.")
    except RecursionError:
        return TOO_DEEP
    return Diagnosis(0, "this is not valid JSON: it has NaN or Infinity.")


def _context(error: YAMLError) -> str:
    """Say what the parser was reading, where that begins on another line."""
    mark = error.context_mark
    if not error.context or mark is None or mark.line == error.problem_mark.line:
        return ""
    return f", {error.context}"
