"""Defaults whose reasons are somebody else's numbers."""

from pathlib import Path

from webhook.settings import SelfSigned, Settings

DEFAULTS = Settings(tls=SelfSigned(directory=Path("x")))


def test_connections_outlive_the_api_servers_patience() -> None:
    """We keep an idle connection longer than the API server does, which is 90 s."""
    assert DEFAULTS.patience.idle > 90


def test_largest_review_is_taken() -> None:
    """The body limit has room for an object of 3 MiB whose every byte was escaped to six."""
    assert DEFAULTS.body_limit > 6 * 3 * 1024 * 1024


def test_answers_in_flight_get_the_time_that_a_call_may_take() -> None:
    """After the port is closed there is more time than the configuration's timeoutSeconds of 2."""
    assert DEFAULTS.grace > 2
