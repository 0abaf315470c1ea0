"""The cluster with the mesh in it, and what a user does there with kubectl and curl."""

import ipaddress
import json
import subprocess
import threading
from pathlib import Path
from typing import Any

from tests.cluster import Cluster
from tests.cluster.addresses import pods_of
from tests.cluster.cluster import Place
from tests.cluster.user import Answer, User
from tests.controlplane import components
from tests.lab.addresses import AddressBook, book
from tests.waiting import wait_for
from webhook.admission.options import DEFAULT_LABEL_KEY

MANIFESTS = Path(__file__).parent / "manifests"
NO_ANSWER = "no answer"
"""What a client saw that waited in vain."""
REFUSED = "refused"
"""What a client saw whose connection was closed without an answer."""

_ANSWER_SECONDS = 3
"""How long a client waits: a packet that is dropped never gets an answer."""
READY_SECONDS = 120
"""How long workloads, and what stands before them, may take."""
_LOG_SECONDS = 60.0
_EVENTS = 25
_CURL_GIVES_UP = {28: NO_ANSWER, 7: REFUSED, 35: REFUSED, 52: REFUSED, 56: REFUSED}
"""Exit codes of curl: time is up; nobody listens; closed during the handshake, without an answer,
while receiving."""

Json = dict[str, Any]


class StoppedError(Exception):
    """The run was interrupted: no case goes on."""


