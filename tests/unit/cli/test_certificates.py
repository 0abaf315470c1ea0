"""``certificates``: what is shown of Secret and caBundles, and what a rotation on demand writes."""

import base64
import dataclasses
import datetime as dt
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from certs import bundle, rotation
from certs.authority import Authority
from certs.contents import Contents
from certs.policy import Policy
from tests import kubeconfig as kubeconfigs
from tests.unit.certs.material import HOST
from tests.unit.cluster.scripted import Scripted
from webhook.certificates.commands import Finding, Report
from webhook.cli import main
from webhook.cli.certificates import write_report_table

NOW = dt.datetime(2015, 10, 21, 7, 28, tzinfo=dt.UTC)
"""The scripted API server's clock."""
POLICY = Policy(hosts=(HOST, "10.0.0.1"), leaf_lifetime=dt.timedelta(days=7))
CONTENTS = rotation.create(POLICY, NOW)
ROTATING = rotation.introduce(CONTENTS, POLICY, NOW)
OURS = dataclasses.replace(POLICY, unit="Secret default/source-ip-webhook-tls")
FORMER = rotation.create(OURS, NOW).authority.certificate
STRANGER = rotation.create(POLICY, NOW).authority.certificate


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    """An API server that the command finds by its kubeconfig."""
    with Scripted() as scripted:
        path = kubeconfigs.write(tmp_path / "config", scripted.url, {"token": "secret-token"})
        monkeypatch.setenv("KUBECONFIG", str(path))
        yield scripted


def run(*args: str) -> Result:
    """Run a subcommand."""
    return CliRunner().invoke(main, ["certificates", *args])


def encoded(data: Mapping[str, bytes]) -> dict[str, str]:
    """Write data as a Secret has it."""
    return {key: base64.b64encode(value).decode() for key, value in data.items()}


def has_secret(api: Scripted, data: Mapping[str, bytes]) -> None:
    """Let the API server answer with a Secret."""
    api.answer(200, {"metadata": {"resourceVersion": "7"}, "data": encoded(data)})


def has_configuration(api: Scripted, **bundles: bytes) -> None:
    """Let the API server answer with a configuration of these entries."""
    webhooks = [
        {
            "name": name,
            "clientConfig": {
                "service": {"name": "webhook", "namespace": "source-ip"},
                "caBundle": base64.b64encode(pem).decode(),
            },
        }
        for name, pem in bundles.items()
    ]
    api.answer(200, {"metadata": {"resourceVersion": "8"}, "webhooks": webhooks})


def written(api: Scripted) -> Contents:
    """Read what the last request wrote into the Secret."""
    asked = api.asked[-1]
    data: Any = next(each["value"] for each in asked.body if each["path"] == "/data")
    contents = Contents.load({key: base64.b64decode(value) for key, value in data.items()})
    assert (asked.method, contents is not None) == ("PATCH", True)
    assert {"op": "add", "path": "/metadata/resourceVersion", "value": "7"} in asked.body
    assert contents is not None
    return contents


def test_all_is_shown_and_well(api: Scripted) -> None:
    """Each certificate has its place, role, expiry and whole fingerprint, and the end is 0."""
    has_configuration(api, pods=bundle.write(ROTATING.authorities))
    has_secret(api, ROTATING.data())
    result = run("show")

    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert [line.split("  ")[0] for line in lines[1:4]] == [
        "Secret default/source-ip-webhook-tls"
    ] * 3
    assert [line.split("  ")[0] for line in lines[4:6]] == ["caBundle of pods"] * 2
    assert lines[1].split()[2:] == [
        *("leaf", "2015-10-28", "07:28", "(7", "d)"),
        bundle.fingerprint(CONTENTS.leaf.certificate),
    ]
    assert "next authority" in lines[3]
    assert lines[-1] == "Every caBundle verifies the leaf."


def test_private_keys_are_not_shown(api: Scripted) -> None:
    """Neither form of output has anything of a key."""
    for output in ("table", "json"):
        has_configuration(api, pods=b"")
        has_secret(api, ROTATING.data())
        shown = run("show", "-o", output).output
        keys = (ROTATING.authority, ROTATING.leaf, ROTATING.next)
        lines = [line for pair in keys if pair for line in pair.key_pem.decode().split("\n")[1:-2]]
        assert lines
        assert not [line for line in lines if line in shown]


