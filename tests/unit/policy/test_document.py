"""docs/policy.md says what the policies are."""

import re

from click.testing import CliRunner

from tests import policy_document
from webhook.cli import main
from webhook.policy.text import NEEDS

TEXT = policy_document.DOCUMENT.read_text()


def test_lists_are_made_by_the_code() -> None:
    """The page has the differences that the code names: python -m tests.policy_document."""
    assert policy_document.documented(TEXT) == TEXT


def test_every_flag_of_its_own_is_documented() -> None:
    """Each flag that only this command has is in the table, and no other."""
    of_policy, of_serve = (
        {name for parameter in main.commands[command].params for name in parameter.opts}
        for command in ("policy", "serve")
    )
    section = TEXT[TEXT.index("## Flags") :]

    assert set(re.findall(r"^\| `(--[a-z-]+)", section, re.MULTILINE)) == of_policy - of_serve


def test_what_older_clusters_need() -> None:
    """The page, the help and the printed comments ask for the same of older clusters."""
    shown = " ".join(CliRunner().invoke(main, ["policy", "--help"]).stdout.split())
    words = ("1.34", "MutatingAdmissionPolicy", "admissionregistration.k8s.io/v1beta1")

    assert all(word in text for word in words for text in (shown, TEXT, NEEDS["v1beta1"]))
    assert all("1.36" in text for text in (shown, TEXT, NEEDS["v1"]))