class Lab:
    """A user with kubectl, and a client outside. Safe to share between threads.

    Attributes:
        cluster: The cluster; mesh and chart are installed in it.
    """

    def __init__(self, cluster: Cluster) -> None:
        """Take a running cluster."""
        self.cluster = cluster
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let whatever is done next raise `StoppedError`."""
        self._stopped.set()

    def kubectl(
        self,
        *arguments: str,
        namespace: str = "default",
        stdin: str | None = None,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl in a namespace.

        Raises:
            StoppedError: The run was interrupted.
            subprocess.CalledProcessError: It failed; a note says why.
        """
        self._go_on()
        return self.cluster.kubectl(
            *arguments,
            namespace=namespace,
            input=stdin,
            check=check,
            timeout_seconds=READY_SECONDS + 10,
        )

    def source_ip_webhook(self, *arguments: str) -> Answer:
        """Run our own command line, whatever its end is.

        Raises:
            StoppedError: The run was interrupted.
        """
        self._go_on()
        return User(self.cluster.folder, self.cluster.kubeconfig).run(*arguments)

    def kubectl_command(self, *arguments: str, namespace: str) -> list[str]:
        """Return the command line of kubectl, for what shall run on."""
        where = (f"--kubeconfig={self.cluster.kubeconfig}", f"--namespace={namespace}")
        return [*components.find("kubectl").command, *where, *arguments]

    def _go_on(self) -> None:
        if self._stopped.is_set():
            raise StoppedError("interrupted")

    def make_namespace(self, name: str, *, injected: bool = True, **more: str) -> None:
        """Make a namespace, and have Istio inject there unless told otherwise."""
        self.kubectl("create", "namespace", name)
        if injected:
            more = {"istio-injection": "enabled", **more}
        if more:
            pairs = (f"{key}={value}" for key, value in more.items())
            self.kubectl("label", "namespace", name, *pairs)

    def apply(self, manifest: Path | str, namespace: str = "default") -> None:
        """Apply a manifest, unchanged."""
        text = manifest if isinstance(manifest, str) else manifest.read_text()
        self.kubectl("apply", "-f", "-", namespace=namespace, stdin=text)

    def opt_in(self, namespace: str, halves: str = "enabled") -> None:
        """Set the label: the only thing that differs between before and after."""
        self.kubectl("label", "namespace", namespace, f"{DEFAULT_LABEL_KEY}={halves}")

    def wait_until_running(self, namespace: str, *workloads: str) -> None:
        """Wait until workloads such as ``deployment/httpbin`` are rolled out, and alone.

        A Pod that is on its way out would still answer.
        """
        for each in workloads:
            self.kubectl(
                *("rollout", "status", each, f"--timeout={READY_SECONDS}s"), namespace=namespace
            )
        wait_for(
            lambda: (
                not any("deletionTimestamp" in each["metadata"] for each in self.pods(namespace))
            ),
            READY_SECONDS,
            f"the former Pods of {namespace} to end",
        )

    def wait_until_answering(self, namespace: str, *apps: str) -> None:
        """Wait until applications listen: the guide's manifests have no probe that tells."""
        for app in apps:
            pod = self.pod(namespace, app)["metadata"]["name"]
            at_home = ("http://localhost:8000/ip", "--fail")
            wait_for(
                lambda: self.curl(*at_home, namespace=namespace, source=pod).startswith("{"),  # noqa: B023 - asked at once
                READY_SECONDS,
                f"{app} of {namespace} to answer",
            )

    def restart(self, namespace: str, *workloads: str) -> None:
        """Have the Pods of workloads made anew, and wait until they are the only ones."""
        self.kubectl("rollout", "restart", *workloads, namespace=namespace)
        self.wait_until_running(namespace, *workloads)

    def pods(self, namespace: str, **wanted: str) -> list[Json]:
        """Return the Pods of a namespace that have labels."""
        return [
            pod
            for pod in self.cluster.api.items("Pod", namespace)
            if wanted.items() <= pod["metadata"].get("labels", {}).items()
        ]

    def pod(self, namespace: str, app: str) -> Json:
        """Return the only Pod of an application."""
        (found,) = self.pods(namespace, app=app)
        return found

    def curl(
        self, url: str, *flags: str, namespace: str = "default", source: str = "deploy/sleep"
    ) -> str:
        """Ask from within a Pod, and return the answer, or a word for there being none.

        Args:
            url: What to ask.
            flags: Further ones of curl.
            namespace: Of the caller.
            source: The caller: whatever ``kubectl exec`` takes.
        """
        command = ("curl", *_FLAGS, *flags, url)
        done = self.kubectl("exec", source, "--", *command, namespace=namespace, check=False)
        return _answer(done)

    def curl_from_outside(self, url: str, *flags: str) -> str:
        """Ask from outside the cluster, like `curl`."""
        return self.curl_from(self.cluster.outside, url, *flags)

    def curl_from(self, place: Place, url: str, *flags: str) -> str:
        """Ask from a node, or from outside, like `curl`."""
        self._go_on()
        return _answer(place.run("curl", *_FLAGS, *flags, url, check=False))

    def wait_for_answer_outside(self, url: str, *flags: str) -> None:
        """Wait until a client outside gets an answer at all, whatever it is."""
        wait_for(
            lambda: self.curl_from_outside(url, "--fail", *flags).startswith("{"),
            READY_SECONDS,
            f"{url} to answer",
        )

    def logged(
        self, agent: str, source: str, container: str = "", namespace: str = "default"
    ) -> Json:
        """Wait for what a proxy logs of a request, which it may do a second later.

        Args:
            agent: The request's ``User-Agent``, which no other one has.
            source: The proxy: whatever ``kubectl logs`` takes.
            container: Its container, where there are several.
            namespace: Its namespace.

        Raises:
            TimeoutError: It has logged nothing of it.
        """
        flags = ("-c", container) if container else ()

        def entry() -> Json | None:
            text = self.kubectl("logs", source, *flags, "--tail=200", namespace=namespace).stdout
            for line in text.splitlines():
                if agent in line:
                    found: Json = json.loads(line)
                    return found
            return None

        return wait_for(entry, _LOG_SECONDS, f"{source} to log a request", interval_seconds=0.3)

    def troubles(self) -> str:
        """Show the Pods that are not as they should be, and what was said about them."""
        pods = self.kubectl("get", "pods", "--all-namespaces", "-o", "wide", check=False).stdout
        flags = ("--all-namespaces", "--field-selector=type=Warning,involvedObject.kind=Pod")
        events = self.kubectl("get", "events", *flags, check=False).stdout
        return "\n".join((pods, *events.splitlines()[-_EVENTS:]))

    def book(self) -> AddressBook:
        """Write down who has which address now."""
        nodes = [node.address for node in self.cluster.nodes]
        ranges = (ipaddress.ip_network(pods_of(node.name)) for node in self.cluster.nodes)
        bridges = [str(each[1]) for each in ranges]
        return book(self.cluster.api.items("Pod"), nodes, bridges, self.cluster.outside.address)


_FLAGS = ("--silent", "--show-error", "--max-time", str(_ANSWER_SECONDS))


def origin(answer: str) -> str:
    """Take the address out of httpbin's answer at ``/ip``; no answer is its own word."""
    try:
        return str(json.loads(answer)["origin"])
    except (ValueError, KeyError):
        return answer


def _answer(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode in _CURL_GIVES_UP:
        return _CURL_GIVES_UP[done.returncode]
    return done.stdout.strip() or done.stderr.strip()