@pytest.mark.parametrize(
    ("pem", "data", "problem"),
    [
        (b"", CONTENTS.data(), "The caBundle of pods does not verify the leaf."),
        (bundle.write([STRANGER]), CONTENTS.data(), "The caBundle of pods does not verify"),
        (bundle.write([STRANGER]), {}, "Secret default/source-ip-webhook-tls holds no leaf"),
        (
            bundle.write(CONTENTS.authorities),
            rotation.create(POLICY, NOW - dt.timedelta(days=8)).data(),
            "The leaf is not valid at 2015-10-21 07:28:00 UTC.",
        ),
    ],
)
def test_problem_is_a_sentence(
    api: Scripted, pem: bytes, data: Mapping[str, bytes], problem: str
) -> None:
    """What makes the API server refuse the leaf is said, and the end is 1."""
    has_configuration(api, pods=pem)
    has_secret(api, data)
    result = run("show")

    assert result.exit_code == 1
    assert problem in result.stdout


def test_nothing_at_all_is_a_problem(api: Scripted) -> None:
    """Without Secret the leaf is missed; without configuration nobody calls."""
    api.answer(404, {})
    api.answer(404, {})
    assert "holds no leaf" in run("show").stdout
    api.answer(404, {})
    has_secret(api, CONTENTS.data())
    assert "nobody calls the webhook" in run("show").stdout


def test_terminal_gets_lines_that_fit_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a narrow terminal a long fingerprint goes on in the next line instead of being cut."""
    monkeypatch.setenv("COLUMNS", "80")
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    finding = Finding(place="here", role="leaf", certificate=CONTENTS.leaf.certificate)
    write_report_table(Report(findings=(finding,), now=NOW, problems=()), stream)

    lines = re.sub(r"\x1b\[\d+m", "", stream.getvalue()).splitlines()
    assert max(map(len, lines)) <= 80
    assert bundle.fingerprint(finding.certificate) not in stream.getvalue()


def test_former_authority_is_called_so(api: Scripted) -> None:
    """JSON has every certificate, and tells apart what is published and not in the Secret."""
    has_configuration(api, pods=bundle.write([STRANGER, FORMER, *CONTENTS.authorities]))
    has_secret(api, CONTENTS.data())
    result = run("show", "-o", "json")

    shown = json.loads(result.stdout)
    assert [each["role"] for each in shown["certificates"]] == [
        *("leaf", "authority", "other authority", "former authority", "authority")
    ]
    assert shown["certificates"][0] == {
        "where": "Secret default/source-ip-webhook-tls",
        "role": "leaf",
        "subject": "O=source-ip-webhook",
        "notBefore": "2015-10-21T06:28:00Z",
        "notAfter": "2015-10-28T07:28:00Z",
        "sha256": bundle.fingerprint(CONTENTS.leaf.certificate),
    }
    assert shown["problems"] == []


def test_certificate_is_rotated(api: Scripted) -> None:
    """The same authority issues a new leaf with the names and the lifetime of the one before."""
    has_secret(api, CONTENTS.data())
    api.answer(200, {})
    result = run("rotate", "--tls-namespace", "source-ip", "--tls-secret", "tls")

    contents = written(api)
    assert (result.exit_code, api.asked[-1].path) == (0, "/api/v1/namespaces/source-ip/secrets/tls")
    assert result.stdout.startswith("Secret source-ip/tls holds a new certificate.")
    assert contents.authority.certificate == CONTENTS.authority.certificate
    assert contents.leaf.certificate != CONTENTS.leaf.certificate
    assert contents.leaf.hosts == CONTENTS.leaf.hosts
    assert contents.leaf.certificate.not_valid_after_utc == NOW + dt.timedelta(days=7)


def ages_apart(leaf: dt.timedelta, hosts: tuple[str, ...] = POLICY.hosts) -> Contents:
    """Fill a Secret whose authority is from another time than its leaf."""
    authority = Authority.create("ours", now=NOW, lifetime=dt.timedelta(days=300))
    return Contents(authority=authority, leaf=authority.issue(hosts, now=NOW, lifetime=leaf))


@pytest.mark.parametrize("days", [7, 200, 299])
@pytest.mark.parametrize("arguments", [(), ("--ca",)])
def test_lifetimes_that_no_longer_fit_are_no_obstacle(
    api: Scripted, days: int, arguments: tuple[str, ...]
) -> None:
    """After the lifetimes were changed a leaf may last longer than its authority could allow."""
    has_secret(api, ages_apart(dt.timedelta(days=days)).data())
    api.answer(200, {})

    assert run("rotate", *arguments).exit_code == 0
    contents = written(api)
    made = contents.next or contents.leaf
    lifetime = dt.timedelta(days=300 if arguments else days)
    assert made.certificate.not_valid_after_utc == NOW + lifetime


def test_authority_is_introduced(api: Scripted) -> None:
    """With --ca the next authority stands beside the one before, which goes on issuing."""
    has_secret(api, CONTENTS.data())
    api.answer(200, {})
    result = run("rotate", "--ca")

    contents = written(api)
    assert result.stdout.startswith("Secret default/source-ip-webhook-tls holds a next authority.")
    assert contents.leaf.certificate == CONTENTS.leaf.certificate
    assert contents.next is not None
    assert contents.next.certificate.not_valid_after_utc == NOW + POLICY.authority_lifetime
    assert OURS.made(contents.next.certificate)


@pytest.mark.parametrize(
    ("data", "arguments", "why"),
    [
        ({}, (), "holds nothing yet: start the webhook, and it will."),
        (ROTATING.data(), ("--ca",), "holds a next authority already"),
        ({"tls.crt": b"x", "tls.key": b"y"}, (), "lacks ca.crt and ca.key: it is not rotated."),
        ({**CONTENTS.data(), "other": b"x"}, ("--ca",), "holds other, which is not ours"),
        (
            rotation.create(POLICY, NOW - 2 * POLICY.authority_lifetime).data(),
            (),
            "holds an authority that is not valid at this time: replace it with --ca.",
        ),
        (
            ages_apart(dt.timedelta(seconds=9)).data(),
            (),
            "holds what cannot be made again as it is: leaf_lifetime 0:00:09 is less than",
        ),
    ],
)
def test_what_cannot_be_rotated_stays(
    api: Scripted, data: Mapping[str, bytes], arguments: tuple[str, ...], why: str
) -> None:
    """Nothing yet, a rotation under way, and what is not ours: one sentence, and no write."""
    has_secret(api, data)
    result = run("rotate", *arguments)

    assert result.exit_code == 2
    assert why in result.stderr
    assert [asked.method for asked in api.asked] == ["GET"]


@pytest.mark.parametrize("command", [("show",), ("rotate",)])
def test_objection_of_the_cluster_is_a_sentence(api: Scripted, command: tuple[str, ...]) -> None:
    """A right that is missing is told in the API server's words, and the end is 2."""
    api.answer(403, {"message": "user x cannot get it"})
    result = run(*command)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "user x cannot get it" in result.stderr


