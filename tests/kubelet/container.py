"""One container of a Pod: runs, ends, runs again."""

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.kubelet import environment, hooks, probes
from tests.kubelet.errors import refuse_unknown
from tests.kubelet.identity import identity
from tests.kubelet.images import Image
from tests.kubelet.plan import Plan
from tests.kubelet.probes import Probes
from tests.kubelet.process import ContainerProcess
from tests.kubelet.restarts import Restarts
from tests.kubelet.sandbox import Sandbox

# The API server fills in the second line; resources are not limited here.
_KNOWN = {
    *("name", "image", "command", "args", "workingDir", "ports", "env", "volumeMounts"),
    *("livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "securityContext"),
    *("imagePullPolicy", "terminationMessagePath", "terminationMessagePolicy", "resources"),
}


class Container:
    """One container. All methods are for one thread, that of its Pod, with which it ends.

    Attributes:
        name: its name.
        restarts: how often it ran, and whether it is to run again.
    """

    def __init__(
        self, spec: Mapping[str, Any], image: Image, sandbox: Sandbox, restarts: Restarts
    ) -> None:
        """Read its spec; nothing runs yet.

        Args:
            spec: its part of the Pod's spec.
            image: what its image stands for.
            sandbox: what it shares with the others of its Pod.
            restarts: whether and when it runs again.

        Raises:
            UnsupportedError: it asks for something that nobody plays here.
            ContainerConfigError: it cannot be started as it is.
        """
        self.name: str = spec["name"]
        refuse_unknown(spec, _KNOWN, f"container {self.name}")
        self.restarts = restarts
        address = sandbox.network.address
        self._specs = probes.parse(spec, address)
        self._pre_stop = hooks.pre_stop(spec, address)
        self._grace: float = sandbox.pod["spec"]["terminationGracePeriodSeconds"]
        variables = environment.variables(spec, sandbox.pod, image.environment, sandbox.links)
        self._plan = Plan(
            root=str(sandbox.folder / f"{self.name}.root"),
            network=sandbox.network.namespace,
            hostname=sandbox.name,
            # Outer ones first: a volume at /tmp must not hide an image's files below /tmp.
            binds=tuple(
                sorted(
                    (*image.binds(), sandbox.hosts, *sandbox.volumes.binds(spec)),
                    key=lambda bind: Path(bind.target).parts,
                )
            ),
            working_dir=spec.get("workingDir") or image.working_dir,
            arguments=image.arguments(spec, variables),
            environment=variables,
            **dataclasses.asdict(identity(sandbox.pod, spec, image)),
        )
        self._plan_file = sandbox.folder / f"{self.name}.json"
        self._log_file = sandbox.folder / f"{self.name}.log"
        self._process: ContainerProcess | None = None
        self._probes: Probes | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the run that is going on; None if none is."""
        return None if self._process is None else self._process.pid

    @property
    def started(self) -> bool:
        """Whether it runs, and its startup probe has passed."""
        return self._probes is not None and self._probes.started

    @property
    def ready(self) -> bool:
        """Whether it runs, and may be sent work."""
        return self._probes is not None and self._probes.ready

    def step(self) -> None:
        """Do what is due: notice the end of a run, start one, end one that a probe gave up."""
        if self._process is not None and self._process.exit_code is not None:
            self._end_run()
        if self._process is None:
            if self.restarts.due(time.monotonic()):
                self._start_run()
        elif self._probes is not None and (failed := self._probes.failed()):
            self._stop_run(self._grace if failed.grace is None else failed.grace)

    def stop(self, grace_seconds: float) -> None:
        """Have it stopped for good, and do not wait; `step` notices when it has ended.

        Args:
            grace_seconds: how long it may take until it is killed.
        """
        self.restarts.over = True
        self._stop_run(grace_seconds)

    def close(self) -> None:
        """Kill it and wait; fine if it does not run."""
        if self._probes is not None:
            self._probes.close()
        if self._process is not None:
            self._process.close()

    def _start_run(self) -> None:
        self._process = ContainerProcess(self._plan, self._plan_file, self._log_file)
        self._probes = Probes(self._specs)
        self.restarts.begun(self._process.started_at)

    def _stop_run(self, grace_seconds: float) -> None:
        if self._process is not None and self._probes is not None:
            self._probes.stopping()
            self._process.stop(grace_seconds, self._pre_stop)

    def _end_run(self) -> None:
        assert self._process is not None
        assert self._process.exit_code is not None
        code = self._process.exit_code
        self.close()
        self._process = self._probes = None
        self.restarts.ended(code, time.monotonic())
