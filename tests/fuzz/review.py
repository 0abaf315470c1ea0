"""Lets atheris look for bytes that break the decision; needs ``pip install atheris``.

Flags are libFuzzer's: ``python -m tests.fuzz.review -max_total_time=180`` or ``-runs=100000``. What
it starts from, and whatever it finds, is under ``.build/fuzz``.
"""

import random
import shutil
import sys
from pathlib import Path

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

with atheris.instrument_imports(include=["webhook.admission", "webhook.labels"]):
    from tests.fuzz.mutations import Mutator
    from tests.fuzz.seeds import NAMESPACES, REVIEWS
    from tests.property.judging import judge
    from tests.situations import SITUATIONS
    from webhook.admission.options import Options

FOLDER = Path(__file__).parents[2] / ".build" / "fuzz"
OPTIONS = tuple(dict.fromkeys([Options(), *(situation.options for situation in SITUATIONS)]))
LABELS = (None, *NAMESPACES.values())


def answer_one(data: bytes) -> None:
    """Answer a review in a namespace and with options that its size chooses."""
    judge(data, LABELS[len(data) % len(LABELS)], OPTIONS[len(data) % len(OPTIONS)])


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Change what a review says or, as often, what bytes it has."""
    chance = random.Random(seed)  # noqa: S311  reproducible, not secret
    draw = chance.random()
    mutator = Mutator(chance)
    if draw < 0.05:
        data = mutator.review()
    elif draw < 0.5:
        data = mutator.changed(data)
    else:
        data = atheris.Mutate(data, max_size)
    return data[:max_size]


def main() -> None:
    """Write the corpus anew and fuzz until libFuzzer's flags say that it is enough."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    corpus = FOLDER / "corpus"
    corpus.mkdir(parents=True)
    for number, body in enumerate(REVIEWS):
        (corpus / f"{number:04}.json").write_bytes(body)
    flags = ["-max_len=16384", "-rss_limit_mb=1024", "-timeout=10", f"-artifact_prefix={FOLDER}/"]
    atheris.Setup(
        [sys.argv[0], *flags, *sys.argv[1:], str(corpus)], answer_one, custom_mutator=mutate
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
