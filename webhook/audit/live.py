"""What ``audit --live`` adds: whom the applications in running Pods are connected to now.

So the sidecar's address 127.0.0.6 is seen where it is, and not concluded from what the Pod says.
"""

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import msgspec

from webhook.admission.options import Options
from webhook.audit.findings import AuditReason, Evidence, Finding, Live, Report, Unknown, order
from webhook.audit.pod_cures import PodCures
from webhook.audit.reading import Reader
from webhook.audit.samples import Owned, Sample, collect
from webhook.audit.sockets import SIDECAR, Connection, accepted, parse
from webhook.cluster import ClusterError, CommandFailed, Forbidden, NotFound
from webhook.cluster.client import Client

Exec = Callable[[str, str, str, Sequence[str]], str]
"""Runs a command: in a namespace, a Pod and a container. Raises :class:`ClusterError`."""
_COMMAND: Final = ("cat", "/proc/net/tcp", "/proc/net/tcp6")
_PEERS: Final = 3
"""Addresses that are named, of each owner."""
_AT_ONCE: Final = 8
"""Pods that are looked into at the same time."""
_BETWEEN: Final = 2.0
"""Seconds between two looks into a Pod. A probe ends in less: kubelet's timeout is one second by
default; a sidecar keeps its connections for a later request."""


class Glance(NamedTuple):
    """What one Pod shows."""

    pod: str
    connections: frozenset[Connection] = frozenset()
    """What its application has accepted."""
    error: ClusterError | None = None
    """Why nobody could look."""

    @property
    def sidecar(self) -> int:
        """Connections from the sidecar's address."""
        return sum(each.peer in SIDECAR for each in self.connections)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Looker:
    """Looks into Pods."""

    run: Exec
    """Runs a command in a container."""

    progress: Callable[[str, int, int], None] = lambda _stage, _done, _total: None
    """Is told how many Pods were looked into, of how many."""

    sleep: Callable[[float], None] = time.sleep
    """Waits for so many seconds."""

    def look(self, client: Client, options: Options, report: Report, selector: str) -> Report:
        """Look into a few Pods of each owner, and add to a report what is seen.

        Args:
            client: May ``list`` Pods and workloads.
            options: What the admin chose for the webhook.
            report: What was found without looking.
            selector: Label selector of the Pods; empty: all.
        """
        reader = Reader(client)
        found = collect(reader, options, report.namespaces, selector)
        owned = sorted(found, key=lambda each: (each.namespace, each.workload.owner.title))
        glances = iter(self._into(owned))
        seen = [(each, tuple(itertools.islice(glances, len(each.samples)))) for each in owned]
        lives = tuple(live for each, at in seen if (live := _live(each, at)) is not None)
        unknown = (*report.unknown, *reader.unknown, *_unknown(seen))
        return msgspec.structs.replace(
            report,
            findings=_findings(report, lives, seen, options.label_key),
            unknown=tuple(dict.fromkeys(unknown)),
            live=lives,
        )

    def _into(self, owned: Sequence[Owned]) -> list[Glance]:
        """Look into the Pods of all owners, several at a time."""
        pods = [(each.namespace, sample) for each in owned for sample in each.samples]
        glances = []
        pool = ThreadPoolExecutor(_AT_ONCE)
        try:
            for glance in pool.map(lambda pod: self._glance(*pod), pods):
                glances.append(glance)
                self.progress("Looking into Pods", len(glances), len(pods))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return glances

    def _glance(self, namespace: str, sample: Sample) -> Glance:
        """Look into one Pod."""
        try:
            seen = self._connections(namespace, sample)
            if sample.probed and sample.in_force and any(each.peer in SIDECAR for each in seen):
                self.sleep(_BETWEEN)
                later = self._connections(namespace, sample)
                seen = later - {each for each in later - seen if each.peer in SIDECAR}
        except ClusterError as error:
            return Glance(sample.name, error=error)
        return Glance(sample.name, frozenset(seen))

    def _connections(self, namespace: str, sample: Sample) -> set[Connection]:
        """Read whom the application in a Pod is connected to, without Istio's agent."""
        found = accepted(parse(self._tables(namespace, sample)), sample.own)
        if sample.probed:  # of a probe no more is left than a connection that was
            found -= {each for each in found if each.peer in SIDECAR and not each.open}
        return found

    def _tables(self, namespace: str, sample: Sample) -> str:
        """Print the tables, in the first container that has the program for it."""
        last: ClusterError = NotFound("it has no container")
        for container in sample.containers:
            try:
                return self.run(namespace, sample.name, container, _COMMAND)
            except (Forbidden, NotFound):
                raise
            except CommandFailed as error:
                if error.output:  # where the node has no IPv6 there is no second table
                    return error.output
                last = error
            except ClusterError as error:
                last = error
        raise last


