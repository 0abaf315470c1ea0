"""Makes all checks in their order; one that may not read what it needs does not stop the others."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Final

from webhook.admission.options import Options
from webhook.cluster import ClusterError, Forbidden, NotFound
from webhook.cluster.client import Client
from webhook.doctor import (
    apiserver,
    deployment,
    flags,
    mesh,
    namespaces,
    network,
    order,
    probe,
    registration,
    trust,
)
from webhook.doctor.checks import Check, Report, Right, Subject, Verdict, unknown
from webhook.doctor.inspection import Inspection, Installation
from webhook.doctor.ways import Dial, direct, through

SUBJECTS: Final[tuple[Subject[Inspection], ...]] = (
    *order.CHECKS,
    *registration.CHECKS,
    *trust.CHECKS,
    *deployment.CHECKS,
    *flags.CHECKS,
    *namespaces.CHECKS,
    *mesh.CHECKS,
    *network.CHECKS,
    *probe.CHECKS,
    *apiserver.CHECKS,
)
"""All checks, in their order: the probe makes the calls that the API server then has counted."""
RIGHTS: Final[tuple[Right, ...]] = tuple(
    sorted({right for subject in SUBJECTS for right in subject.rights}, key=str)
)
"""What all of them together have to be allowed to do."""


def run(
    client: Client,
    options: Options,
    installation: Installation,
    *,
    ways: tuple[Dial, ...] | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Report:
    """Make all checks.

    Args:
        client: Reads the cluster, and creates two objects by dry run.
        options: The flags that the webhook runs with.
        installation: Where the webhook is.
        ways: To its replicas, the one that is tried first in front; ``None``: directly, or else
            through the API server.
        progress: Told what is being checked, how many checks are done, and how many there are.

    Raises:
        ClusterError: The API server does not answer at all.
    """
    if ways is None:
        ways = (direct, through(client))
    inspection = Inspection(client, options, installation, ways)
    with contextlib.suppress(Forbidden):
        inspection.version  # noqa: B018  asks, so that nothing is checked where nobody answers
    apiserver.note(inspection)
    found: list[Check] = []
    for done, subject in enumerate(SUBJECTS):
        progress(subject.name, done, len(SUBJECTS))
        found += [
            Check(subject.name, subject.area, *verdict)
            for verdict in _verdicts(subject, inspection)
        ]
    return Report(tuple(found))


def _verdicts(subject: Subject[Inspection], inspection: Inspection) -> Iterator[Verdict]:
    """Make one check; none where it is about a webhook that is not there."""
    try:
        if subject.webhook and inspection.ours is None:
            return
        # All of it before any of it: a check that breaks off half-way has found nothing.
        verdicts = tuple(subject.ask(inspection))
    except ClusterError as error:
        yield _not_told(subject, error)
    else:
        yield from verdicts


def _not_told(subject: Subject[Inspection], error: ClusterError) -> Verdict:
    """Say why a check could not be made, and which rights it needs."""
    rights = tuple(map(str, subject.rights))
    if isinstance(error, Forbidden):
        return unknown(
            error.refused or f"what it needs may not be read: {error}",
            cure=f"Allow this user: {', '.join(rights)} (docs/doctor.md has a ClusterRole)",
            needs=rights,
        )
    if isinstance(error, NotFound):
        return unknown(f"the API server does not have what it needs: {error}")
    return unknown(f"the API server did not answer: {error}", cure="Run it again")
