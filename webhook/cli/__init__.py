"""The command line: parse, call, print.

The commands are in ``serve``, ``certificates``, ``audit``, ``doctor``, ``policy`` and ``offline``
(``preview``, ``demo``). ``access`` has the flags by which some of them reach a cluster, named as
kubectl's are; ``plugin`` makes a plugin of kubectl of all of them.
``tls`` has the flags of the serving certificate, and ``shared`` what commands have in common.
``report`` writes what ``audit`` and ``doctor`` say, by ``tables`` and ``documents``.

What a command needs is imported when it runs, so that the server carries no manifests and no
tables, and ``--help`` comes at once.
"""

import sys

import click

from webhook import __version__
from webhook.cli import plugin
from webhook.cli.audit import audit
from webhook.cli.certificates import certificates
from webhook.cli.doctor import doctor
from webhook.cli.offline import demo, preview
from webhook.cli.policy import policy
from webhook.cli.serve import serve
from webhook.cli.shared import HELP


@click.group(context_settings=HELP)
@click.version_option(__version__, prog_name="source-ip-webhook")
def main() -> None:
    """Give applications in an Istio mesh their clients' addresses back.

    Try it without a cluster: source-ip-webhook demo
    """


main.add_command(audit)
main.add_command(certificates)
main.add_command(plugin.completion)
main.add_command(demo)
main.add_command(doctor)
main.add_command(policy)
main.add_command(preview)
main.add_command(serve)


def kubectl() -> None:
    """Be the program ``kubectl-source_ip``, which is ``kubectl source-ip``."""
    main(prog_name=plugin.NAME)


def kubectl_complete() -> None:
    """Be the program ``kubectl_complete-source_ip``, which kubectl asks what may come next."""
    click.echo(plugin.complete(main, sys.argv[1:]))
