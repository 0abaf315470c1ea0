"""Ways to a replica: its own address, or its Pod through the API server."""

import re
from pathlib import Path
from typing import Any

import pytest

from certs import bundle
from tests.unit.doctor.played import HOST, SERVED, Played
from tests.unit.doctor.replicas import Listener
from webhook.doctor import ways
from webhook.doctor.ways import Replica, direct, shake_hands, through


def test_direct_way_leads_to_the_address(tmp_path: Path) -> None:
    """The certificate that comes back is the one that is served."""
    with Listener(SERVED.leaf, tmp_path) as listener:
        connection = direct(Replica("", "", "127.0.0.1", listener.port))
        served = shake_hands(connection, bundle.write(SERVED.authorities), HOST)
        connection.close()
    assert served == ("", SERVED.leaf.certificate)


def test_name_that_no_certificate_can_be_for_is_refused() -> None:
    """A URL without a host is an error of its own."""
    connection: Any = None
    served = shake_hands(connection, bundle.write(SERVED.authorities), ".")
    assert served.leaf is None
    assert served.error


def test_way_through_the_api_server_needs_a_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    """It leads to the Pod's port, and nowhere where there is no Pod."""
    asked: list[Any] = []
    monkeypatch.setattr(ways, "port_forward", lambda *args, **_: asked.append(args))
    client = Played({})
    forwarded = through(client)
    forwarded(Replica("source-ip", "x-1", "10.0.0.1", 8443))
    assert asked == [(client, "source-ip", "x-1", 8443)]
    with pytest.raises(OSError, match=re.escape("there is no Pod")):
        forwarded(Replica("", "", "webhook.example.org", 443))
