"""The servers of a control plane: on which ports they run, and when they are ready."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from http import HTTPStatus

import urllib3

from tests.controlplane import commandlines, components
from tests.controlplane.api import ApiClient
from tests.controlplane.commandlines import Files, Options
from tests.controlplane.components import Component, ComponentName
from tests.controlplane.ports import LOOPBACK, free_port
from tests.controlplane.process import Child, PortTakenError, answers_ok

_START_ORDER: tuple[ComponentName, ...] = ("etcd", "kube-apiserver", "kube-controller-manager")
_PROBE_TIMEOUT_SECONDS = 5.0


class Servers:
    """etcd, kube-apiserver and kube-controller-manager as child processes.

    Each is to be started after the one before. The methods that start one raise StartError, with
    the end of its log, when it ends or is not ready in time; what then still runs is for `stop`.
    """

    def __init__(
        self,
        files: Files,
        options: Options,
        api: ApiClient,
        environment: Mapping[str, str],
        start_timeout_seconds: float,
    ) -> None:
        """Find the servers' binaries.

        Args:
            files: where their files are; the caller writes those they read.
            options: what was chosen about the control plane.
            api: access as the administrator; is told the URL of the API server.
            environment: all environment variables of the servers.
            start_timeout_seconds: how long each server may take to become ready.

        Raises:
            ComponentMissingError: a binary is nowhere.
        """
        wanted = _START_ORDER if options.controllers else _START_ORDER[:-1]
        self._components: dict[ComponentName, Component] = {
            name: components.find(name) for name in wanted
        }
        self._files = files
        self._options = options
        self._api = api
        self._environment = environment
        self._start_timeout_seconds = start_timeout_seconds
        self._children: dict[ComponentName, Child] = {}
        self._ports: dict[ComponentName, int] = {}

    def pids(self) -> dict[ComponentName, int]:
        """Return the process ids of the servers that run."""
        return {name: child.pid for name, child in self._children.items() if child.is_running()}

    def start_etcd(self) -> None:
        """Start etcd on a free port."""
        self._start_on_free_port("etcd", self._run_etcd)

    def start_apiserver(self) -> None:
        """Start kube-apiserver: on a free port the first time, on the same port after that."""
        if port := self._ports.get("kube-apiserver"):
            self._run_apiserver(port)
        else:
            self._start_on_free_port("kube-apiserver", self._run_apiserver)

    def start_controller_manager(self) -> None:
        """Start kube-controller-manager; ready when it has made the `default` ServiceAccount."""
        component = self._components["kube-controller-manager"]
        command = commandlines.controller_manager(component, self._files, self._options)
        self._run(
            component.name, command, lambda: self._api.find("ServiceAccount", "default") is not None
        )

    def stop(self) -> None:
        """Stop what runs, by pid, clients before their servers."""
        with ExitStack() as last_first:  # goes on to the next one even if stopping one fails
            for name in _START_ORDER:
                last_first.callback(self.stop_one, name)

    def stop_one(self, name: ComponentName) -> None:
        """Stop one server, by pid; fine if it does not run."""
        if child := self._children.get(name):
            child.stop()
            del self._children[name]

    def _run_etcd(self, port: int) -> None:
        command = commandlines.etcd(self._components["etcd"], self._files, port)
        self._run("etcd", command, lambda: answers_ok(f"http://{LOOPBACK}:{port}/health"))

    def _run_apiserver(self, port: int) -> None:
        component = self._components["kube-apiserver"]
        etcd_port = self._ports["etcd"]
        command = commandlines.apiserver(component, self._files, port, etcd_port, self._options)
        self._api.server = f"https://{self._options.address}:{port}"
        self._run(component.name, command, self._apiserver_is_ready)

    def _apiserver_is_ready(self) -> bool:
        try:
            answer = self._api.request("GET", "/readyz", timeout_seconds=_PROBE_TIMEOUT_SECONDS)
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status == HTTPStatus.OK

    def _start_on_free_port(self, name: ComponentName, run: Callable[[int], None]) -> None:
        """Run a server on a free port; on another one if it was taken before the server had it."""
        self._ports[name] = port = free_port()
        try:
            run(port)
        except PortTakenError:
            self.stop_one(name)
            self._ports[name] = port = free_port()
            run(port)

    def _run(self, name: ComponentName, command: list[str], is_ready: Callable[[], bool]) -> None:
        if name in self._children:
            raise RuntimeError(f"{name} runs already")
        log_file = self._files.folder / f"{name}.log"
        child = Child(name, command, log_file, self._environment)
        self._children[name] = child
        child.wait_until_ready(is_ready, self._start_timeout_seconds)
