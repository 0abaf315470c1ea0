"""Rotation: whatever happens, at every moment each published bundle verifies each served leaf."""

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest
import structlog
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from certs import bundle
from certs.contents import Contents
from certs.rotation import create, introduce, renew
from tests.property.effort import tried
from tests.property.rotation_world import LAG, POLICY, CrashError, Fault, Replica, World

_FOREIGN = dataclasses.replace(
    POLICY, unit="Another Secret", authority_lifetime=dt.timedelta(days=365 * 7000)
)
STRANGER = create(_FOREIGN, dt.datetime.now(dt.UTC)).authority.certificate_pem
"""Of somebody who does as we do, with a Secret of his own; never out of date here."""
DAMAGE = (b"", b"no certificate", STRANGER, STRANGER.rstrip() + STRANGER)
JUMPS = [dt.timedelta(days=days) for days in (1, 40, 100, 4000)]

_RECONCILIATIONS = 4
"""Of each replica, beside the waits: to publish, to promote, to adopt, and to retire."""

replicas = st.integers(0, 4)
Action = tuple[int, Fault, int | None, bool]
actions_of_replicas: st.SearchStrategy[list[Action]] = st.lists(
    st.tuples(
        replicas,
        st.just(Fault.NONE) | st.sampled_from(Fault),
        st.none() | replicas,
        st.integers(0, 9).map(lambda number: number == 9),
    ),
    min_size=1,
    max_size=6,
)


class Rotation(RuleBasedStateMachine):
    """Any number of replicas, in a cluster where anything can happen between any two writes."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.damaged = False
        """Someone else has just broken a caBundle, and not every replica has looked since."""
        self.jumped = False
        """The API server's clock has jumped, so that certificates may be out of date."""
        self.damages = 0
        self.strangers: set[int] = set()
        """The entries to which somebody else has added an authority, and nobody has damaged."""

    @initialize(count=st.integers(1, 4))
    def start(self, count: int) -> None:
        """Begin with some replicas that start at once."""
        self.world.replicas = [Replica(self.world) for _ in range(count)]

    @rule(actions=actions_of_replicas)
    def act(self, actions: list[Action]) -> None:
        """Replicas reconcile, and just before a write another one does, or an admin acts."""
        world = self.world

        for index, fault, other, deleted in actions:

            def interrupt(
                index: int = index, other: int | None = other, deleted: bool = deleted
            ) -> None:
                if other is not None and (other - index) % len(world.replicas):
                    self.reconcile(other, Fault.NONE, None)
                if deleted:
                    world.keep(None)

            self.reconcile(index, fault, interrupt)
            self.every_bundle_verifies_every_leaf()

    def reconcile(self, index: int, fault: Fault, interruption: Callable[[], None] | None) -> bool:
        """Let a replica reconcile; one that dies is started anew."""
        position = index % len(self.world.replicas)
        try:
            return self.world.replicas[position].reconcile(fault, interruption)
        except CrashError:
            self.world.replicas[position] = Replica(self.world)
            return True

    @rule(seconds=st.sampled_from([0.1, 1, 10, 29, 31, 120, 270, 601]))
    def wait(self, seconds: float) -> None:
        """Time passes; every replica reconciles within the lag that the overlap allows for."""
        left = seconds
        while left > 0:
            hop = min(left, LAG / 2)
            self.world.advance(hop)
            left -= hop
            for index, replica in enumerate(self.world.replicas):
                if self.world.steady - replica.reconciled_at > LAG / 2:
                    self.reconcile(index, Fault.NONE, None)

    @rule(weeks=st.integers(1, 10))
    def sleep(self, weeks: int) -> None:
        """The whole cluster lives on for weeks; what falls due is done by the end of each."""
        for _ in range(weeks):
            self.linger()
            self.world.advance(7 * 86400)
        self.linger()

    def linger(self) -> None:
        """Every replica looks as often as it must, until nothing waits for time to pass."""
        for _ in range(6):
            self.world.advance(LAG / 2)
            for index in range(len(self.world.replicas)):
                self.reconcile(index, Fault.NONE, None)

    @rule(index=replicas, how=st.sampled_from(["start", "stop", "restart"]))
    def scale(self, index: int, how: str) -> None:
        """Replicas come and go."""
        world = self.world
        if how == "start" and len(world.replicas) < 5:
            world.replicas.append(Replica(world))
        elif how == "stop" and len(world.replicas) > 1:
            del world.replicas[index % len(world.replicas)]
        elif how == "restart":
            world.replicas[index % len(world.replicas)] = Replica(world)

    @rule(authority=st.booleans())
    def rotate_on_demand(self, authority: bool) -> None:
        """An admin asks for a new leaf, or for a new authority, as the command does."""
        world = self.world
        contents = Contents.load(world.data or {})
        if contents is None or (authority and contents.next is not None):
            return
        make = introduce if authority else renew
        world.keep(make(contents, POLICY, world.clock).data())

    @rule()
    def delete_the_secret(self) -> None:
        """An admin deletes the Secret, while replicas serve what it held."""
        self.world.keep(None)

    @rule()
    def empty_the_secret(self) -> None:
        """An admin empties the Secret."""
        if self.world.data is not None:
            self.world.keep({})

    @rule(pem=st.sampled_from(DAMAGE), entry=st.integers(0, 1), actions=actions_of_replicas)
    def damage(self, pem: bytes, entry: int, actions: list[Action]) -> None:
        """Something else overwrites a caBundle: mended as soon as every replica has looked.

        Not so often that it counts as a contest, which is answered with pauses.
        """
        self.damages += 1
        if self.damages % 10 == 0:
            self.wait(121)
        bundles = list(self.world.bundles)
        bundles[entry] = pem
        self.strangers.discard(entry)
        self.world.publish(tuple(bundles))
        self.damaged = True
        self.act(actions)
        for index in list(range(len(self.world.replicas))) * 2:
            self.reconcile(index, Fault.NONE, None)
        self.world.forget_the_past()
        self.damaged = False

    @rule(entry=st.integers(0, 1))
    def add_a_stranger(self, entry: int) -> None:
        """Something else adds an authority of its own to a caBundle."""
        bundles = list(self.world.bundles)
        bundles[entry] = bundle.write(bundle.read(bundles[entry] + STRANGER))
        self.world.publish(tuple(bundles), harmed=self.world.versions[-1].harmed)
        self.strangers.add(entry)

    @invariant()
    def nobody_takes_out_an_authority_of_somebody_else(self) -> None:
        """Or the other one would put it back, and so on without end."""
        assert all(STRANGER in self.world.bundles[entry] for entry in self.strangers)

    @rule(jump=st.sampled_from(JUMPS), back=st.booleans(), actions=actions_of_replicas)
    def clock_jumps(self, jump: dt.timedelta, back: bool, actions: list[Action]) -> None:
        """The API server's clock is set, by days or by years; soon all is in date again."""
        self.world.clock += -jump if back else jump
        self.jumped = True
        self.act(actions)
        self.settle()

    def settle(self) -> None:
        """Let replicas reconcile until nobody has anything left to do."""
        world = self.world
        for _ in range(40):
            world.advance(10)
            busy = [self.reconcile(index, Fault.NONE, None) for index in range(len(world.replicas))]
            if not any(busy) and not world.unverified(jumped=False) and self.all_serve_the_secret():
                break
        else:
            pytest.fail("The replicas do not come to rest.")
        world.forget_the_past()
        self.damaged = self.jumped = False

    def all_serve_the_secret(self) -> bool:
        """Tell whether there is one leaf, and everybody serves it."""
        contents = Contents.load(self.world.data or {})
        return contents is not None and all(
            replica.leaf == contents.leaf.certificate for replica in self.world.replicas
        )

    @invariant()
    def every_bundle_verifies_every_leaf(self) -> None:
        """See the module's docstring; dates count unless the clock has just jumped."""
        if not self.damaged:
            assert not self.world.unverified(jumped=self.jumped)

    def teardown(self) -> None:
        """However it went, it ends well, with nothing of ours in a caBundle but what is desired.

        What somebody else has added is not ours to take away.
        """
        self.settle()
        self.linger()
        self.linger()
        contents = Contents.load(self.world.data or {})
        assert contents is not None
        for pem in self.world.bundles:
            ours = {each for each in bundle.read(pem) if POLICY.made(each)}
            assert ours == set(contents.authorities)


