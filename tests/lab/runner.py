"""Running cases: those that go on where another one ended after it, all others at the same time."""

import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.lab.case import Case, Check
from tests.lab.lab import Lab, StoppedError
from tests.lab.record import Look, Record, Row, Theme

_AT_A_TIME = 4
"""Cases that run at the same time: more of them only wait for the processor."""

Told = Callable[[Case, Check, str, Look], None]
"""Takes each look: the case, the check, "before" or "after", and what was seen."""


class Runner:
    """Runs cases, and keeps what they saw.

    Attributes:
        looks: What was seen, by case, check and "before" or "after".
        failures: Cases that could not be finished, with the reason.
        seconds: How long each case took.
    """

    def __init__(
        self, lab: Lab, cases: Sequence[Case], told: Told, say: Callable[[str], None]
    ) -> None:
        """Take the cases, and who is told of what happens; told from several threads.

        Args:
            lab: Where they run.
            cases: Each after those that it needs.
            told: Takes each look.
            say: Takes a line of progress.
        """
        self._lab = lab
        self._cases = cases
        self._told = told
        self._say = say
        self.looks: dict[tuple[str, str, str], Look] = {}
        self._chosen = {case.name for case in cases}
        self.failures: dict[str, str] = {}
        self.seconds: dict[str, float] = {}

    def run(self) -> None:
        """Run all cases to their end."""
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            try:
                running = [pool.submit(self._chain, first) for first in self._first()]
                for each in running:
                    each.result()
            except BaseException:
                self._lab.stop()
                raise

    def record(self, places: dict[str, str], seconds: dict[str, float]) -> Record:
        """Return what was seen, of the checks that were looked at twice."""
        rows = []
        for case in self._cases:
            for check in case.checks:
                looks = [self.looks.get((case.name, check.key, when)) for when in _TIMES]
                if looks[0] and looks[1]:
                    text = (case.name, check.key, check.what, check.command)
                    rows.append(Row(*text, looks[0], looks[1]))
        themes = tuple(Theme(case.name, case.title, case.change) for case in self._cases)
        return Record(themes, tuple(rows), places, {**seconds, **self.seconds})

    @property
    def bad(self) -> list[str]:
        """Name the looks that were not as expected."""
        return [" ".join(key) for key, look in self.looks.items() if not look.good]

    @property
    def missing(self) -> list[str]:
        """Name the looks that never came."""
        return [
            f"{case.name} {check.key} {when}"
            for case in self._cases
            for check in case.checks
            for when in _TIMES
            if (case.name, check.key, when) not in self.looks
        ]

    def _first(self) -> list[Case]:
        return [case for case in self._cases if not self._chosen & set(case.needs)]

    def _chain(self, case: Case) -> None:
        """Run a case, and after it those that go on from there."""
        began = time.monotonic()
        try:
            self._one(case)
        except StoppedError:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the other cases go on
            self.failures[case.name] = f"{_words(error)}\n{self._lab.troubles()}"
            self._say(f"{case.name} could not go on: {error}")
            return
        finally:
            self.seconds[case.name] = round(time.monotonic() - began, 1)
        for following in self._cases:
            if case.name in following.needs:
                self._chain(following)

    def _one(self, case: Case) -> None:
        self._say(f"{case.name}: deploying")
        case.deploy(self._lab)
        self._look(case, "before")
        self._say(f"{case.name}: {case.change}")
        case.make_change(self._lab)
        self._look(case, "after")

    def _look(self, case: Case, when: str) -> None:
        checks = {check.key: check for check in case.checks}
        for key, seen in case.look(self._lab):
            check = checks[key]
            expected = check.before if when == "before" else check.after
            owner = check.reading or self._lab.book().owner
            look = Look(expected, seen, owner(seen))
            self.looks[case.name, key, when] = look
            self._told(case, check, when, look)


_TIMES = ("before", "after")


def _words(error: Exception) -> str:
    """Show an error with its notes, which have what a tool wrote, and where it came from."""
    return "".join(traceback.format_exception(error))
