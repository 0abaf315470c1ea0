"""Situations, and what follows from each: one row, one sentence."""

import dataclasses
import datetime as dt
from collections.abc import Collection, Mapping
from typing import Final

import pytest

from certs import bundle
from certs.authority import Authority, KeyPair, Leaf
from certs.contents import Contents
from certs.rotation import Observed, Served, Step, adopts, conditions, next_step
from tests.unit.certs.material import DAY, HOST, NOW, POLICY, SECOND, authority, leaf, stranger

PAST, FUTURE = NOW - 20 * 365 * DAY, NOW + 5 * 365 * DAY
LONG: Final = dt.timedelta(days=3)
"""More than any wait."""
PROPAGATION, OVERLAP = POLICY.propagation, POLICY.overlap

OURS, NEXT, BEFORE = (authority() for _ in range(3))
STRANGER = stranger()
DUE = authority(now=NOW - POLICY.authority_lifetime * 2 / 3)
NOT_DUE = authority(now=NOW - POLICY.authority_lifetime * 2 / 3 + SECOND)
ENDING = authority(30 * DAY)
EXPIRED = authority(now=PAST)
EXPIRED_NEXT = authority(now=PAST)
COMING = authority(now=FUTURE)

LEAF = leaf(OURS)
OLD_LEAF = leaf(BEFORE)
EXPIRED_LEAF = leaf(OURS, now=NOW - 91 * DAY)
COMING_LEAF = leaf(OURS, now=NOW + DAY)


def held(
    issuer: Authority, served: Leaf | None = None, following: Authority | None = None
) -> Contents:
    """Fill a Secret; by default with a new leaf."""
    return Contents(authority=issuer, leaf=served or leaf(issuer), next=following)


def serving(issuer: Authority, served: Leaf) -> Served:
    """Serve a leaf."""
    return Served(certificate=served.certificate, issuer=issuer.certificate)


def pem(*authorities: Authority) -> bytes:
    """Publish authorities."""
    return bundle.write(each.certificate for each in authorities)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """A situation and what follows."""

    step: Step
    adopts: bool = False
    published: tuple[bytes, ...] = (pem(OURS),)
    contents: Contents | None = None
    served: Served | None = None
    durations: Mapping[KeyPair, dt.timedelta] = dataclasses.field(default_factory=dict)
    """Of what has not been published for long."""
    not_noted: Collection[KeyPair] = ()
    """What is published, and has not been noted yet."""
    issuing: dt.timedelta | None = LONG
    """For how long the Secret's authority has issued; ``None``: it has not been noted yet."""

    @property
    def observed(self) -> Observed:
        """All that the replica has observed."""
        durations = dict.fromkeys(conditions(self.published, self.contents), LONG)
        for pair, duration in self.durations.items():
            assert durations[bundle.fingerprint(pair.certificate)]
            durations[bundle.fingerprint(pair.certificate)] = duration
        for pair in self.not_noted:
            del durations[bundle.fingerprint(pair.certificate)]
        for name in [name for name in durations if name.startswith("issuing ")]:
            del durations[name]
            if self.issuing is not None:
                durations[name] = self.issuing
        return Observed(
            published=self.published,
            contents=self.contents,
            served=self.served,
            now=NOW,
            durations=durations,
        )


NONE = dt.timedelta()
ALMOST = dt.timedelta(microseconds=1)
US = serving(OURS, LEAF)
THEM = serving(BEFORE, OLD_LEAF)
US_EXPIRED = serving(OURS, EXPIRED_LEAF)
THEM_EXPIRED = serving(EXPIRED, leaf(EXPIRED, now=PAST))

