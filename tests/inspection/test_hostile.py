"""An API server that is busy, dies half-way, or lets somebody do nothing: one sentence, code 2.

Each command has a proxy of its own in front of the API server, and all of them run at a time:
most of that time they wait before they ask again.
"""

import contextlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import kubeconfig
from tests.cluster import mesh
from tests.cluster.user import Answer
from tests.inspection.admin import Admin, Json, load_balancer, workload
from tests.inspection.proxy import Proxy

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("place")]

PLACE = "hostile"
COMMANDS = (
    "audit",
    f"audit --namespace {PLACE}",
    "audit --live",
    "audit --fix --yes",
    "doctor",
    f"certificates show --tls-namespace {mesh.NAMESPACE}",
)
"""Every command that asks an API server, and ends."""
MANY = 10**9


@pytest.fixture(scope="module")
def place(admin: Admin) -> str:
    """A namespace with something to be found in it, on several pages where pages are small."""
    admin.namespace(PLACE)
    admin.create(workload("one"), workload("two"), workload("three"), namespace=PLACE)
    admin.wait_for(lambda: len(admin.pods(PLACE)) == 3, "the Pods")
    admin.pass_a_second()
    admin.opt_in(PLACE)
    admin.create(load_balancer(), namespace=PLACE)
    return PLACE


def through(
    admin: Admin, folder: Path, set_up: Callable[[Proxy], None], *command: str
) -> tuple[Answer, Proxy]:
    """Run a command that asks through a proxy.

    Args:
        admin: Who runs it.
        folder: For the proxy.
        set_up: Says what the proxy does.
        command: What is run.
    """
    proxy = Proxy(admin.cluster.api.server, admin.cluster.api.ca_file)
    set_up(proxy)
    user = json.loads(admin.cluster.kubeconfig.read_text())["users"][0]["user"]
    folder.mkdir(exist_ok=True)
    with proxy.serving(folder, user) as file:
        return admin.user.run(*command, KUBECONFIG=str(file)), proxy


def all_through(
    admin: Admin, folder: Path, set_up: Callable[[Proxy], None]
) -> dict[str, tuple[Answer, Proxy]]:
    """Run all commands, each through a proxy of its own."""

    def run(numbered: tuple[int, str]) -> tuple[Answer, Proxy]:
        number, command = numbered
        return through(admin, folder / str(number), set_up, *command.split())

    with ThreadPoolExecutor(len(COMMANDS)) as pool:
        return dict(zip(COMMANDS, pool.map(run, enumerate(COMMANDS)), strict=True))


def verdicts(report: Json) -> list[tuple[str, str]]:
    """Return what doctor says of each check, without figures that differ from run to run."""
    return [(each["name"], each["status"]) for each in report["checks"]]


def test_nobody_is_told_what_may_not_be_done(admin: Admin, tmp_path: Path) -> None:
    """With the token of somebody without rights, each command says who may not do what."""
    admin.kubectl("create", "serviceaccount", "nobody")
    api = admin.cluster.api
    user = {"token": api.service_account_token("nobody")}
    file = kubeconfig.write(tmp_path / "nobody", api.server, user, api.ca_file)
    impersonated = ("--as", "system:serviceaccount:default:nobody")

    def run(command: str) -> Answer:
        return admin.user.run(*command.split(), KUBECONFIG=str(file))

    def run_as(command: str) -> Answer:
        return admin.user.run(command, *impersonated)

    with ThreadPoolExecutor(len(COMMANDS)) as pool:
        answers = [*pool.map(run, COMMANDS), *pool.map(run_as, ("audit", "doctor"))]

    for answer in answers:
        assert answer.code == 2, answer.text
        assert "serviceaccount:default:nobody" in answer.text


def test_busy_api_server_is_asked_again(admin: Admin, tmp_path: Path) -> None:
    """Where the first answers are 429, the report is the one that a quiet API server gives."""

    def be_busy(proxy: Proxy) -> None:
        proxy.busy = 3

    def run(command: str) -> tuple[Answer, Proxy]:
        return through(admin, tmp_path / command, be_busy, command, "--output=json")

    def are_the_same() -> bool:
        with ThreadPoolExecutor(2) as pool:
            (audit, before_audit), (doctor, before_doctor) = pool.map(run, ("audit", "doctor"))
        assert before_audit.busy == before_doctor.busy == 0
        quiet = admin.audit().report, verdicts(admin.doctor().report)
        return (audit.report, verdicts(doctor.report)) == quiet

    admin.wait_for(are_the_same, "nothing to change between two reports", interval_seconds=1)


def test_api_server_that_stays_busy_is_told(admin: Admin, tmp_path: Path) -> None:
    """Where every answer is 429, each command gives up and says so."""

    def stay_busy(proxy: Proxy) -> None:
        proxy.busy, proxy.retry_after = MANY, 0

    for answer, _ in all_through(admin, tmp_path, stay_busy).values():
        assert answer.code == 2, answer.text
        assert "429" in answer.text


@pytest.mark.parametrize("within", [1, 5])
def test_api_server_that_dies_is_told(admin: Admin, tmp_path: Path, within: int) -> None:
    """Where the API server dies within an answer, each command says what it could not read."""

    def die(proxy: Proxy) -> None:
        proxy.page, proxy.dies_within = 1, within

    for command, (answer, proxy) in all_through(admin, tmp_path, die).items():
        # It may have needed no more than it got. What it had read before may be a finding.
        assert answer.code == 2 or within > 1, (command, answer.text)
        assert not proxy.dead or answer.code == 2 or "ould not" in answer.text, answer.text


def test_list_goes_on_over_pages(admin: Admin, tmp_path: Path) -> None:
    """With one object in each page the report is the same."""

    def turn(proxy: Proxy) -> None:
        proxy.page = 1

    def are_the_same() -> bool:
        answer, proxy = through(admin, tmp_path, turn, "audit", "--output=json")
        assert any("continue=" in path for path in proxy.requests)
        return bool(answer.report == admin.audit().report)

    admin.wait_for(are_the_same, "nothing to change between two reports", interval_seconds=1)


def test_api_server_that_is_stopped_is_told(admin: Admin, tmp_path: Path) -> None:
    """Where kube-apiserver is stopped in the middle of a list, that is told, and not its half."""
    stopped: list[str] = []

    def stop(path: str) -> None:
        if "/pods" in path and "continue=" in path and not stopped:
            stopped.append(path)
            admin.cluster.stop_apiserver()

    def set_up(proxy: Proxy) -> None:
        proxy.page, proxy.before = 1, stop

    with contextlib.ExitStack() as stack:
        stack.callback(admin.cluster.start_apiserver)
        answer, _ = through(admin, tmp_path, set_up, "audit", f"--namespace={PLACE}", "-ojson")

    assert stopped
    assert answer.report["unknown"], answer.text
