"""What is read from the answers of programs."""

import pytest

from tests.lab.crowd import reading
from tests.lab.east_west import peer
from tests.lab.lab import origin

REDIRECT = """\
Active Internet connections (w/o servers)
Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name
tcp        0      0 10.244.2.6:15006        10.244.1.4:39058        ESTABLISHED -
tcp        0      0 127.0.0.6:42169         10.244.2.6:8000         ESTABLISHED -
tcp        0      0 10.244.2.6:8000         127.0.0.6:42169         ESTABLISHED 7/python
"""
TPROXY = """\
Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name
tcp        0      0 10.244.2.6:8000         10.244.1.4:39058        ESTABLISHED -
tcp        0      0 10.244.1.4:46129        10.244.2.6:8000         ESTABLISHED -
tcp        0      0 10.244.2.6:8000         10.244.1.4:46129        TIME_WAIT   -
"""


@pytest.mark.parametrize(
    ("netstat", "logged", "found"),
    [
        (REDIRECT, "127.0.0.6:42169", "127.0.0.6:42169"),
        (TPROXY, "10.244.1.4:46129", "10.244.1.4:46129"),
        (REDIRECT, "10.244.1.4:39058", "127.0.0.6:42169 instead of 10.244.1.4:39058"),
        ("", "127.0.0.6:42169", "nothing instead of 127.0.0.6:42169"),
    ],
)
def test_socket_is_the_one_that_the_sidecar_logged(netstat: str, logged: str, found: str) -> None:
    """Of all sockets of the Pod the one counts by which the sidecar says that it called."""
    assert peer(netstat, logged) == found


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        ('{\n  "origin": "10.244.1.4"\n}\n', "10.244.1.4"),
        ("no answer", "no answer"),
        ("upstream connect error", "upstream connect error"),
        ("{}", "{}"),
    ],
)
def test_origin_is_read(answer: str, seen: str) -> None:
    """The address of httpbin's answer, or whatever else came."""
    assert origin(answer) == seen


@pytest.mark.parametrize(
    ("seen", "means"),
    [
        ("2000 of 2000", "all"),
        ("1000 of 2000", "as many as ports"),
        ("966 of 2000", "as many as ports"),
        ("831 of 2000", "as many as ports"),
        ("1001 of 2000", "neither"),
        ("499 of 2000", "neither"),
    ],
)
def test_more_than_ports_is_not_as_many(seen: str, means: str) -> None:
    """A few may be missed of the connections that ports would do for, but none may be too many."""
    assert reading(seen) == means
