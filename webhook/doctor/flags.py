"""Does the webhook run with the flags that doctor was given?

Options are compared as the flags that they are, so that what differs can be printed as a command.
"""

import dataclasses
from collections.abc import Iterator
from typing import Final

from webhook.admission.options import Options
from webhook.doctor.checks import (
    LIST_CONFIGURATIONS,
    Area,
    Right,
    Subject,
    Verdict,
    unknown,
    warning,
    well,
)
from webhook.doctor.inspection import Inspection
from webhook.doctor.objects import Container, Workload

_SINGULAR: Final = {
    "sidecar_templates": "sidecar_template",
    "sandboxed_runtime_classes": "sandboxed_runtime_class",
}
"""Options whose flag is repeated for each value."""


def flags(inspection: Inspection) -> Iterator[Verdict]:
    """Does the webhook run with the flags that doctor was given?"""
    reference = inspection.registered.service
    if reference is None:
        yield well("the webhook runs outside the cluster, where its flags cannot be read")
        return
    namespace, name = reference
    deployment = inspection.deployment(namespace, name)
    if deployment is None:
        yield unknown(
            "no Deployment tells which flags the webhook runs with",
            f"Deployment/{name} of namespace {namespace}: absent",
        )
        return
    given, run = _given(inspection.options), _run(deployment)
    differing = sorted(given ^ run)
    shown = f"Deployment/{name} .spec.template.spec.containers[*].args: "
    if differing:
        yield warning(
            "doctor was given other flags than the webhook runs with, so it may judge wrongly",
            *(f"{shown}{'no ' * (each in given)}{each}" for each in differing),
            cure=" ".join(("source-ip-webhook doctor", *sorted(run))),
        )
    else:
        yield well("the webhook runs with the flags that doctor was given")


def _given(options: Options) -> set[str]:
    """Spell options as flags, those that are not as they are by default."""
    return {each for field in _FIELDS for each in _spelled(field, options)} - _DEFAULTS


def _run(deployment: Workload) -> set[str]:
    """Find the flags of a Deployment's container that change a decision, likewise."""
    found: set[str] = set()
    for container in deployment.containers:
        found.update(_from_environment(container))
        following = iter(container.args or ())
        for arg in following:
            name = arg.partition("=")[0]
            if name in _VALUED and name == arg:
                found.add(f"{name}={next(following, '')}")
            elif name in _VALUED or name in _SWITCHES:
                found.add(arg)
    return found - _DEFAULTS


def _from_environment(container: Container) -> Iterator[str]:
    """Spell the variables of a container that stand for flags; a flag itself comes before them."""
    given = {each.partition("=")[0] for each in container.args or ()}
    for variable in container.env or ():
        flag = _VARIABLES.get(variable.name, "")
        if flag in given:
            continue
        if flag in _SWITCHES and variable.value.lower() in _TRUE:
            yield flag
        elif flag in _REPEATED:
            yield from (f"{flag}={each}" for each in variable.value.split())
        elif flag in _VALUED and variable.value:
            yield f"{flag}={variable.value}"


def _spelled(field: str, options: Options) -> Iterator[str]:
    """Spell one option as the flags that it takes."""
    value, flag = getattr(options, field), _flag(field)
    if isinstance(value, frozenset):
        yield from (f"{flag}={each}" for each in value)
    elif isinstance(value, str):
        yield f"{flag}={value}"
    elif value:
        yield flag


def _flag(field: str) -> str:
    """Name the flag of an option; what may be repeated is in the singular."""
    return "--" + _SINGULAR.get(field, field).replace("_", "-")


_FIELDS: Final = tuple(each.name for each in dataclasses.fields(Options))
_SWITCHES: Final = {_flag(each) for each in _FIELDS if isinstance(getattr(Options(), each), bool)}
_VALUED: Final = {_flag(each) for each in _FIELDS} - _SWITCHES
_REPEATED: Final = {_flag(each) for each in _SINGULAR}
_VARIABLES: Final = {
    "SOURCE_IP_WEBHOOK_" + each.removeprefix("--").replace("-", "_").upper(): each
    for each in _VALUED | _SWITCHES
}
"""The flag that each variable of the environment stands for."""
_TRUE: Final = ("1", "true", "t", "yes", "y", "on")
"""Values by which a variable sets a switch (click 8.5.1, types.BoolParamType)."""
_DEFAULTS: Final = {flag for each in _FIELDS for flag in _spelled(each, Options())}
"""What says nothing but the default."""
CHECKS: Final = (
    Subject(
        name="flags",
        area=Area.INSTALLATION,
        about="The Deployment's flags that change a decision are those that doctor was given.",
        why="What is right depends on them.",
        cure="Run `doctor` as the check says.",
        rights=(
            LIST_CONFIGURATIONS,
            Right("get", "deployments", "apps"),
        ),
        ask=flags,
        webhook=True,
    ),
)
"""In the order in which they are made."""