@pytest.mark.parametrize("count", [1, 3])
def test_damage_that_pauses_for_the_calm_is_mended_every_time(count: int) -> None:
    """Sixty times, as the rule above does it: it never adds up to a contest."""
    rotation = Rotation()
    rotation.start(count)
    rotation.settle()
    for number in range(60):
        rotation.damage(b"", number % 2, [(number, Fault.NONE, None, False)])
        rotation.every_bundle_verifies_every_leaf()
    rotation.teardown()


@pytest.mark.parametrize("count", [1, 3])
def test_damage_without_a_pause_ends_well_after_the_contest(count: int) -> None:
    """Who never stops meets the pauses of each replica, and once he stops everything is mended."""
    rotation = Rotation()
    rotation.start(count)
    rotation.settle()
    for _ in range(25 * count):
        rotation.world.publish((b"", b""), harmed=True)
        for index in range(count):
            rotation.reconcile(index, Fault.NONE, None)
    assert rotation.world.bundles == (b"", b"")
    rotation.settle()
    rotation.every_bundle_verifies_every_leaf()
    rotation.teardown()


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("pace", [31, 120, 270, 500])
def test_authority_goes_while_leaves_are_renewed(pace: float, count: int) -> None:
    """However often the leaf changes, the old authority is gone when its time is over."""
    rotation = Rotation()
    world = rotation.world
    world.replicas = [Replica(world) for _ in range(count)]
    rotation.settle()
    before = Contents.load(world.data or {})
    assert before is not None
    world.keep(introduce(before, POLICY, world.clock).data())
    waits = POLICY.propagation.total_seconds() + POLICY.overlap.total_seconds()
    end = world.steady + waits + _RECONCILIATIONS * LAG
    while world.steady < end:
        rotation.wait(pace)
        contents = Contents.load(world.data or {})
        assert contents is not None
        world.keep(renew(contents, POLICY, world.clock).data())
        rotation.every_bundle_verifies_every_leaf()
    old = before.authority.certificate
    assert not any(old in bundle.read(pem) for pem in world.bundles)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Log nothing: there are thousands of reconciliations."""
    structlog.configure(processors=[_drop])
    yield
    structlog.reset_defaults()


def _drop(*_: object) -> NoReturn:
    raise structlog.DropEvent


TestRotation = Rotation.TestCase
TestRotation.settings = settings(tried(10), stateful_step_count=30)
