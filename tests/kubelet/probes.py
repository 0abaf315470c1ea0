"""Probes at work: each asks its container again and again, in a thread of its own."""

import threading
from collections.abc import Mapping
from typing import Any, Literal

from tests.kubelet.probe_spec import ProbeSpec

Kind = Literal["startupProbe", "livenessProbe", "readinessProbe"]


class Prober:
    """Asks for the length of one run of a container.

    Attributes:
        passes: whether it passes at this moment; not before it has done so once.
        fails: whether it fails at this moment.
    """

    def __init__(
        self,
        spec: ProbeSpec,
        *,
        delay: float,
        after: threading.Event | None = None,
        until: threading.Event | None = None,
    ) -> None:
        """Begin to ask.

        Args:
            spec: when and what.
            delay: seconds until the first question.
            after: the first question comes after this, too.
            until: set when it passes, for a probe that asks no longer than that.
        """
        self.spec = spec
        self.passes = False
        self.fails = False
        self._delay = delay
        self._after = after
        self._until = until
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"probe-{spec.get.path}")
        self._thread.start()

    def end(self) -> None:
        """Ask nothing more. What is asked at this moment has no effect any more."""
        self._ended.set()

    def join(self) -> None:
        """Wait until the last question is over: the timeout of a probe at most."""
        self._thread.join()

    def _run(self) -> None:
        self._ended.wait(self._delay)
        if self._after is not None:
            self._after.wait()
        successes = failures = 0
        while not self._ended.is_set():
            problem = self.spec.get.send(self.spec.timeout)
            if self._ended.is_set():
                return
            successes, failures = (0, failures + 1) if problem else (successes + 1, 0)
            if successes >= self.spec.successes:
                self.passes, self.fails = True, False
                if self._until is not None:
                    self._until.set()
                    return
            elif failures >= self.spec.failures:
                self.passes, self.fails = False, True
            self._ended.wait(self.spec.period)


class Probes:
    """The probes of one run of a container: readiness and liveness follow a passed startup probe.

    The rules are those of pkg/kubelet/prober of Kubernetes.
    """

    def __init__(self, specs: Mapping[Kind, ProbeSpec]) -> None:
        """Begin to ask.

        Args:
            specs: of the probes that there are.
        """
        self._started = threading.Event()
        self._probers: dict[Kind, Prober] = {}
        for kind, spec in specs.items():
            # A status that is not ready yet has kubelet ask for readiness there and then; the other
            # probes wait for the next beat of a clock that began with the container.
            delay = spec.delay if kind == "readinessProbe" else spec.first_beat
            if kind == "startupProbe":
                prober = Prober(spec, delay=delay, until=self._started)
            else:
                prober = Prober(spec, delay=delay, after=self._started)
            self._probers[kind] = prober
        if "startupProbe" not in specs:
            self._started.set()

    @property
    def started(self) -> bool:
        """Whether the startup probe has passed, once and for all; true where there is none."""
        return self._started.is_set()

    @property
    def ready(self) -> bool:
        """Whether the container may be sent work."""
        readiness = self._probers.get("readinessProbe")
        return self.started and (readiness is None or readiness.passes)

    def failed(self) -> ProbeSpec | None:
        """Return the probe that wants the container restarted, if one does."""
        for kind in ("startupProbe", "livenessProbe"):
            if (prober := self._probers.get(kind)) and prober.fails:
                return prober.spec
        return None

    def stopping(self) -> None:
        """Note that the container is being stopped: from now on only its readiness counts."""
        self._end("startupProbe")
        self._end("livenessProbe")

    def close(self) -> None:
        """Ask nothing more, and wait for the last answers."""
        for kind in self._probers:
            self._end(kind)
        self._started.set()
        for prober in self._probers.values():
            prober.join()

    def _end(self, kind: Kind) -> None:
        if prober := self._probers.get(kind):
            prober.end()


def parse(container: Mapping[str, Any], address: str) -> dict[Kind, ProbeSpec]:
    """Read the probes of a container.

    Args:
        container: its spec.
        address: of its Pod.

    Raises:
        UnsupportedError: one has settings that nobody plays here.
        ContainerConfigError: one names a port that there is not.
    """
    kinds: tuple[Kind, ...] = ("startupProbe", "livenessProbe", "readinessProbe")
    return {
        kind: ProbeSpec.parse(container[kind], container, address)
        for kind in kinds
        if kind in container
    }