@pytest.mark.parametrize("command", ["show", "rotate"])
def test_cluster_and_user_are_those_of_the_flags(
    api: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """File, context and user are named as to kubectl, whatever the environment says."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))
    for _ in range(2):
        api.answer(403, {"message": "user x cannot get it"})
    there = ("--kubeconfig", str(tmp_path / "config"), "--context", "test")
    result = run(command, *there, "--as", "jane", "--as-group", "ops")

    assert "user x cannot get it" in result.stderr
    assert api.asked[0].headers["impersonate-user"] == "jane"
    assert api.asked[0].headers["impersonate-group"] == "ops"


@pytest.mark.parametrize("command", ["show", "rotate"])
def test_namespace_is_that_of_the_chosen_context(
    api: Scripted, tmp_path: Path, command: str
) -> None:
    """The Secret is looked for where the file and the context lead that the flags name."""
    user = {"token": "secret-token"}
    path = kubeconfigs.write(tmp_path / "other", api.url, user, namespace="current")
    content = json.loads(path.read_text())
    chosen = {"cluster": "test", "user": "test", "namespace": "chosen"}
    content["contexts"].append({"name": "b", "context": chosen})
    path.write_text(json.dumps(content))
    for flags, namespace in (((), "current"), (("--context", "b"), "chosen")):
        if command == "show":
            has_configuration(api, pods=b"")
        api.answer(403, {"message": "user x cannot get it"})
        run(command, "--kubeconfig", str(path), *flags)
        secrets = [asked.path for asked in api.asked if "/secrets/" in asked.path]
        assert f"/namespaces/{namespace}/secrets/" in secrets[-1]


def test_output_that_nobody_takes_is_a_sentence(
    api: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A closed standard output is no traceback."""
    has_configuration(api, pods=b"")
    has_secret(api, CONTENTS.data())
    monkeypatch.setattr(sys.modules["webhook.cli.certificates"], "delivered", _closed)
    result = run("show")

    assert (result.exit_code, result.stderr) == (2, "Error: Standard output is closed.\n")


def _closed(_stream: object) -> Any:
    from webhook.cli.shared import DeliveryError  # noqa: PLC0415

    raise DeliveryError("Standard output is closed.")
