"""Whether the webhook is asked before Istio's injector, for who wants to know no more than that."""

from typing import Any

import pytest

from tests.unit.doctor.played import CONFIGURATIONS, Played, configuration, injector
from webhook.cluster import Forbidden
from webhook.doctor import order


@pytest.mark.parametrize(
    ("answer", "ordered"),
    [
        ([configuration(), injector()], True),
        ([configuration(), injector(), injector("0-a")], False),
        ([configuration()], None),
        ([injector()], None),
        (Forbidden("get: HTTP 403, no"), None),
    ],
    ids=["before", "after one of two", "no Istio", "no webhook", "not told"],
)
def test_answer_is_yes_no_or_unknown(answer: Any, ordered: bool | None) -> None:
    """It is unknown where it cannot be read, and where there are no two to put in order."""
    client = Played({CONFIGURATIONS: answer})

    assert order.before_istio(client, "0-source-ip-webhook") is ordered
    assert client.asked == [CONFIGURATIONS]
