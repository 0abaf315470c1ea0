"""The flags of the TLS source: what they make of the command line, and what they refuse."""

import datetime as dt
import itertools
import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from certs.policy import Policy
from tests import kubeconfig
from webhook.cli.shared import ENVIRONMENT
from webhook.cli.tls import Duration, with_tls
from webhook.cluster import access
from webhook.settings import CertificateFiles, Managed, SelfSigned, written

SERVICE = ("source-ip-webhook", "source-ip-webhook.shop", "source-ip-webhook.shop.svc")


def chosen(*arguments: str, **environment: str) -> Any:
    """Run a command that has these flags, and return the source, or the sentence that refuses."""
    taken: list[Any] = []

    @click.command(context_settings=ENVIRONMENT)
    @with_tls
    def command(tls: Any) -> None:
        taken.append(tls)

    result = CliRunner().invoke(command, arguments, env=environment)
    return taken[0] if taken else result.stderr.rpartition("Error: ")[2].strip()


def test_managed_has_the_policys_own_defaults() -> None:
    """Without further flags everything is as the policy says, for the names of the Service."""
    assert chosen("--tls-managed", "--tls-namespace", "shop") == Managed(
        namespace="shop", policy=Policy(hosts=SERVICE)
    )


def test_every_choice_arrives() -> None:
    """Each flag fills the field that it is for, from the environment too."""
    managed = chosen(
        *("--tls-managed", "--tls-namespace", "shop", "--tls-secret", "mine"),
        *("--tls-service", "hook", "--tls-host", "10.0.0.1", "--tls-host", "hook.example.org"),
        *("--tls-ca-lifetime", "300d", "--tls-propagation", "5s", "--tls-overlap", "1h30m"),
        SOURCE_IP_WEBHOOK_TLS_LEAF_LIFETIME="36h",
    )
    assert managed == Managed(
        namespace="shop",
        secret="mine",  # noqa: S106  its name
        policy=Policy(
            hosts=("hook", "hook.shop", "hook.shop.svc", "10.0.0.1", "hook.example.org"),
            authority_lifetime=dt.timedelta(days=300),
            leaf_lifetime=dt.timedelta(hours=36),
            propagation=dt.timedelta(seconds=5),
            overlap=dt.timedelta(minutes=90),
        ),
    )


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--tls-host", "ümlaut"), "'ümlaut' is no DNS name and no address"),
        (("--tls-host", ""), "'' is no DNS name and no address"),
        (("--tls-service", "a b"), "'a b' is no DNS name and no address"),
        (("--tls-leaf-lifetime", "9s"), "--tls-leaf-lifetime 9s is less than ten seconds: "),
        (
            ("--tls-leaf-lifetime", "2000d"),
            "--tls-leaf-lifetime 2000d is more than a third of --tls-ca-lifetime 365d: ",
        ),
        (
            ("--tls-propagation", "31d"),
            "--tls-propagation 31d is more than a third of --tls-leaf-lifetime 90d: ",
        ),
        (
            ("--tls-leaf-lifetime", "1h"),
            "--tls-overlap 1h is more than a third of --tls-leaf-lifetime 1h: ",
        ),
        (
            ("--tls-overlap", "59s"),
            "--tls-overlap 59s is less than twice --tls-propagation 30s: ",
        ),
        (("--tls-overlap", "0s"), "--tls-overlap 0s is no time at all: "),
        (("--tls-host", "{overlap}"), "'{overlap}' is no DNS name and no address"),
        (("--tls-overlap", "soon"), "Invalid value for '--tls-overlap': 'soon' is no length"),
    ],
)
def test_what_could_not_work_is_a_sentence(arguments: tuple[str, ...], why: str) -> None:
    """Names that no certificate can be for, and times that contradict each other."""
    assert chosen("--tls-managed", "--tls-namespace", "shop", *arguments).startswith(why)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90d", dt.timedelta(days=90)),
        ("1h30m", dt.timedelta(minutes=90)),
        ("1d2h3m4s", dt.timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("0s", dt.timedelta()),
    ],
)
def test_length_of_time_is_read_and_written(text: str, length: dt.timedelta) -> None:
    """Whole numbers with their units, there and back."""
    assert Duration().convert(text, None, None) == length
    assert Duration().convert(length, None, None) == length
    assert written(length) == text


