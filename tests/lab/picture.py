"""The picture of a run: the way of a connection, and the address of its caller at each hop.

It is as wide as a phone's screen, and follows the reader's choice of a light or a dark page.
"""

import dataclasses
from html import escape
from itertools import pairwise

from tests.lab.addresses import CLIENT
from tests.lab.record import Look, Record, Row

NEEDS = frozenset({"east-west", "north-south"})
"""The cases of which it is made."""

_WIDTH = 360
_LANES = (95, 265)
"""Where the two columns have their middle: without the label, and with it."""
_BOX = 40
_GAP = 50
_MARGIN = 12

_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328; text-anchor: middle }
.page { fill: #ffffff } .box { fill: #f2f4f7; stroke: #8c959f }
.head { font-size: 15px; font-weight: 600 } .lane { fill: #59636e }
.name { font-weight: 600 } .note { font-size: 11px; fill: #59636e }
.address { font: 600 13px ui-monospace, monospace }
.lost .address, .lost .note { fill: #b3261e } .kept .address, .kept .note { fill: #146c2e }
line { stroke: #8c959f; stroke-width: 1.5 } .tip { fill: #8c959f }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .page { fill: #0d1117 } .box { fill: #1c2128; stroke: #6e7681 }
  .lane, .note { fill: #adb6c0 }
  .lost .address, .lost .note { fill: #ff9d96 } .kept .address, .kept .note { fill: #7ee2a0 }
  line { stroke: #6e7681 } .tip { fill: #6e7681 }
}
"""


@dataclasses.dataclass(frozen=True)
class Hop:
    """Somebody on the way.

    Attributes:
        name: Who.
        notes: What is said below the name: without the label, and with it.
        caller: What it sees as its caller, if it has one: without the label, and with it.
    """

    name: str
    notes: tuple[str, str]
    caller: tuple[Look, Look] | None = None


def draw(record: Record) -> str:
    """Draw a run as SVG.

    Raises:
        LookupError: The run has not looked at the guide's two cases.
    """
    parts: list[str] = []
    top = _MARGIN
    for title, source, hops in (_east_west(record), _north_south(record)):
        body, top = _panel(title, source, hops, top)
        parts += body
    height = top
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    label = "The address of the caller at each hop, without the label and with it"
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>',
            f"<title>{label}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect class="page" width="{_WIDTH}" height="{height}" rx="8"/>',
            *parts,
            "</svg>\n",
        )
    )


def _east_west(record: Record) -> tuple[str, str, list[Hop]]:
    called = record.row("east-west", "downstream_remote_address")
    calls = record.row("east-west", "upstream_local_address")
    answer = record.row("east-west", "ip")
    hops = [
        Hop("sleep", ("a Pod of the mesh", "a Pod of the mesh")),
        Hop("sidecar of httpbin", ("REDIRECT", "TPROXY"), _looks(called)),
        Hop("httpbin", (_says(answer.before), _says(answer.after)), _looks(calls)),
    ]
    return "From Pod to Pod", called.after.owner, hops


def _north_south(record: Record) -> tuple[str, str, list[Hop]]:
    client = Look(CLIENT, record.places["outside"], CLIENT)
    called = record.row("north-south", "http downstream_remote_address")
    told = record.row("north-south", "http x_forwarded_for")
    answer = record.row("north-south", "http")
    hops = [
        Hop("client", ("outside the cluster", "outside the cluster")),
        Hop("node", ("policy Cluster", "policy Local"), (client, client)),
        Hop("ingress gateway", ("adds X-Forwarded-For", "adds X-Forwarded-For"), _looks(called)),
        Hop("httpbin", (_says(answer.before), _says(answer.after)), _looks(told)),
    ]
    return "Through the ingress gateway", CLIENT, hops


def _looks(row: Row) -> tuple[Look, Look]:
    return row.before, row.after


def _says(look: Look) -> str:
    return f"/ip: {look.seen}"


def _panel(title: str, source: str, hops: list[Hop], top: int) -> tuple[list[str], int]:
    """Draw one way, and return where it ends."""
    parts = [_text("head", _WIDTH // 2, top + 16, title)]
    for lane, words in zip(_LANES, ("without the label", "with the label"), strict=True):
        parts.append(_text("lane", lane, top + 36, words))
    top += 46
    tops = [top + index * (_BOX + _GAP) for index in range(len(hops))]
    for hop, y in zip(hops, tops, strict=True):
        parts += _box(hop, y)
    for (y, below), hop in zip(pairwise(tops), hops[1:], strict=True):
        parts += _arrows(hop, source, y + _BOX, below)
    return parts, tops[-1] + _BOX + _MARGIN + 8


def _box(hop: Hop, y: int) -> list[str]:
    inner = _WIDTH - 2 * _MARGIN
    parts = [
        f'<rect class="box" x="{_MARGIN}" y="{y}" width="{inner}" height="{_BOX}" rx="6"/>',
        _text("name", _WIDTH // 2, y + 16, hop.name),
    ]
    if hop.notes[0] == hop.notes[1]:
        return [*parts, _text("note", _WIDTH // 2, y + 32, hop.notes[0])]
    notes = zip(_LANES, hop.notes, strict=True)
    return [*parts, *(_text("note", lane, y + 32, note) for lane, note in notes)]


def _arrows(hop: Hop, source: str, y: int, below: int) -> list[str]:
    """Draw what a hop sees as its caller, beside the arrows that lead to it."""
    assert hop.caller is not None
    parts = []
    for lane, look in zip(_LANES, hop.caller, strict=True):
        kind = "kept" if look.owner == source else "lost"
        middle = (y + below) // 2
        parts += [
            f'<line x1="{lane}" y1="{y}" x2="{lane}" y2="{y + 9}"/>',
            f'<line x1="{lane}" y1="{below - 12}" x2="{lane}" y2="{below - 6}"/>',
            f'<path class="tip" d="M{lane - 5} {below - 7}h10l-5 6z"/>',
            f'<g class="{kind}">',
            _text("address", lane, middle - 2, _address(look)),
            _text("note", lane, middle + 11, f"{kind}: {look.owner}"),
            "</g>",
        ]
    return parts


def _address(look: Look) -> str:
    """Leave the port out."""
    return look.seen.rpartition(":")[0] or look.seen


def _text(kind: str, x: int, y: int, words: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{escape(words)}</text>'
