"""What the commands have in common: how they fail, their environment, and ``--label-key``."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from webhook.admission.options import Options
from webhook.optin import is_label_key

C = TypeVar("C", bound=Callable[..., Any])

ENVIRONMENT: Final = {"auto_envvar_prefix": "SOURCE_IP_WEBHOOK"}
"""Settings of a command: every flag is also a variable, this prefix and the flag's name."""


class Failure(click.ClickException):
    """Something that was given, or found, is not as it should be; the text says what to do."""

    exit_code = 2


def with_label_key(command: C) -> C:
    """Add ``--label-key``, which every command that decides has."""
    return click.option(
        "--label-key",
        default=Options().label_key,
        show_default=True,
        callback=_label_key,
        help="Key of the label by which namespaces opt in and objects opt out.",
    )(command)


def _label_key(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Refuse what Kubernetes would not take as the key of a label."""
    if not is_label_key(value):
        raise click.BadParameter(
            f"{value!r} cannot be the key of a label: letters, digits, '-', '_' and '.', at most "
            "63 of them, after an optional DNS prefix and '/'."
        )
    return value
