"""What the documents show is what the program does."""

import io
import re
from pathlib import Path

import yaml
from click.testing import CliRunner

from tests import audit_document, rules_document
from tests.e2e.registration import configuration
from tests.unit.doctor.played import CONFIGURATIONS, ask, healthy, injector
from webhook import labels
from webhook.admission import proxy_config, services
from webhook.admission.options import Options
from webhook.cli import main
from webhook.cli.offline import write_demo
from webhook.doctor.checks import Status
from webhook.offline import demo
from webhook.server.lifecycle import assemble

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
OPERATION = (ROOT / "docs" / "operation.md").read_text()


def block(text: str, start: str) -> str:
    """Take the first block of code after a place in a document."""
    match = re.search(r"```\w+\n(.*?)```", text[text.index(start) :], re.DOTALL)
    assert match is not None
    return match[1]


def test_readme_shows_what_the_demo_prints() -> None:
    """The table in the README is the demo's own."""
    stream = io.StringIO()
    write_demo(demo.run([], Options(), assemble), stream)

    assert block(README, "<!-- demo -->") in stream.getvalue()


def test_every_command_of_the_readme_exists() -> None:
    """Every command, and every flag of it, that a line of the README names is there."""
    lines = re.findall(r"[$|] source-ip-webhook (\w+)(.*)", README)

    assert lines
    for command, arguments in lines:
        text = CliRunner().invoke(main, [command, "--help"]).stdout
        assert all(flag in text for flag in re.findall(r"(?<= )-+[\w-]+", arguments))
        assert "Usage:" in text


def test_every_flag_of_serve_is_documented() -> None:
    """The table of flags has every flag, and no other."""
    section = OPERATION[OPERATION.index("## Flags") : OPERATION.index("The cluster is found")]
    documented = set(re.findall(r"`(--[a-z0-9-]+)", section))
    flags = {name for parameter in main.commands["serve"].params for name in parameter.opts}

    assert documented == flags


def test_every_flag_of_audit_is_documented() -> None:
    """Its own are in docs/audit.md; those that change a decision are those of serve."""
    page = (ROOT / "docs" / "audit.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `-")]
    documented = {flag for row in rows for flag in re.findall(r"`(-[a-z0-9-]+)", row.split("|")[1])}
    flags = {name for parameter in main.commands["audit"].params for name in parameter.opts}
    of_serve = {name for parameter in main.commands["serve"].params for name in parameter.opts}

    assert documented == flags - (of_serve - {"--configuration"})


def test_bounds_of_a_proxy_configuration_are_documented() -> None:
    """What docs/rules.md says of how much is read is what the code reads."""
    longest, most = f"{proxy_config.LONGEST // 1024} KiB", f"{proxy_config.MOST:,} events"
    bounds = f"{longest}, {most} of the parser, and {proxy_config.DEEPEST} levels of nesting"

    assert bounds in " ".join(rules_document.DOCUMENT.read_text().split())


def test_every_rule_is_documented() -> None:
    """The tables of docs/rules.md are made from the rules, their sources and the situations."""
    assert rules_document.written() == rules_document.tables(), "python -m tests.rules_document"


def test_documented_configuration_is_the_one_that_is_tested() -> None:
    """The MutatingWebhookConfiguration of the document is what the e2e tests register."""
    documented = yaml.safe_load(block(OPERATION, "## The MutatingWebhookConfiguration"))
    tested = configuration("https://x", b"")
    for webhook in (*documented["webhooks"], *tested["webhooks"]):
        webhook.pop("clientConfig")

    assert documented == tested


def test_doctor_has_nothing_against_the_documented_configuration() -> None:
    """Whoever registers the webhook by hand, as the page shows, has cured what doctor checks."""
    text = block(OPERATION, "## The MutatingWebhookConfiguration")
    documented = yaml.safe_load(text.replace('caBundle: "..."', "caBundle: ''"))
    cluster = healthy() | {CONFIGURATIONS: [documented, injector()]}

    for check in ("configuration", "order", "registration", "failure-policy"):
        assert {each.status for each in ask(check, cluster)} == {Status.OK}, check


def test_every_load_balancer_that_is_left_alone_is_documented() -> None:
    """The page names what the rules look at, their reasons and the flags that switch them off."""
    page = (ROOT / "docs" / "load-balancers.md").read_text()
    looked_at = {*labels.SHARING_KEYS, services.CILIUM_L2_CLASS}
    looked_at |= {labels.AZURE_PLS_PROXY_PROTOCOL, labels.BACKEND_TYPE}
    skipped = {"no-selector", "shared-address", "cilium-l2"}
    skipped |= {"azure-pls-proxy-protocol", "eni-load-balancer"}

    for name in {*looked_at, *skipped}:
        assert f"`{name}" in page or f" {name}`" in page, name
    flags = set(re.findall(r"`(--[a-z0-9-]+)", page))
    known = {name for parameter in main.commands["serve"].params for name in parameter.opts}
    assert flags - known == {"--hostname-override"}


def test_tables_of_the_audit_are_what_it_says() -> None:
    """Every reason stands in the page, with the command that the audit itself gives."""
    assert audit_document.written() == audit_document.tables(), "python -m tests.audit_document"
