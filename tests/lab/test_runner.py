"""Running cases: in their order, all of them, and nothing is passed over."""

from collections.abc import Iterator
from typing import ClassVar

import pytest

from tests.lab.addresses import SIDECAR, AddressBook
from tests.lab.case import Case, Check, Seen
from tests.lab.lab import Lab
from tests.lab.record import Look
from tests.lab.runner import Runner


class Notebook(Lab):
    """A lab without a cluster: the cases here need none, and note down what they do."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.notes: list[str] = []

    def stop(self) -> None:
        """Note that."""
        self.notes.append("stop")

    def book(self) -> AddressBook:
        """Know the sidecar, and one Pod."""
        return AddressBook({"127.0.0.6": SIDECAR, "10.244.1.4": "Pod sleep"})

    def troubles(self) -> str:
        """Have none to show."""
        return ""


class Noting:
    """A case that sees an address change as it should."""

    name: ClassVar[str] = "noting"
    title: ClassVar = "A case"
    change: ClassVar = "a change"
    needs: ClassVar[tuple[str, ...]] = ()
    checks: ClassVar[tuple[Check, ...]] = (Check("ip", "what", "command", SIDECAR, "Pod sleep"),)

    def __init__(self) -> None:
        """Begin before the change."""
        self.address = "127.0.0.6"

    def deploy(self, lab: Lab) -> None:
        """Note that."""
        assert isinstance(lab, Notebook)
        lab.notes.append(f"{self.name} deploys")

    def look(self, _lab: Lab) -> Iterator[Seen]:
        """See the address."""
        yield "ip", self.address

    def make_change(self, _lab: Lab) -> None:
        """Change the address."""
        self.address = "10.244.1.4"


class Following(Noting):
    """One that goes on where the other ended."""

    name: ClassVar[str] = "following"
    needs: ClassVar[tuple[str, ...]] = ("noting",)


class Unchanged(Noting):
    """One whose change has no effect."""

    name: ClassVar[str] = "unchanged"

    def make_change(self, _lab: Lab) -> None:
        """Change nothing."""


class Failing(Noting):
    """One that cannot make its change."""

    name: ClassVar[str] = "failing"

    def make_change(self, _lab: Lab) -> None:
        """Fail."""
        raise OSError("no such thing")


class AfterFailing(Noting):
    """One that needs the one that fails."""

    name: ClassVar[str] = "after-failing"
    needs: ClassVar[tuple[str, ...]] = ("failing",)


def run(*cases: Case) -> tuple[Runner, Notebook, list[tuple[str, str, Look]]]:
    """Run cases; return the runner, the lab, and what was told."""
    lab = Notebook()
    told: list[tuple[str, str, Look]] = []
    runner = Runner(
        lab,
        cases,
        lambda case, _, when, look: told.append((case.name, when, look)),
        lab.notes.append,
    )
    runner.run()
    return runner, lab, told


def test_looks_are_compared_and_told() -> None:
    """Both looks are kept, told at once, and as expected."""
    runner, _, told = run(Noting())

    before = Look(SIDECAR, "127.0.0.6", SIDECAR)
    after = Look("Pod sleep", "10.244.1.4", "Pod sleep")
    assert told == [("noting", "before", before), ("noting", "after", after)]
    assert (runner.bad, runner.missing, runner.failures) == ([], [], {})
    record = runner.record({"n1": "10.99.0.11"}, {"all": 1.0})
    assert [(row.before, row.after) for row in record.rows] == [(before, after)]
    assert set(record.seconds) == {"all", "noting"}


def test_wrong_owner_is_noticed() -> None:
    """An address that has not changed is not what was expected after the change."""
    runner, _, _ = run(Unchanged())

    assert runner.bad == ["unchanged ip after"]


def test_following_case_waits() -> None:
    """A case that needs another one begins when that one is over."""
    _, lab, _ = run(Following(), Noting())

    deployed = [note for note in lab.notes if note.endswith("deploys")]
    assert deployed == ["noting deploys", "following deploys"]


def test_failure_does_not_stop_the_others() -> None:
    """A case that fails is told with its reason; what needs it does not run, all others do."""
    runner, _, told = run(Failing(), AfterFailing(), Noting())

    assert "OSError: no such thing" in runner.failures["failing"]
    assert runner.missing == [
        "failing ip after",
        "after-failing ip before",
        "after-failing ip after",
    ]
    assert [(name, when) for name, when, _ in told if name == "noting"] == [
        ("noting", "before"),
        ("noting", "after"),
    ]
    assert len(runner.record({}, {}).rows) == 1


def test_interruption_stops_the_lab() -> None:
    """Ctrl-C while cases run stops whatever they would do next."""

    class Interrupted(Noting):
        def deploy(self, lab: Lab) -> None:  # noqa: ARG002 - the protocol's
            raise KeyboardInterrupt

    lab = Notebook()
    with pytest.raises(KeyboardInterrupt):
        Runner(lab, [Interrupted()], lambda *_: None, lab.notes.append).run()

    assert lab.notes[-1] == "stop"