@pytest.mark.parametrize("text", ["", "90", "d", "1.5h", "-1s", "1w", "90 d", "1s "])
def test_no_length_of_time_is_a_sentence(text: str) -> None:
    """Anything else is refused with examples."""
    with pytest.raises(click.BadParameter, match=r"is no length of time: .*such as 90d or 1h30m"):
        Duration().convert(text, None, None)


@pytest.mark.parametrize("text", ["99999999999999d", "4000000d"])
def test_time_beyond_the_calendar_is_a_sentence(text: str) -> None:
    """A certificate that would end after the year 9999 cannot be written."""
    with pytest.raises(click.BadParameter, match="is longer than a calendar can be"):
        Duration().convert(text, None, None)


def test_namespace_is_the_pods_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a Pod nobody has to say where it is."""
    (tmp_path / "namespace").write_text("shop\n")
    monkeypatch.setattr(access, "_SERVICE_ACCOUNT", tmp_path)
    assert chosen("--tls-managed").policy.hosts == SERVICE


@pytest.mark.parametrize(("named", "hosts"), [("shop", SERVICE), (None, None)])
def test_namespace_outside_of_a_pod_is_the_contexts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    named: str | None,
    hosts: tuple[str, ...] | None,
) -> None:
    """The kubeconfig's context tells; where it does not, it is the default one, as for kubectl."""
    monkeypatch.setattr(access, "_SERVICE_ACCOUNT", tmp_path / "none")
    path = kubeconfig.write(tmp_path / "config", "https://127.0.0.1", {"token": "x"})
    content = json.loads(path.read_text())
    if named is not None:
        content["contexts"][0]["context"]["namespace"] = named
    path.write_text(json.dumps(content))
    managed = chosen("--tls-managed", KUBECONFIG=str(path))
    assert managed.namespace == (named or "default")
    assert managed.policy.hosts == (hosts or tuple(h.replace("shop", "default") for h in SERVICE))


def test_namespace_is_the_default_one_where_nothing_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a pod nor a kubeconfig: that nothing works then is said where it does not."""
    monkeypatch.setattr(access, "_SERVICE_ACCOUNT", tmp_path / "none")
    assert chosen("--tls-managed", KUBECONFIG=str(tmp_path / "none")).namespace == "default"


@pytest.mark.parametrize("given", list(itertools.product([False, True], repeat=4)))
def test_exactly_one_source_can_be_given(given: tuple[bool, bool, bool, bool]) -> None:
    """Of all combinations of the flags three make sense, and every other is one sentence."""
    flags = [["--tls-cert", "c"], ["--tls-key", "k"], ["--tls-self-signed", "d"], ["--tls-managed"]]
    arguments = [word for wanted, flag in zip(given, flags, strict=True) if wanted for word in flag]
    good: dict[tuple[bool, bool, bool, bool], type] = {
        (True, True, False, False): CertificateFiles,
        (False, False, True, False): SelfSigned,
        (False, False, False, True): Managed,
    }
    assert type(chosen(*arguments, "--tls-namespace", "shop")) is good.get(given, str)


def test_sources_can_come_from_the_environment() -> None:
    """Every flag is also a variable, those without a value and those with several included."""
    assert chosen(SOURCE_IP_WEBHOOK_TLS_CERT="c", SOURCE_IP_WEBHOOK_TLS_KEY="k") == (
        CertificateFiles(certificate=Path("c"), key=Path("k"))
    )
    managed = chosen(
        SOURCE_IP_WEBHOOK_TLS_MANAGED="true",
        SOURCE_IP_WEBHOOK_TLS_NAMESPACE="shop",
        SOURCE_IP_WEBHOOK_TLS_HOST="a.example 10.0.0.1",
    )
    assert managed.policy.hosts == (*SERVICE, "a.example", "10.0.0.1")


@pytest.mark.parametrize("field", ["authority_lifetime", "leaf_lifetime", "propagation", "overlap"])
def test_default_times_are_read_as_they_are_shown(field: str) -> None:
    """What ``--help`` shows is what the policy has, to the second."""
    default = getattr(Policy(hosts=()), field)
    assert Duration().convert(written(default), None, None) == default
