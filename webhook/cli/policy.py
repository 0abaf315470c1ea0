"""``policy`` prints the same rules as policies that the API server evaluates itself."""

import sys
from typing import Final

import click

from webhook.admission.options import Options
from webhook.cli.access import named_namespaces
from webhook.cli.shared import ENVIRONMENT, DeliveryError, Failure, delivered, with_options
from webhook.labels import is_label_key

# Written out, for the enums stand in modules that take their time to import; a test compares them.
_VERSIONS: Final = ("v1", "v1beta1")
_FAILURE_POLICIES: Final = ("Ignore", "Fail")
_LONGEST: Final = 200
"""Characters of a name's beginning: the whole may have 253."""


def _prefix(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Refuse what no name of a policy can begin with."""
    if len(value) > _LONGEST or not is_label_key(f"{value}/a"):
        raise click.BadParameter(
            f"{value!r} cannot begin the name of a policy: small letters, digits, '-' and '.', at "
            f"most {_LONGEST} of them, and a letter or a digit at both ends."
        )
    return value


@click.command(context_settings=ENVIRONMENT)
@click.option(
    "--only",
    type=click.Choice(["mutating", "validating"]),
    help="Print only the policies that give the settings, or only those that report.",
)
@click.option(
    "--api-version",
    type=click.Choice(_VERSIONS),
    default="v1",
    show_default=True,
    help="Version of MutatingAdmissionPolicy: v1 needs Kubernetes 1.36; v1beta1 is for 1.34 and "
    "1.35, with feature gate MutatingAdmissionPolicy and runtime-config "
    "admissionregistration.k8s.io/v1beta1.",
)
@click.option(
    "--name",
    default="source-ip-webhook",
    show_default=True,
    callback=_prefix,
    metavar="PREFIX",
    help="What the names of all policies and bindings begin with.",
)
@click.option(
    "--failure-policy",
    type=click.Choice(_FAILURE_POLICIES),
    default="Ignore",
    show_default=True,
    help="What happens to an object when a policy cannot be evaluated: "
    "it is created as it is, or refused.",
)
@click.option(
    "--exclude-namespace",
    multiple=True,
    callback=named_namespaces,
    metavar="NAME",
    help="Namespace, besides kube-system and kube-node-lease, that no policy is for; repeatable.",
)
@with_options
def policy(
    *,
    only: str | None,
    api_version: str,
    name: str,
    failure_policy: str,
    exclude_namespace: tuple[str, ...],
    options: Options,
) -> None:
    """Print the same rules as policies that the API server evaluates itself, without a webhook.

    For example: source-ip-webhook policy | kubectl apply --server-side -f -

    Two MutatingAdmissionPolicies give the settings to Pods and Services, and two
    ValidatingAdmissionPolicies report what was created without. Comments say what CEL, their
    language, cannot express. No Sidecar resource is read, so --ignore-sidecars and
    --root-namespace mean nothing here.
    """
    from webhook.policy.choices import ApiVersion, Choices, FailurePolicy  # noqa: PLC0415
    from webhook.policy.text import mutating_text, reporting_text  # noqa: PLC0415

    choices = Choices.of(
        options,
        prefix=name,
        api_version=ApiVersion(api_version),
        failure_policy=FailurePolicy(failure_policy),
        excluded=exclude_namespace,
    )
    documents = [
        *(mutating_text(choices) if only != "validating" else ()),
        *(reporting_text(choices) if only != "mutating" else ()),
    ]
    try:
        with delivered(sys.stdout) as stream:
            stream.write("---\n".join(documents))
    except DeliveryError as error:
        raise Failure(str(error)) from error
