"""Defaults whose reasons are somebody else's numbers."""

from webhook.settings import Limits, Shutdown, Timeouts


def test_connections_outlive_the_api_servers_keep_alive() -> None:
    """We keep an idle connection longer than the API server does, which is 90 s."""
    assert Timeouts().keep_alive > 90


def test_largest_review_is_taken() -> None:
    """The body limit has room for an object of 3 MiB whose every byte was escaped to six."""
    assert Limits().body > 6 * 3 * 1024 * 1024


def test_answers_in_flight_get_the_time_that_a_call_may_take() -> None:
    """After the port is closed there is more time than the configuration's timeoutSeconds of 2."""
    assert Shutdown().grace > 2
