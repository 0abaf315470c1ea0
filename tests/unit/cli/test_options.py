"""The flags that change a decision, and the options that come of them."""

import click
import pytest
from click.testing import CliRunner

from webhook.admission.options import Options
from webhook.cli.shared import with_options


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], Options()),
        (
            ["--sidecar-template=vault", "--sidecar-template=debug"],
            Options(sidecar_templates=frozenset({"sidecar", "vault", "debug"})),
        ),
        (
            ["--sandboxed-runtime-class=tiny"],
            Options(sandboxed_runtime_classes=frozenset({"gvisor", "tiny"})),
        ),
        (["--root-namespace=mesh"], Options(root_namespace="mesh")),
        (["--ignore-sidecars"], Options(ignore_sidecars=True)),
        (["--inbound-localhost"], Options(inbound_localhost=True)),
        (["--ignore-pod-security"], Options(ignore_pod_security=True)),
    ],
)
def test_flags_become_options(arguments: list[str], options: Options) -> None:
    """Without flags the options are the defaults; what can be named more than once adds to them."""
    collected: list[Options] = []

    @click.command
    @with_options
    def command(*, options: Options) -> None:
        collected.append(options)

    result = CliRunner().invoke(command, arguments)
    assert (result.exit_code, collected) == (0, [options])
