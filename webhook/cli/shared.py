"""What the commands have in common: how they fail, and the flags that change a decision."""

import functools
from collections.abc import Callable
from typing import Any, Final

import click

from webhook.admission.options import Options, ServiceTrafficPolicy
from webhook.optin import is_label_key

ENVIRONMENT: Final = {"auto_envvar_prefix": "SOURCE_IP_WEBHOOK"}
"""Settings of a command: every flag is also a variable, this prefix and the flag's name."""


class Failure(click.ClickException):
    """Something that was given, or found, is not as it should be; the text says what to do."""

    exit_code = 2


def tell(sentence: str) -> None:
    """Say something beside the output, on standard error."""
    click.echo(sentence, err=True)


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

    for flag in reversed(_FLAGS):
        collect = flag(collect)
    return collect


def _label_key(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Refuse what Kubernetes would not take as the key of a label."""
    if not is_label_key(value):
        raise click.BadParameter(
            f"{value!r} cannot be the key of a label: letters, digits, '-', '_' and '.', at most "
            "63 of them, after an optional DNS prefix and '/'."
        )
    return value


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
        help="auto: not on load balancers that reach pods without kube-proxy.",
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
