"""The kernel's tables of connections, and whom an application is connected to by them."""

from ipaddress import ip_address

from webhook.audit.sockets import SIDECAR, Connection, Socket, accepted, parse

OWN = {ip_address("10.244.2.20"), ip_address("fd00::20")}
ANY = ip_address(0)
CLIENT = ip_address("10.244.1.10")
(REDIRECTED,) = (each for each in SIDECAR if each.version == 4)
TABLES = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:3A9E 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2617852 1
   1: 0100007F:A169 0100007F:1F40 01 00000000:00000000 00:00000000 00000000     0        0 2617857 2
   2: 0A01F40A:B91F 1402F40A:1F40 01 00000000:00000000 00:00000000 00000000     0        0 2617855 2
   3: 0600007F:B627 1402F40A:1F40 01 00000000:00000000 00:00000000 00000000     0        0 2617853 2
  sl  local_address                         remote_address                        st tx_queue rx
   0: 00000000000000000000000000000000:1F40 00000000000000000000000000000000:0000 0A 00000000:000
   1: 000000FD000000000000000020000000:B0BF 000000FD000000000000000020000000:1F40 01 00000000:000
   2: 0000000000000000FFFF00001402F40A:1F40 0000000000000000FFFF00000600007F:D783 06 00000000:000
   3: 0000000000000000FFFF00000100007F:1F40 0000000000000000FFFF00000100007F:A169 01 00000000:000
   4: 000000FD000000000000000020000000:1F40 000000FD000000000000000020000000:B0BF 01 00000000:000
   5: 0000000000000000FFFF00001402F40A:1F40 0000000000000000FFFF00000600007F:B627 01 00000000:000
   6: 0000000000000000FFFF00001402F40A:1F40 0000000000000000FFFF00000A01F40A:B91F 01 00000000:000
"""
"""As a kernel wrote them, of a server on port 8000 of both families, an agent on 15006, and clients
from 127.0.0.6 (one of them gone), 10.244.1.10 and the Pod itself; lines cut off at their right."""


def test_lines_of_both_tables_are_read() -> None:
    """Addresses are turned round, and those of IPv4 in the table of IPv6 are what they are."""
    sockets = list(parse(TABLES))

    assert len(sockets) == 11
    assert sockets[0] == Socket(ANY, 15006, ANY, 0, 10)
    assert sockets[2] == Socket(CLIENT, 47391, ip_address("10.244.2.20"), 8000, 1)
    own = ip_address("fd00::20")
    assert sockets[5] == Socket(own, 45247, own, 8000, 1)
    assert sockets[6] == Socket(ip_address("10.244.2.20"), 8000, REDIRECTED, 55171, 6)


def test_what_is_no_line_is_passed_over() -> None:
    """Heads, errors of cat and halves of lines are no sockets."""
    assert list(parse("cat: /proc/net/tcp6: No such file or directory\n  0: 0100007F:")) == []


def test_peers_are_those_that_the_application_sees() -> None:
    """Each connection counts once, by its application's side; the Pod's own to itself do not."""
    assert accepted(parse(TABLES), OWN) == {
        Connection(REDIRECTED, 0xB627, 8000, open=True),
        Connection(CLIENT, 0xB91F, 8000, open=True),
    }


LISTENING = Socket(ip_address("::"), 8000, ip_address("::"), 0, 0x0A)
POD = ip_address("10.244.2.20")


def test_client_of_envoy_is_not_one_of_the_application() -> None:
    """Both have a socket at the application's address, and the sidecar's other end tells."""
    downstream = Socket(POD, 8000, CLIENT, 1000, 1)
    upstream = Socket(REDIRECTED, 2000, POD, 8000, 1)
    application = Socket(POD, 8000, REDIRECTED, 2000, 1)

    assert accepted([LISTENING, downstream, upstream, application], OWN) == {
        Connection(REDIRECTED, 2000, 8000, open=True)
    }


def test_client_without_a_sidecar_between_is_seen() -> None:
    """Where nothing in the Pod is the other end, the peer is whoever has called."""
    waiting = Socket(POD, 8000, CLIENT, 1000, 0x08)
    gone = Socket(POD, 8000, CLIENT, 1001, 0x06)

    assert accepted([LISTENING, waiting, gone], OWN) == {
        Connection(CLIENT, 1000, 8000, open=True),
        Connection(CLIENT, 1001, 8000, open=False),
    }


def test_what_the_application_calls_itself_is_not_accepted() -> None:
    """A connection to another Pod's port is none of ours, nor is one that is only being made."""
    elsewhere = Socket(POD, 40000, ip_address("10.244.2.21"), 8000, 1)
    syn_sent = Socket(POD, 8000, CLIENT, 1000, 0x02)
    to_istio = Socket(POD, 15006, CLIENT, 1000, 1)
    agent = Socket(ANY, 15006, ANY, 0, 0x0A)

    assert accepted([LISTENING, agent, elsewhere, syn_sent, to_istio], OWN) == set()
