"""What came of all requests, and whether that is good."""

import collections
import dataclasses
import json

from tests.fuzz.cases import Case
from tests.fuzz.client import Answer
from tests.property.contract import check, check_refusal

_SENTENCES = frozenset({400, 404, 405, 413, 415})
"""Statuses that come with one sentence; those of 404 and 415 quote the request as it came."""
_KEPT = 10
"""Failures that are kept as examples."""


_NOT_HTTP = b"Invalid HTTP request received."
"""What uvicorn itself answers where it cannot even read the request."""


def _sentence(answer: Answer) -> str:
    """Take the sentence out of a refusal, which is a v1 Status as the API server reads it."""
    if answer.body == _NOT_HTTP:
        return _NOT_HTTP.decode()
    status = json.loads(answer.body)
    assert (status["kind"], status["apiVersion"]) == ("Status", "v1")
    assert (status["status"], status["code"]) == ("Failure", answer.status)
    return str(status["message"])


@dataclasses.dataclass
class Tally:
    """Counts of requests and answers, and examples of what should not have been."""

    requests: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    statuses: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    patched: int = 0
    """Answers whose patch was applied to the object and did what it should."""
    failures: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    examples: list[str] = dataclasses.field(default_factory=list)

    @property
    def total(self) -> int:
        """Requests so far."""
        return self.requests.total()

    def count(self, case: Case, answer: Answer) -> None:
        """Count a request and hold its answer against what may come of it."""
        self.requests[case.sort] += 1
        self.statuses[answer.status] += 1
        if answer.status >= 500:
            self.fail("5xx", case, answer)
        elif case.statuses and answer.status not in case.statuses:
            self.fail("unexpected status", case, answer)
        elif answer.status == 200 and case.body:
            try:
                self.patched += check(case.body, answer.body) is not None
            except Exception as error:  # noqa: BLE001  whatever it is, the answer is not good
                self.fail("bad answer", case, answer, repr(error))
        elif answer.status in _SENTENCES and not case.bodiless:
            try:
                check_refusal(_sentence(answer))
            except Exception as error:  # noqa: BLE001  likewise
                self.fail("bad refusal", case, answer, repr(error))

    def fail(
        self, why: str, case: Case | None = None, answer: Answer | None = None, detail: str = ""
    ) -> None:
        """Count a failure and keep it as an example if there are few yet."""
        self.failures[why] += 1
        if len(self.examples) < _KEPT:
            sent = case.sent[:1500] if case else b""
            self.examples.append(f"{why}: {detail} {str(answer)[:300]} to {sent!r}")