TABLE: Final[dict[str, Row]] = {
    # The beginning
    "Without anything an authority is made.": Row(
        step=Step.CREATE, published=(b"",), contents=None
    ),
    "Without a configuration an authority is made all the same.": Row(
        step=Step.CREATE, published=(), contents=None
    ),
    "Others' bundles stay as they are before there is an authority.": Row(
        step=Step.CREATE, published=(b"# theirs", pem(STRANGER)), contents=None
    ),
    "A first authority is published before its leaf is served.": Row(
        step=Step.PUBLISH, published=(b"",), contents=held(OURS, LEAF)
    ),
    "A first leaf is served at once where no client trusts another.": Row(
        step=Step.REST, adopts=True, contents=held(OURS, LEAF), durations={OURS: NONE}
    ),
    "A first leaf is served at once also while the next authority is published.": Row(
        step=Step.REST,
        adopts=True,
        published=(pem(OURS, NEXT),),
        contents=held(OURS, LEAF, NEXT),
        durations={OURS: NONE, NEXT: NONE},
    ),
    "A first leaf waits where a client trusts somebody else, who may be the one that answers.": Row(
        step=Step.REST,
        published=(pem(OURS, STRANGER),),
        contents=held(OURS, LEAF),
        durations={OURS: PROPAGATION - ALMOST},
    ),
    "One client of two that trusts somebody else is enough to wait.": Row(
        step=Step.REST,
        published=(pem(OURS), pem(OURS, STRANGER)),
        contents=held(OURS, LEAF),
        durations={OURS: NONE},
    ),
    "A first leaf is served once every API server has its authority.": Row(
        step=Step.REST,
        adopts=True,
        published=(pem(OURS, STRANGER),),
        contents=held(OURS, LEAF),
        durations={OURS: PROPAGATION},
    ),
    "Without a configuration nobody has to be told, and the leaf is served.": Row(
        step=Step.REST,
        adopts=True,
        published=(),
        contents=held(OURS, LEAF),
        durations={OURS: NONE},
    ),
    "A leaf whose authority has not been noted yet is not served.": Row(
        step=Step.REST, contents=held(OURS, LEAF), not_noted=[OURS]
    ),
    "All is well.": Row(step=Step.REST, contents=held(OURS, LEAF), served=US),
    # Publishing
    "A bundle that somebody emptied is filled again.": Row(
        step=Step.PUBLISH, published=(b"",), contents=held(OURS, LEAF), served=US
    ),
    "One bundle of two that lacks the authority is filled.": Row(
        step=Step.PUBLISH,
        published=(pem(OURS), pem(STRANGER)),
        contents=held(OURS, LEAF),
        served=US,
    ),
    "A bundle with a missing newline is written anew, and counts as empty until then.": Row(
        step=Step.PUBLISH,
        published=(pem(STRANGER).rstrip() + pem(OURS),),
        contents=held(OURS, LEAF),
    ),
    "A bundle with garbage in it is written anew.": Row(
        step=Step.PUBLISH,
        published=(b"garbage" + pem(OURS),),
        contents=held(OURS, LEAF),
        served=US,
    ),
    "The next authority is published as soon as it is there.": Row(
        step=Step.PUBLISH, contents=held(OURS, LEAF, NEXT), served=US
    ),
    "A bundle without the authority of what is served gets it back.": Row(
        step=Step.PUBLISH, contents=held(OURS, LEAF), served=THEM, durations={OURS: NONE}
    ),
    "An authority of what is served that has expired is not put back.": Row(
        step=Step.REST, adopts=True, contents=held(OURS, LEAF), served=THEM_EXPIRED
    ),
    "A Secret that was deleted is made anew, while the old leaf goes on.": Row(
        step=Step.CREATE, published=(pem(BEFORE),), contents=None, served=THEM
    ),
    "What is served is published first, even where the Secret is gone.": Row(
        step=Step.PUBLISH, published=(b"",), contents=None, served=THEM
    ),
    # Introducing
    "An authority gets a successor in the last third of its lifetime.": Row(
        step=Step.INTRODUCE,
        published=(pem(DUE),),
        contents=held(DUE, due := leaf(DUE)),
        served=serving(DUE, due),
    ),
    "An authority gets no successor a second before that.": Row(
        step=Step.REST,
        published=(pem(NOT_DUE),),
        contents=held(NOT_DUE, not_due := leaf(NOT_DUE)),
        served=serving(NOT_DUE, not_due),
    ),
    "An authority gets one successor, and not another while that one is published.": Row(
        step=Step.REST,
        published=(pem(DUE, NEXT),),
        contents=held(DUE, due, NEXT),
        served=serving(DUE, due),
        durations={NEXT: NONE},
    ),
    "A successor that has expired is replaced, although it is published.": Row(
        step=Step.INTRODUCE,
        published=(pem(OURS, EXPIRED_NEXT),),
        contents=held(OURS, LEAF, EXPIRED_NEXT),
        served=US,
    ),
    "A successor whose time has not come is replaced, although it is published.": Row(
        step=Step.INTRODUCE,
        published=(pem(OURS, COMING),),
        contents=held(OURS, LEAF, COMING),
        served=US,
    ),
    "An authority that has expired gets a successor, since it can issue nothing.": Row(
        step=Step.INTRODUCE,
        published=(pem(EXPIRED),),
        contents=held(EXPIRED, leaf(EXPIRED, now=PAST)),
    ),
    "An authority whose time has not come gets a successor.": Row(
        step=Step.INTRODUCE, published=(pem(COMING),), contents=held(COMING, leaf(COMING))
    ),
    # Promoting
    "A successor takes over once every API server has it.": Row(
        step=Step.PROMOTE,
        published=(pem(OURS, NEXT),),
        contents=held(OURS, LEAF, NEXT),
        served=US,
        durations={NEXT: PROPAGATION},
    ),
    "A successor does not take over before that.": Row(
        step=Step.REST,
        published=(pem(OURS, NEXT),),
        contents=held(OURS, LEAF, NEXT),
        served=US,
        durations={NEXT: PROPAGATION - ALMOST},
    ),
    "A successor does not take over while one bundle of two lacks it.": Row(
        step=Step.PUBLISH,
        published=(pem(OURS, NEXT), pem(OURS)),
        contents=held(OURS, LEAF, NEXT),
        served=US,
    ),
    "A successor takes over at once where the leaf has expired.": Row(
        step=Step.PROMOTE,
        published=(pem(OURS, NEXT),),
        contents=held(OURS, EXPIRED_LEAF, NEXT),
        served=US_EXPIRED,
        durations={NEXT: NONE},
    ),
    "A successor takes over at once where the time of the leaf has not come.": Row(
        step=Step.PROMOTE,
        published=(pem(OURS, NEXT),),
        contents=held(OURS, COMING_LEAF, NEXT),
        durations={NEXT: NONE},
    ),
    "A successor takes over at once where the time of the authority has not come.": Row(
        step=Step.PROMOTE,
        published=(pem(COMING, NEXT),),
        contents=held(COMING, leaf(COMING), NEXT),
        durations={NEXT: NONE},
    ),
    "A successor that has not been noted yet does not take over, and nothing else can be done.": (
        Row(
            step=Step.REST,
            published=(pem(EXPIRED, NEXT),),
            contents=held(EXPIRED, leaf(EXPIRED, now=PAST), NEXT),
            not_noted=[NEXT],
        )
    ),
    "A successor that is ready takes over instead of one more leaf of its predecessor.": Row(
        step=Step.PROMOTE,
        published=(pem(OURS, NEXT),),
        contents=held(OURS, tired := leaf(OURS, now=NOW - 80 * DAY), NEXT),
        served=serving(OURS, tired),
    ),
    # Renewing
    "A leaf is renewed in the last third of its lifetime.": Row(
        step=Step.RENEW,
        contents=held(OURS, renewed := leaf(OURS, now=NOW - 60 * DAY)),
        served=serving(OURS, renewed),
    ),
    "A leaf is not renewed a second before that.": Row(
        step=Step.REST,
        contents=held(OURS, almost := leaf(OURS, now=NOW - 60 * DAY + SECOND)),
        served=serving(OURS, almost),
    ),
    "A leaf that lacks a host is renewed at once.": Row(
        step=Step.RENEW,
        contents=held(OURS, other := leaf(OURS, hosts=("other.example",))),
        served=serving(OURS, other),
    ),
    "A leaf with more hosts than are asked for is good.": Row(
        step=Step.REST,
        contents=held(OURS, more := leaf(OURS, hosts=("other.example", HOST))),
        served=serving(OURS, more),
    ),
    "A leaf that has expired is renewed, and is not served.": Row(
        step=Step.RENEW, contents=held(OURS, EXPIRED_LEAF)
    ),
    "A leaf whose time has not come is renewed, and is not served.": Row(
        step=Step.RENEW, contents=held(OURS, COMING_LEAF)
    ),
    "A leaf whose time has not come is renewed even if none can last longer.": Row(
        step=Step.RENEW,
        contents=held(OURS, leaf(OURS, 2 * POLICY.authority_lifetime, now=NOW + DAY)),
    ),
    "A leaf that ends with its authority is not renewed for ever.": Row(
        step=Step.REST,
        published=(pem(ENDING, NEXT),),
        contents=held(ENDING, ending := leaf(ENDING, 60 * DAY), NEXT),
        served=serving(ENDING, ending),
        durations={NEXT: NONE},
    ),
    "A leaf that is due and could last longer is renewed while the successor is published.": Row(
        step=Step.RENEW,
        published=(pem(ENDING, NEXT),),
        contents=held(ENDING, shorter := leaf(ENDING, 29 * DAY), NEXT),
        served=serving(ENDING, shorter),
        durations={NEXT: NONE},
    ),
    "A leaf that ends with its authority is renewed for a host that it lacks.": Row(
        step=Step.RENEW,
        published=(pem(ENDING, NEXT),),
        contents=held(ENDING, lacking := leaf(ENDING, 60 * DAY, hosts=("a",)), NEXT),
        served=serving(ENDING, lacking),
        durations={NEXT: NONE},
    ),
    "A successor is made before a leaf is renewed.": Row(
        step=Step.INTRODUCE,
        published=(pem(DUE),),
        contents=held(DUE, both := leaf(DUE, now=NOW - 80 * DAY)),
        served=serving(DUE, both),
    ),
    "A leaf is renewed before anything is retired.": Row(
        step=Step.RENEW,
        published=(pem(OURS, BEFORE),),
        contents=held(OURS, renewed),
        served=serving(OURS, renewed),
    ),
    # Adopting
    "A renewed leaf is adopted at once, since its authority is known.": Row(
        step=Step.REST,
        adopts=True,
        contents=held(OURS, LEAF),
        served=serving(OURS, renewed),
    ),
    "A leaf of another authority is adopted once every API server has that one.": Row(
        step=Step.REST,
        adopts=True,
        published=(pem(BEFORE, OURS),),
        contents=held(OURS, LEAF),
        served=THEM,
        durations={OURS: PROPAGATION},
    ),
    "A leaf of another authority is not adopted before that.": Row(
        step=Step.REST,
        published=(pem(BEFORE, OURS),),
        contents=held(OURS, LEAF),
        served=THEM,
        durations={OURS: PROPAGATION - ALMOST},
    ),
    "A leaf of another authority is adopted at once where ours has expired.": Row(
        step=Step.REST,
        adopts=True,
        published=(pem(EXPIRED, OURS),),
        contents=held(OURS, LEAF),
        served=THEM_EXPIRED,
        durations={OURS: NONE},
    ),
    "It is adopted at once also where the time of ours has not come.": Row(
        step=Step.REST,
        adopts=True,
        published=(pem(OURS),),
        contents=held(OURS, LEAF),
        served=serving(OURS, COMING_LEAF),
        durations={OURS: NONE},
    ),
    "It is adopted even then only where its authority is published.": Row(
        step=Step.PUBLISH, published=(b"",), contents=held(OURS, LEAF), served=THEM_EXPIRED
    ),
    "A leaf of an authority that has expired is not adopted, whatever its own dates.": Row(
        step=Step.INTRODUCE,
        published=(pem(EXPIRED),),
        contents=held(EXPIRED, leaf(OURS)),
    ),
    # Retiring
    "What is not desired goes once its successor has issued for long enough.": Row(
        step=Step.RETIRE,
        published=(pem(BEFORE, OURS),),
        contents=held(OURS, LEAF),
        served=US,
        durations={OURS: OVERLAP},
        issuing=OVERLAP,
    ),
    "It goes also where the leaf is brand-new, as one that is renewed often always is.": Row(
        step=Step.RETIRE,
        published=(pem(BEFORE, OURS),),
        contents=held(OURS, fresh := leaf(OURS)),
        served=serving(OURS, fresh),
        issuing=OVERLAP,
    ),
    "What is not desired stays before that.": Row(
        step=Step.REST,
        published=(pem(BEFORE, OURS),),
        contents=held(OURS, LEAF),
        served=US,
        issuing=OVERLAP - ALMOST,
    ),
    "It stays where the authority is not published for as long: others cannot have the leaf.": Row(
        step=Step.REST,
        published=(pem(BEFORE, OURS),),
        contents=held(OURS, LEAF),
        served=US,
        durations={OURS: OVERLAP - ALMOST},
    ),
    "It stays where it has not been noted yet who issues.": Row(
        step=Step.REST,
        published=(pem(BEFORE, OURS),),
        contents=held(OURS, LEAF),
        served=US,
        issuing=None,
    ),
    "It stays where the authority has not been noted yet.": Row(
        step=Step.REST,
        published=(pem(BEFORE, OURS),),
        contents=held(OURS, LEAF),
        served=US,
        not_noted=[OURS],
    ),
    "It goes from the second bundle too.": Row(
        step=Step.RETIRE,
        published=(pem(OURS), pem(OURS, BEFORE)),
        contents=held(OURS, LEAF),
        served=US,
    ),
    "The authority of what is served stays, however old the new leaf is.": Row(
        step=Step.REST,
        published=(pem(BEFORE, OURS),),
        contents=held(OURS, LEAF),
        served=THEM,
        durations={OURS: NONE},
    ),
    "An authority of somebody else's stays, whoever desires it.": Row(
        step=Step.REST,
        published=(pem(STRANGER, OURS),),
        contents=held(OURS, LEAF),
        served=US,
    ),
    "What is not desired goes also while the next authority is on its way.": Row(
        step=Step.RETIRE,
        published=(pem(BEFORE, OURS, NEXT),),
        contents=held(OURS, LEAF, NEXT),
        served=US,
        durations={NEXT: NONE},
    ),
}


@pytest.mark.parametrize("row", [pytest.param(row, id=says) for says, row in TABLE.items()])
def test_what_follows(row: Row) -> None:
    """In each situation the step is the one of the table, and so is whether a leaf is adopted."""
    assert next_step(row.observed, POLICY) is row.step
    assert adopts(row.observed, POLICY) is row.adopts


@pytest.mark.parametrize(
    ("contents", "step"),
    [
        (None, Step.CREATE),
        (held(OURS, renewed), Step.RENEW),
        (held(OURS, LEAF, NEXT), Step.REST),
        (held(DUE, due), Step.INTRODUCE),
    ],
)
def test_all_but_publishing_goes_on_without_it(contents: Contents | None, step: Step) -> None:
    """While somebody else contests the caBundle, nothing expires for want of a step."""
    row = Row(step=step, published=(pem(BEFORE),), contents=contents, served=US)

    assert next_step(row.observed, POLICY) is Step.PUBLISH
    assert next_step(row.observed, POLICY, publishing=False) is step


def test_every_step_is_in_the_table() -> None:
    """No step goes without a situation that asks for it."""
    assert {row.step for row in TABLE.values()} == set(Step)
