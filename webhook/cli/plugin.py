"""As a plugin of kubectl, ``kubectl source-ip``, and the completion of commands in shells.

Source:
    Kubernetes, "Extend kubectl with plugins"; k8s.io/kubectl pkg/cmd/plugin/plugin_completion.go.
"""

from collections.abc import Sequence
from typing import Final

import click
from click.shell_completion import CompletionItem, ShellComplete, get_completion_class

from webhook.cli.shared import HELP

NAME: Final = "kubectl source-ip"
"""How people call the plugin; its program is called ``kubectl-source_ip``."""
_FILES: Final = ":0"
_NO_FILES: Final = ":4"
"""Last line for kubectl's shells: whether names of files are completed where nothing was offered.

Source:
    spf13/cobra completions.go, ShellCompDirectiveDefault and ShellCompDirectiveNoFileComp.
"""


def complete(main: click.Command, arguments: Sequence[str]) -> str:
    """Offer what may come next on a command line of ``kubectl source-ip``.

    Args:
        main: The command line.
        arguments: What kubectl hands over: all words after the plugin's name, the last one not
            finished yet and maybe empty.

    Returns:
        Lines as kubectl reads them: offers, some with a description, and what its shells are to do.
    """
    *before, incomplete = arguments or [""]
    offers = ShellComplete(main, {}, NAME, "").get_completions(before, incomplete)
    files = any(offer.type in {"file", "dir"} for offer in offers)
    lines = [_line(offer) for offer in offers if offer.type == "plain"]
    return "\n".join([*lines, _FILES if files else _NO_FILES])


def _line(offer: CompletionItem) -> str:
    """Write an offer, with what is known of it."""
    return f"{offer.value}\t{offer.help}" if offer.help else str(offer.value)


@click.command(context_settings=HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Print the script by which a shell completes this command line.

    For bash: source <(source-ip-webhook completion bash)

    kubectl completes kubectl source-ip by itself, where kubectl_complete-source_ip is in the PATH.
    """
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101  click has all of them
    program = "source-ip-webhook"
    main = context.find_root().command
    click.echo(kind(main, {}, program, "_SOURCE_IP_WEBHOOK_COMPLETE").source())
