"""The command lines that the chart writes, held to ``serve`` itself and to its documentation."""

import re

import click
import pytest

from tests.chart.value_sets import AUDITED, SERVING, every_serving_set, rendered
from webhook.cli.audit import audit
from webhook.cli.serve import serve

NOT_FOR_CLUSTERS = {"--tls-self-signed", "--namespaces"}
"""For trying out without a cluster, so the chart has no values for them."""


@every_serving_set
def test_serve_takes_them(name: str) -> None:
    """``serve`` understands every command line, and every flag in it has a meaning there."""
    command, *flags = rendered(name).container["args"]

    assert command == "serve"
    assert isinstance(serve, click.Command)
    serve.make_context("serve", flags)


@pytest.mark.parametrize("name", AUDITED)
def test_audit_takes_them(name: str) -> None:
    """``audit`` understands the command line of the CronJob."""
    (container,) = rendered(name).audit_pod["spec"]["containers"]
    command, *flags = container["args"]

    assert command == "audit"
    assert isinstance(audit, click.Command)
    audit.make_context("audit", flags)


def test_every_flag_has_a_value() -> None:
    """Every flag of ``serve`` can be set by a value, but for those that no cluster needs."""
    set_somewhere = {
        re.sub("=.*", "", flag) for name in SERVING for flag in rendered(name).container["args"][1:]
    }
    flags = {option for parameter in serve.params for option in parameter.opts}

    assert flags - set_somewhere == NOT_FOR_CLUSTERS
    assert set_somewhere <= flags


def test_port_variables_of_kubernetes_are_off() -> None:
    """No variable of a Service called source-ip-webhook is taken for a setting."""
    assert rendered("default").pod["spec"]["enableServiceLinks"] is False
