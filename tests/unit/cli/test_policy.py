"""``policy`` prints policies for the flags that it is given."""

import click
import pytest
import yaml

from tests.unit.cli.running import run, sentence, shell
from webhook.admission.options import Options
from webhook.cli.policy import policy
from webhook.policy.choices import ApiVersion, Choices, FailurePolicy
from webhook.policy.objects import SUBJECTS, mutating, reporting


def _printed(*flags: str) -> list[object]:
    """Run the command, and read what it prints."""
    result = run("policy", *flags)
    assert result.exit_code == 0
    return list(yaml.safe_load_all(result.stdout))


def test_all_policies() -> None:
    """Without flags the policies that mutate come first, then those that report."""
    choices = Choices.of(Options())
    mutate = [thing for subject in SUBJECTS for thing in mutating(subject, choices)]
    report = [thing for subject in SUBJECTS for thing in reporting(subject, choices)]

    assert _printed() == [*mutate, *report]
    assert _printed("--only", "mutating") == mutate
    assert _printed("--only", "validating") == report


def test_flags() -> None:
    """Every flag stands in the policies."""
    choices = Choices.of(
        Options(node_ports=True, sidecar_templates=frozenset({"sidecar", "mine"})),
        prefix="mesh",
        api_version=ApiVersion.V1BETA1,
        failure_policy=FailurePolicy.FAIL,
        excluded=("a",),
    )
    printed = _printed(
        *("--only=mutating", "--api-version=v1beta1", "--name=mesh", "--failure-policy=Fail"),
        *("--exclude-namespace=a", "--node-ports", "--sidecar-template=mine"),
    )

    assert printed == [thing for subject in SUBJECTS for thing in mutating(subject, choices)]


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        ("--name=Mesh", "'Mesh' cannot begin the name of a policy: small letters"),
        ("--name=a.", "'a.' cannot begin the name of a policy"),
        (f"--name={'a' * 201}", "at most 200 of them"),
        ("--exclude-namespace=a.b", "'a.b' cannot be the name of a namespace."),
    ],
)
def test_impossible_names(flag: str, says: str) -> None:
    """A name that the API server would refuse is refused here, by one sentence."""
    result = run("policy", flag)

    assert result.exit_code == 2
    assert says in sentence(result)


def test_choices_are_those_of_the_enums() -> None:
    """The words that are written out for the help are those that the policies know."""
    assert isinstance(policy, click.Command)
    choices = {
        parameter.name: list(parameter.type.choices)
        for parameter in policy.params
        if isinstance(parameter.type, click.Choice)
    }

    assert choices["api_version"] == list(ApiVersion)
    assert choices["failure_policy"] == list(FailurePolicy)


def test_full_disk() -> None:
    """Output that cannot be written is one sentence."""
    done = shell("$P policy > /dev/full")

    assert done.returncode == 2
    assert done.stderr == "Error: The output cannot be written: No space left on device.\n"
