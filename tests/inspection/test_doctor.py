"""Every check of doctor's fails or warns in a real mesh, and is well after what it prints."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.user import Answer
from tests.inspection.admin import Admin, Json, workload
from tests.inspection.illnesses import INFORMATION, ROUNDS, Round
from tests.inspection.proxy import Proxy
from webhook.doctor.checks import Status
from webhook.doctor.run import SUBJECTS

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def proxy(admin: Admin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Proxy, Path]]:
    """A proxy in front of the API server, and the kubeconfig that leads through it."""
    found = Proxy(admin.cluster.api.server, admin.cluster.api.ca_file)
    user = json.loads(admin.cluster.kubeconfig.read_text())["users"][0]["user"]
    with found.serving(tmp_path_factory.mktemp("proxy"), user) as file:
        yield found, file


def named(answer: Answer, status: Status) -> set[str]:
    """Name the checks that have a status at least once."""
    return {each["name"] for each in answer.report["checks"] if each["status"] == status}


@pytest.mark.parametrize("visit", ROUNDS, ids=lambda visit: visit.name)
def test_is_found_and_mended(admin: Admin, proxy: tuple[Proxy, Path], visit: Round) -> None:
    """What is wrong is said with evidence and cure; after the cure the next run is clean of it."""
    between, file = proxy
    by_proxy = ("--kubeconfig", str(file)) if visit.seen_by_proxy else ()
    with visit.ill(admin, between):
        answer = admin.doctor(*by_proxy, *visit.flags)
        wrong: list[Json] = [
            each
            for each in answer.report["checks"]
            if each["name"] in visit.fails | visit.warns and each["status"] != Status.OK
        ]
        assert answer.code == 1
        assert named(answer, Status.FAILED) >= visit.fails, answer.text
        assert named(answer, Status.WARNING) >= visit.warns, answer.text
        assert all(each["evidence"] and each["cure"] for each in wrong)
        for each in wrong:
            if each["name"] in visit.typed:
                admin.user.type(command_in(each["cure"]))

    def is_well() -> bool:
        after = admin.doctor(*by_proxy)
        ill = named(after, Status.FAILED) | named(after, Status.WARNING)
        return not ill & (visit.fails | visit.warns)

    admin.wait_for(is_well, f"doctor to be content after {visit.name}", interval_seconds=1)


def command_in(cure: str) -> str:
    """Take the command out of a cure that introduces it: "Install the chart: helm ..."."""
    return cure.rpartition(": ")[2] if cure.startswith("Install the chart: ") else cure


def test_network_is_described(admin: Admin) -> None:
    """What leads to Services is named, with what that means for Local: nobody has to act."""
    speaker = workload("speaker", "DaemonSet")
    speaker["metadata"]["labels"] = {"app": "metallb", "component": "speaker"}
    admin.create(
        workload("kube-proxy", "DaemonSet"),
        workload("terway-eniip", "DaemonSet"),
        speaker,
        namespace="kube-system",
    )
    try:
        answer = admin.doctor()
    finally:
        names = ("kube-proxy", "terway-eniip", "speaker")
        admin.kubectl("delete", "daemonset", *names, namespace="kube-system")

    told = {each["name"]: each for each in answer.report["checks"]}
    assert {told[name]["status"] for name in INFORMATION} == {Status.OK}
    assert all("DaemonSet/" in told[name]["evidence"][0] for name in INFORMATION)


def test_every_check_has_been_ill() -> None:
    """There is no check that is not made to fail, or to warn, but those that only inform."""
    ill = frozenset().union(*(visit.fails | visit.warns for visit in ROUNDS))

    assert ill | INFORMATION == {subject.name for subject in SUBJECTS}


def test_all_is_well_in_the_end(admin: Admin) -> None:
    """After all of it nothing is wrong, and everything could be told.

    What was ill may still be on its way out, and a call of doctor's own may have been a slow one.
    """
    said: list[Answer] = []

    def is_well() -> bool:
        said.append(admin.doctor())
        return said[-1].code == 0

    try:
        admin.wait_for(is_well, "doctor to be content", interval_seconds=1)
    except TimeoutError as error:
        error.add_note(said[-1].text)
        raise
