"""The flags of the webhook's Deployment, compared with those that doctor was given."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests import kubeconfig as kubeconfigs
from tests.chart import value_sets
from tests.unit.doctor.cases import OK, UNKNOWN, WARNING, Case, judge, table
from tests.unit.doctor.played import (
    CONFIGURATIONS,
    OWN_DEPLOYMENT,
    ask,
    configuration,
    deployment,
    healthy,
)
from webhook.admission.options import Options
from webhook.cli import main
from webhook.cluster import NotFound
from webhook.doctor.checks import Report

Json = dict[str, Any]
GONE = NotFound("get: HTTP 404, there is none")
KEY = Options().label_key


def by_environment(**variables: str) -> Json:
    """Make our Deployment with these variables beside one flag."""
    made = deployment(2, "--service-traffic-policy=always")
    made["spec"]["template"]["spec"]["containers"][0]["env"] = [
        {"name": f"SOURCE_IP_WEBHOOK_{name}", "value": value} for name, value in variables.items()
    ]
    return made


def elsewhere() -> list[Json]:
    """Make a configuration with a URL."""
    made = configuration()
    for entry in made["webhooks"]:
        entry["clientConfig"] = {"url": "https://webhook.example.org/mutate"}
    return [made]


@table(
    Case("as given", "flags", {}, (OK,)),
    Case(
        "defaults, spelled out in any way",
        "flags",
        {OWN_DEPLOYMENT: deployment(2, "--label-key", KEY, "--root-namespace=istio-system", "-x")},
        (OK,),
    ),
    Case(
        "others",
        "flags",
        {OWN_DEPLOYMENT: deployment(2, "--node-ports", "--label-key", "a/b", "--label-key")},
        (WARNING,),
        (
            "source-ip-webhook doctor --label-key= --label-key=a/b --node-ports",
            "args: --node-ports",
            "args: no --ignore-sidecars",
        ),
        Options(ignore_sidecars=True),
    ),
    Case(
        "others, by environment",
        "flags",
        {
            OWN_DEPLOYMENT: by_environment(
                NODE_PORTS="true",
                IGNORE_SIDECARS="false",
                LABEL_KEY="a/b",
                ROOT_NAMESPACE="",
                SIDECAR_TEMPLATE="x y",
                SERVICE_TRAFFIC_POLICY="never",
                LOG_LEVEL="debug",
            )
        },
        (WARNING,),
        (
            "source-ip-webhook doctor --label-key=a/b --node-ports ",
            "ports --service-traffic-policy=always --sidecar-template=x --sidecar-template=y",
        ),
    ),
    Case("no Deployment", "flags", {OWN_DEPLOYMENT: GONE}, (UNKNOWN,), ("absent",)),
    Case("a URL", "flags", {CONFIGURATIONS: elsewhere()}, (OK,)),
)
def test_case(case: Case) -> None:
    """Each of these is judged so, with these words."""
    judge(case)


@value_sets.every_set
def test_cure_has_the_flags_of_the_chart(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that is printed, whatever the values, is one that has nothing to object to."""
    if not (found := value_sets.rendered(name).all("Deployment")):
        return  # the other backend
    cluster = healthy() | {OWN_DEPLOYMENT: found[0]}
    (verdict,) = ask("flags", cluster, Options(sidecar_templates=frozenset({"nobody-has-this"})))
    asked: list[Options] = []

    def run(_client: object, options: Options, *_: object, **__: object) -> Report:
        asked.append(options)
        return Report(())

    monkeypatch.setattr("webhook.doctor.run.run", run)
    file = kubeconfigs.write(tmp_path / "config", "http://127.0.0.1:1", {"token": "t"})
    _, command, *arguments = shlex.split(verdict.cure)
    done = CliRunner().invoke(main, [command, *arguments, f"--kubeconfig={file}"])
    assert done.exit_code == 0, done.output
    (verdict,) = ask("flags", cluster, *asked)
    assert verdict.status is OK
