"""What the commands have in common: how they fail, the flags that change a decision, and output.

Output goes where the shell sends it, which may be full, closed or of another encoding.
"""

import contextlib
import functools
import io
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from webhook.admission.options import Options, ServiceTrafficPolicy
from webhook.labels import is_label_key

if TYPE_CHECKING:  # which takes its time to import, and is rarely needed
    import rich.progress

HELP: Final = {"help_option_names": ["-h", "--help"]}
"""Settings of every command, and of the group. A command that is reached without the group would
not inherit them, and click keeps the names that help had when it was first asked for (8.5.1)."""
ENVIRONMENT: Final[dict[str, Any]] = {"auto_envvar_prefix": "SOURCE_IP_WEBHOOK", **HELP}
"""Settings of a command: every flag is also a variable, named by this prefix and the flag."""
_AS_THEY_ARE: Final = (
    "label_key",
    "require_injection_label",
    "ignore_pod_security",
    "root_namespace",
    "ignore_sidecars",
    "inbound_localhost",
    "node_ports",
    "east_west_gateways",
    "services_without_selector",
    "shared_addresses",
    "cilium_l2",
    "azure_pls_proxy_protocol",
)
"""Flags whose value goes into the options unchanged."""
_PATIENCE: Final = 1.0
"""Seconds after which a bar is shown."""
_INTERVAL: Final = 0.1
"""Seconds between two changes of the bar."""


class Failure(click.ClickException):
    """Something that was given, or found, is not as it should be; the text says what to do."""

    exit_code = 2


class DeliveryError(Exception):
    """The output cannot be written; the text is one sentence for a person."""


def add_flags(
    command: Callable[..., None], flags: Sequence[Callable[[Callable[..., None]], Any]]
) -> Callable[..., None]:
    """Add flags to a command, as if they stood above its function in this order.

    Args:
        command: The command's function.
        flags: Decorators made by :func:`click.option`.
    """
    # click (8.5.1) shows in --help what was added last before what was added first.
    for flag in reversed(flags):
        command = flag(command)
    return command


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the flags that change a decision, the same to every command that decides.

    Args:
        command: Gets them as one keyword argument, ``options``.
    """

    @functools.wraps(command)
    def collect(**arguments: Any) -> None:
        templates = arguments.pop("sidecar_template")
        sandboxed = arguments.pop("sandboxed_runtime_class")
        options = Options(
            sidecar_templates=Options().sidecar_templates | set(templates),
            sandboxed_runtime_classes=Options().sandboxed_runtime_classes | set(sandboxed),
            service_traffic_policy=ServiceTrafficPolicy(arguments.pop("service_traffic_policy")),
            **{name: arguments.pop(name) for name in _AS_THEY_ARE},
        )
        command(options=options, **arguments)

    return add_flags(collect, _FLAGS)


def tell(sentence: str) -> None:
    """Say something beside the output, on standard error."""
    click.echo(sentence, err=True)


@contextlib.contextmanager
def delivered(stream: TextIO | None) -> Iterator[TextIO]:
    """Give a stream to write to, and make sure that what was written has left the process.

    Args:
        stream: The stream; ``None`` is what Python makes of one that the shell has closed.

    Raises:
        DeliveryError: The stream does not take the output.
        BrokenPipeError: Nobody reads it any more, upon which click (8.5.1) ends the process with 1
            and says nothing, as Unix tools do.
    """
    if stream is None:
        raise DeliveryError("Standard output is closed: send it somewhere.")
    try:
        yield stream
        stream.flush()
    except UnicodeEncodeError as error:
        character = ascii(error.object[error.start])
        raise DeliveryError(
            f"The output has {character}, which {error.encoding} cannot express: set "
            "PYTHONIOENCODING=utf-8, and spell names in UTF-8."
        ) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        _discard(stream)
        raise DeliveryError(f"The output cannot be written: {error.strerror}.") from error


def _discard(stream: TextIO) -> None:
    """Discard what is still buffered, because Python flushes it at exit and would fail again."""
    with contextlib.suppress(io.UnsupportedOperation):  # a stream that is no file of the system
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)


class Bar:
    """A progress bar, shown only on a terminal, and only once the work has taken a second.

    It is a :class:`webhook.manifests.objects.Progress`. The second begins when it is made.

    Args:
        stream: Where to; nothing is shown on what is no terminal. ``None`` is a closed one.
        clock: Tells the time in seconds.
    """

    def __init__(self, stream: TextIO | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream if stream is not None and stream.isatty() else None
        self._clock = clock
        self._due = clock() + _PATIENCE
        self._shown: rich.progress.Progress | None = None

    def count(self, stage: str, done: int) -> None:
        """Show how far a stage is of which nobody knows the end, if it is time to.

        Args:
            stage: What is being counted, for people.
            done: How many were counted until now.
        """
        self.at(f"Reading {stage}: {done}", done, None)

    def at(self, stage: str, done: int, total: int | None) -> None:
        """Show how far a stage is, if it is time to.

        Args:
            stage: What is being done, for people.
            done: How much of it is done, in a unit of the stage's own.
            total: How much there is to do; ``None`` where nobody knows.
        """
        if self._stream is None or self._clock() < self._due:
            return
        self._due = self._clock() + _INTERVAL
        if self._shown is None:
            self._shown = _bar(self._stream)
        (task,) = self._shown.task_ids
        self._shown.update(task, description=stage, completed=done, total=total)
        self._shown.start()
        self._shown.refresh()

    def clear(self) -> None:
        """Leave the terminal as it was; the bar comes back if the work goes on."""
        if self._shown is not None:
            self._shown.stop()
            self._shown = None

    close = clear
    """For :func:`contextlib.closing`."""


def _bar(stream: TextIO) -> "rich.progress.Progress":
    """Make the bar, with the one task whose stages it shows."""
    from rich import progress  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415

    # Without its thread (auto_refresh) and without taking over the process's streams, rich (15.0.0)
    # writes nothing but what Bar asks it to.
    bar = progress.Progress(
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        console=Console(file=stream),
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    bar.add_task("", total=None)
    return bar


def _label_key(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Refuse what Kubernetes would not take as the key of a label."""
    if not is_label_key(value):
        raise click.BadParameter(
            f"{value!r} cannot be the key of a label: letters, digits, '-', '_' and '.', at most "
            "63 of them, after an optional DNS prefix and '/'."
        )
    return value


