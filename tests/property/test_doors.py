"""The short way of a review and the application: two doors, and nobody can tell which was taken."""

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property.doors import PAUSE, Seen, World, converse
from tests.property.effort import tried
from tests.reviews import RECORDED, recorded, review
from tests.server.running import Labelled
from tests.situations import ENABLED, MODE, SITUATIONS, pod
from webhook.server import shortcut
from webhook.server.shortcut import LARGEST

REVIEW: Final = review("Pod", pod())
JSON: Final = b"Content-Type: application/json\r\n"
BODIES: Final = [
    REVIEW,
    *(recorded(path.name) for path in sorted(RECORDED.iterdir())),
    *(situation.review() for situation in SITUATIONS[::7]),
    review("Pod", pod({MODE: "REDIRECT"}), dryRun=True),
    review("Pod", pod(env="\u202e\x7fé")),
    review("Pod", pod(), name="\u202e\x7fé\n"),
    review("Pod", pod(), namespace="", uid="x" * 100),
    review("Deployment", {}),
    review("Pod", pod(), operation="DELETE"),
    review("Pod", None),
    review("Pod", pod(), uid="?").replace(b"?", b"\\ud800"),
    review("Pod", pod(env="x" * LARGEST)),
    *(REVIEW.ljust(size) for size in (LARGEST - 1, LARGEST, LARGEST + 1)),
    *(b"", b"{}", b"null", b"\xff", REVIEW[:-1], REVIEW + b"x", b"[" * 5000),
]
TARGETS: Final = [
    *([b"/mutate", b"/mutate?timeout=2s"] * 4),
    *(b"/mutate/", b"/", b"/mutate?x=%zz&y", b"/mutate?\xff", b"/%6dutate", b"//mutate", b"*"),
    *(b"http://x/mutate", b"/mutate?x#y", b"/mutate#y", b"/mutate;x"),
]
HEADERS: Final = [
    *([JSON] * 12),
    b"",
    b"content-type:application/json\r\n",
    b"Content-Type: application/json; charset=utf-8\r\n",
    b"Content-Type: text/plain\r\n",
    JSON + b"Content-Type: text/plain\r\n",
    b"Content-Type: text/plain\r\n" + JSON,
    b"Content-Type:\r\n" + JSON,
    JSON + b"Connection: close\r\n",
    JSON + b"Connection: Keep-Alive\r\n",
    JSON + b"Expect: 100-continue\r\n",
    JSON + b"Expect: 200-ok\r\n",
    JSON + b"Upgrade: websocket\r\nConnection: upgrade\r\n",
    JSON + b"Upgrade: h2c\r\n",
    JSON + b"Content-Encoding: gzip\r\n",
    JSON + b"User-Agent: kube-apiserver-admission\r\nAccept-Encoding: gzip\r\nAccept: */*\r\n",
    JSON + b"no header\r\n",
    JSON + b"x: y\r\n" * 101,
]
LENGTHS: Final = ["right"] * 12 + ["chunked", "none", "short", "long", "twice", "both", "nonsense"]


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """One request, most often as the API server sends it."""
    method = draw(st.sampled_from([b"POST"] * 8 + [b"GET", b"HEAD", b"PUT", b"post", b"CONNECT"]))
    version = draw(st.sampled_from([b"HTTP/1.1"] * 8 + [b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0"]))
    body = draw(st.sampled_from(BODIES))
    size = len(body)
    chunked = b"Transfer-Encoding: chunked\r\n"
    head, sent = {
        "right": (b"Content-Length: %d\r\n" % size, body),
        "chunked": (chunked, b"%x\r\n%b\r\n0\r\n\r\n" % (size, body) if body else b"0\r\n\r\n"),
        "none": (b"", body),
        "short": (b"Content-Length: %d\r\n" % (size // 2), body),
        "long": (b"Content-Length: %d\r\n" % (size + 10), body),
        "twice": (b"Content-Length: %d\r\n" % size * 2, body),
        "both": (
            b"Content-Length: %d\r\n" % size + chunked,
            b"%x\r\n%b\r\n0\r\n\r\n" % (size, body),
        ),
        "nonsense": (b"Content-Length: -1\r\n", body),
    }[draw(st.sampled_from(LENGTHS))]
    target = draw(st.sampled_from(TARGETS))
    start = b"%b %b %b\r\nHost: x\r\n" % (method, target, version)
    return start + draw(st.sampled_from(HEADERS)) + head + b"\r\n" + sent


@st.composite
def conversations(draw: st.DrawFn) -> list[bytes | None]:
    """Some requests, each cut into reads anywhere, with pauses between some of the reads.

    The client waits for an answer before it asks for the next. One that does not, and then sends
    what is no request, loses the answers that the application still owes it, but none of those that
    were given at once.
    """
    pieces: list[bytes | None] = []
    for sent in draw(st.lists(requests(), min_size=1, max_size=3)):
        cuts = sorted(draw(st.lists(st.integers(0, len(sent)), max_size=3)))
        for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True):
            pieces += [sent[start:end]] if start < end else []
            pieces += [PAUSE] if draw(st.booleans()) else []
        pieces.append(PAUSE)
    return pieces


WORLDS = st.builds(
    World,
    st.builds(
        Labelled,
        answer=st.sampled_from([ENABLED, ENABLED, ENABLED, {}, None]),
        confirmed=st.sampled_from([ENABLED, {}, None]),
        error=st.sampled_from([None, None, None, RuntimeError("on purpose")]),
    ),
    draining=st.sampled_from([False, False, False, True]),
    body_limit=st.sampled_from([1 << 20, 1 << 20, 1 << 20, 500]),
    log_fails=st.sampled_from([False, False, False, True]),
    room=st.sampled_from([1 << 30, 1 << 30, 1000, 0]),
)


@pytest.fixture(autouse=True, scope="module")
def _impatient() -> Iterator[None]:
    """A pause in a conversation is longer than anybody waits for the rest of a body."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shortcut, "_PATIENCE", 0)
        yield


def both(world: World, pieces: list[bytes | None]) -> tuple[Seen, Seen]:
    """Have the same conversation with the short way and without it."""
    return converse(world, pieces, short=True), converse(world, pieces, short=False)


@tried(60)
@given(WORLDS, conversations())
def test_nobody_can_tell_the_doors_apart(world: World, pieces: list[bytes | None]) -> None:
    """Whatever comes, in whatever pieces: the same bytes go back, are counted, and are told."""
    quick, usual = both(world, pieces)

    assert usual.at_once == 0
    assert dataclasses.replace(quick, at_once=0) == usual


def posted(body: bytes, *, head: bytes = b"") -> bytes:
    """Write a request as the API server does."""
    start = b"POST /mutate?timeout=2s HTTP/1.1\r\nHost: x\r\nAccept: application/json, */*\r\n"
    length = b"User-Agent: kube-apiserver-admission\r\nContent-Length: %d\r\n" % len(body)
    return start + length + JSON + head + b"Accept-Encoding: gzip\r\n\r\n" + body


@pytest.mark.parametrize(
    ("pieces", "at_once"),
    [
        pytest.param([posted(REVIEW)], 1, id="in one read"),
        pytest.param([posted(REVIEW)[:400], posted(REVIEW)[400:]], 1, id="in two reads"),
        pytest.param([posted(REVIEW)] * 3, 3, id="one after the other"),
        pytest.param([posted(REVIEW) * 3], 3, id="ahead of the answers"),
        pytest.param([posted(REVIEW)[:400], PAUSE, posted(REVIEW)[400:]], 0, id="slowly"),
        pytest.param([posted(REVIEW.ljust(LARGEST))], 1, id="just small enough"),
        pytest.param([posted(REVIEW.ljust(LARGEST + 1))], 0, id="too large"),
        pytest.param([posted(REVIEW, head=b"Connection: close\r\n")], 0, id="the last one"),
        pytest.param([posted(b"{}")], 0, id="no review"),
    ],
)
def test_plain_reviews_take_the_short_way(pieces: list[bytes | None], at_once: int) -> None:
    """It is not empty talk: what the API server sends takes it, and only what is as plain."""
    quick, usual = both(World(Labelled()), pieces)

    assert quick.at_once == at_once
    assert dataclasses.replace(quick, at_once=0) == usual


HEADED: Final = posted(REVIEW, head=b"X: " + b"x" * 9000 + b"\r\n")
OTHERS: Final = posted(REVIEW.ljust(5000)) * 14


@pytest.mark.parametrize(
    "cuts",
    [
        pytest.param([-len(REVIEW)], id="its read has all of them"),
        pytest.param([len(OTHERS) + 100, -len(REVIEW)], id="one of its reads has them"),
        pytest.param([len(OTHERS) + 100, -9000, -4000], id="it has several reads"),
    ],
)
def test_earlier_requests_make_no_head_larger(cuts: list[int]) -> None:
    """Of reads that have several requests, only what is its own counts for a head and its body."""
    sent = OTHERS + HEADED
    ends = [len(sent) + cut if cut < 0 else cut for cut in cuts]
    pieces = [sent[start:end] for start, end in itertools.pairwise([0, *ends, len(sent)])]
    quick, usual = both(World(Labelled()), list(pieces))

    assert usual.written.count(b"HTTP/1.1 200") == 15
    assert b"connection: close" not in usual.written
    assert dataclasses.replace(quick, at_once=0) == usual


def test_body_behind_an_upgrade_is_no_request() -> None:
    """Its parser takes it for one, so nothing is read behind such a request."""
    head = b"Connection: upgrade\r\nUpgrade: x\r\n"
    sent = posted(b"GET / HTTP/1.1\r\n\r\n", head=head)
    cut = sent.index(b"GET")
    quick, usual = both(World(Labelled()), [sent[:cut], sent[cut:]])

    assert usual.written.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in usual.written
    assert quick == usual


def test_failing_log_fails_no_review() -> None:
    """What was decided is right, whether or not it can be told; that it cannot is told itself."""
    quick, usual = both(World(Labelled(), log_fails=True), [posted(REVIEW)])

    assert usual.written.startswith(b"HTTP/1.1 200")
    assert [event["event"] for event in usual.events] == ["decision-not-told"]
    assert quick.at_once == 1
    assert dataclasses.replace(quick, at_once=0) == usual


@pytest.mark.parametrize(
    "world",
    [
        pytest.param(World(Labelled(answer=None)), id="namespace is not in memory"),
        pytest.param(World(Labelled(answer={})), id="namespace has to be confirmed"),
        pytest.param(World(Labelled(error=RuntimeError("on purpose"))), id="failure"),
        pytest.param(World(Labelled(), draining=True), id="draining"),
        pytest.param(World(Labelled(), body_limit=100), id="limit of bodies"),
        pytest.param(World(Labelled(), room=0), id="client that does not read"),
    ],
)
def test_what_needs_more_than_memory_takes_the_other(world: World) -> None:
    """Somebody has to be asked, or something told, or waited for."""
    quick, usual = both(world, [posted(REVIEW), posted(REVIEW)])

    assert quick.at_once == (1 if world.room == 0 else 0)
    assert dataclasses.replace(quick, at_once=0) == usual
