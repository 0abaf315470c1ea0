"""All cases of the lab, each after those that it needs."""

from tests.lab.auditing import Audit
from tests.lab.boundaries import IstioFirst, LoopbackSidecar, NoSelector, Strict
from tests.lab.case import Case
from tests.lab.crowd import Crowd
from tests.lab.dual_stack import DualStack
from tests.lab.east_west import EastWest
from tests.lab.gateway_api import GatewayApi
from tests.lab.north_south import GatewayPods, NorthSouth
from tests.lab.policies import Policies
from tests.lab.workloads import Workloads

CASES: tuple[Case, ...] = (
    EastWest(),
    NorthSouth(),
    GatewayPods(),
    Audit(),
    Policies(),
    Workloads(),
    GatewayApi(),
    DualStack(),
    LoopbackSidecar(),
    Strict(),
    IstioFirst(),
    NoSelector(),
    Crowd(),
)
"""Those that take longest come first."""


def chosen(names: tuple[str, ...]) -> list[Case]:
    """Return the cases of these names, and those that they need; all where none is named.

    Raises:
        LookupError: There is no case of a name.
    """
    known = {case.name: case for case in CASES}
    wanted: set[str] = set()
    pending = list(names or known)
    while pending:
        name = pending.pop()
        if name not in known:
            raise LookupError(f"there is no case {name}: there are {', '.join(known)}")
        wanted.add(name)
        pending += known[name].needs
    return [case for case in CASES if case.name in wanted]