_FLAGS: Final = (
    click.option(
        "--label-key",
        default=Options().label_key,
        show_default=True,
        callback=_label_key,
        help="Key of the label by which namespaces opt in and objects opt out.",
    ),
    click.option(
        "--sidecar-template",
        multiple=True,
        metavar="NAME",
        help="Injection template of the mesh's own that has a sidecar; repeatable.",
    ),
    click.option(
        "--sandboxed-runtime-class",
        multiple=True,
        metavar="NAME",
        help="RuntimeClass, besides gvisor, whose network stack has no TPROXY; repeatable.",
    ),
    click.option(
        "--require-injection-label",
        is_flag=True,
        help="Leave pods alone that no label asks Istio to inject.",
    ),
    click.option(
        "--ignore-pod-security",
        is_flag=True,
        help="Set TPROXY also where Pod Security would refuse its sidecar.",
    ),
    click.option(
        "--root-namespace",
        default=Options().root_namespace,
        show_default=True,
        help="Root namespace of the mesh, whose Sidecar counts where there is no other.",
    ),
    click.option(
        "--ignore-sidecars",
        is_flag=True,
        help="Set TPROXY also where a Sidecar resource leads to loopback; none is read.",
    ),
    click.option(
        "--inbound-localhost",
        is_flag=True,
        help="Leave all pods alone: the mesh's inboundTrafficPolicy is LOCALHOST.",
    ),
    click.option(
        "--service-traffic-policy",
        type=click.Choice([policy.value for policy in ServiceTrafficPolicy]),
        default=Options().service_traffic_policy.value,
        show_default=True,
        help="auto: not on Services whose annotation asks for ENI backends (Alibaba Cloud).",
    ),
    click.option("--node-ports", is_flag=True, help="Set Local on NodePort Services too."),
    click.option("--east-west-gateways", is_flag=True, help="Set Local on east-west gateways too."),
    click.option(
        "--services-without-selector",
        is_flag=True,
        help="Set Local on Services without selector too.",
    ),
    click.option(
        "--shared-addresses",
        is_flag=True,
        help="Set Local on Services that share an address (MetalLB and others) too.",
    ),
    click.option(
        "--cilium-l2",
        is_flag=True,
        help="Set Local on Services of Cilium's L2 announcer too.",
    ),
    click.option(
        "--azure-pls-proxy-protocol",
        is_flag=True,
        help="Set Local also behind an Azure Private Link Service with PROXY protocol.",
    ),
)
