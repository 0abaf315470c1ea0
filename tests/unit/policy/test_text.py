"""The policies as YAML."""

import yaml

from webhook.admission.options import Options
from webhook.policy.choices import ApiVersion, Choices
from webhook.policy.objects import SUBJECTS, mutating, reporting
from webhook.policy.text import NEEDS, comment, differences, mutating_text, reporting_text

CHOICES = Choices.of(Options(sidecar_templates=frozenset({"sidecar", "it's"})))


def test_yaml_says_what_the_objects_say() -> None:
    """Read again, the text is the objects: no quote or line is lost on the way."""
    for made, written in ((mutating, mutating_text), (reporting, reporting_text)):
        objects = [thing for subject in SUBJECTS for thing in made(subject, CHOICES)]
        assert list(yaml.safe_load_all("---\n".join(written(CHOICES)))) == objects


def test_comments() -> None:
    """The text says what it needs, and in what it differs from the webhook, for every policy."""
    for version in ApiVersion:
        choices = Choices.of(Options(), api_version=version)
        (pods, _, services, _) = mutating_text(choices)
        for text, subject in zip((pods, services), SUBJECTS, strict=True):
            comments = " ".join(
                line.removeprefix("# ") for line in text.splitlines() if line.startswith("# ")
            )
            assert NEEDS[version.value] in comments
            assert all(sentence in comments for sentence in differences(subject))


def test_lines_of_comments() -> None:
    """No line of a comment is longer than a hundred characters, and none breaks a flag in two."""
    lines = comment(
        "word " * 50, "--a-flag=" + "x" * 60 + " " + "--b-flag=" + "x" * 60
    ).splitlines()

    assert max(map(len, lines)) <= 100
    assert all(line.startswith("# ") for line in lines)
    assert "# --b-flag=" + "x" * 60 in lines
