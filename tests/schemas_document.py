"""The schemas of what audit and doctor say, docs/schemas/*.json, made from the types themselves.

``python -m tests.schemas_document`` writes them; a test holds both together.
"""

from pathlib import Path

import msgspec

from webhook.cli.documents import DOCUMENTS

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"
SCHEMAS = {f"{each.__name__.lower()}.json": each for each in DOCUMENTS.values()}
"""Which type each file describes."""


def text(name: str) -> str:
    """Make the schema that a file has to hold."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **msgspec.json.schema(SCHEMAS[name]),
    }
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def write() -> None:
    """Write all of them."""
    FOLDER.mkdir(exist_ok=True)
    for name in SCHEMAS:
        (FOLDER / name).write_text(text(name))


if __name__ == "__main__":
    write()