Seen = Sequence[tuple[Owned, tuple[Glance, ...]]]
"""What the Pods of each owner show."""


def _live(owned: Owned, glances: Sequence[Glance]) -> Live | None:
    """Sum up what the Pods of an owner show; ``None`` where nobody could look into any."""
    looked = [each for each in glances if each.error is None]
    if not looked:
        return None
    sidecar = sum(each.sidecar for each in looked)
    peers = sorted({each.peer for glance in looked for each in glance.connections}, key=str)
    return Live(
        namespace=owned.namespace,
        owner=owned.workload.owner,
        pods=tuple(each.pod for each in looked),
        sidecar=sidecar,
        others=sum(len(each.connections) for each in looked) - sidecar,
        peers=tuple(map(str, peers[:_PEERS])),
    )


def _unknown(seen: Seen) -> Iterator[Unknown]:
    """Tell of which owners nobody could look into any Pod, and which right is missing, once."""
    told: set[str] = set()
    for owned, glances in seen:
        errors = [each.error for each in glances if each.error is not None]
        if len(errors) < len(glances):
            continue
        where = f"in namespace {owned.namespace}"
        forbidden = next((each for each in errors if isinstance(each, Forbidden)), None)
        gone = all(isinstance(each, NotFound) for each in errors)
        if forbidden is not None and where not in told:
            told.add(where)
            yield Unknown(
                f"connections {where}",
                f"the right to get and create pods/exec {where} is missing: {forbidden}",
            )
        elif forbidden is None and not gone:
            what = f"connections of {owned.workload.owner.title} {where}"
            yield Unknown(what, f"none of its containers prints /proc/net/tcp: {errors[-1]}")


def _findings(
    report: Report, lives: Sequence[Live], seen: Seen, label_key: str
) -> tuple[Finding, ...]:
    """Show with each finding what was seen, and find what nothing else shows."""
    evidence = {(each.namespace, each.owner): _evidence(each) for each in lives}
    findings = [
        msgspec.structs.replace(each, evidence=(*each.evidence, evidence[at]))
        if (at := (each.namespace, each.owner)) in evidence
        else each
        for each in report.findings
    ]
    known = {(each.namespace, each.owner) for each in report.findings}
    for owned, glances in seen:
        at = owned.namespace, owned.workload.owner
        if at not in known and any(each.sidecar for each in glances):
            findings.append(_finding(owned, glances, evidence[at], label_key))
    return tuple(sorted(findings, key=order))


def _evidence(live: Live) -> Evidence:
    """Show what was seen."""
    peers = f" ({', '.join(live.peers)})" if live.peers else ""
    return Evidence("/proc/net/tcp", f"{live.sentence}{peers}")


def _finding(
    owned: Owned, glances: Sequence[Glance], evidence: Evidence, label_key: str
) -> Finding:
    """Tell of an owner whose Pods say that the setting is in force, and which see their sidecar."""
    pods = [each.pod for each in glances if each.sidecar]
    reason = AuditReason.SEES_SIDECAR
    return Finding(
        namespace=owned.namespace,
        owner=owned.workload.owner,
        level=reason.level,
        reason=reason,
        sentence=reason.sentence,
        evidence=(evidence,),
        objects=tuple(f"Pod/{pod}" for pod in pods),
        count=len(pods),
        cure=PodCures(
            workload=owned.workload,
            namespace=owned.namespace,
            label_key=label_key,
            controllers=owned.controllers,
            pods=pods,
        ).renew(),
    )
