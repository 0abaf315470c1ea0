"""Helm itself: the binary on PATH, or else the library inside the package helm-python-sdk."""

import dataclasses
import functools
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import helm_python

from webhook.manifests.documents import DocumentError, parse

CHART = Path(__file__).parents[2] / "charts" / "source-ip-webhook"
NAME = "x"
NAMESPACE = "source-ip"
PART = "app.kubernetes.io/component"
"""The label that tells which part of the chart an object belongs to."""
WEBHOOK, AUDIT, POLICY = "webhook", "audit", "policy"
"""The parts: what answers the API server, what audits, and what the API server evaluates itself."""

Json = dict[str, Any]


class Refused(Exception):  # noqa: N818 - the chart's business, no error of ours
    """The chart does not render with these values; the text is what the admin reads."""


@dataclasses.dataclass(frozen=True)
class Rendered:
    """What a chart makes of values."""

    manifest: str
    """What installing applies."""

    tests: str
    """What ``helm test`` creates."""

    notes: str
    """What the admin reads after installing."""

    @functools.cached_property
    def objects(self) -> list[Json]:
        """The manifest's objects."""
        return documents(self.manifest)

    def one(self, kind: str, part: str = WEBHOOK) -> Json:
        """Return the only object of a kind that belongs to a part of the chart."""
        (found,) = self.all(kind, part)
        return found

    def all(self, kind: str, part: str = WEBHOOK) -> list[Json]:
        """Return the objects of a kind that belong to a part of the chart."""
        return [
            thing
            for thing in self.objects
            if (thing["kind"], thing["metadata"]["labels"][PART]) == (kind, part)
        ]

    @property
    def pod(self) -> Json:
        """The Pod that the Deployment makes, as a template."""
        template: Json = self.one("Deployment")["spec"]["template"]
        return template

    @property
    def container(self) -> Json:
        """Its only container."""
        container: Json
        (container,) = self.pod["spec"]["containers"]
        return container

    @property
    def audit_pod(self) -> Json:
        """The Pod that the CronJob makes, as a template."""
        job: Json = self.one("CronJob", AUDIT)["spec"]["jobTemplate"]
        template: Json = job["spec"]["template"]
        return template

    @property
    def pods(self) -> list[Json]:
        """Every Pod that the chart makes, in one way or another."""
        audits = [self.audit_pod] if self.all("CronJob", AUDIT) else []
        servers = [self.pod] if self.all("Deployment") else []
        return [*servers, *self.test_pods, *audits]

    @functools.cached_property
    def test_pods(self) -> list[Json]:
        """The Pods of ``helm test``: one, or none where there is no process to test."""
        return documents(self.tests)

    @property
    def test_pod(self) -> Json:
        """The only one of them."""
        (pod,) = self.test_pods
        return pod


def render(values: Json | None = None, *, name: str = NAME, namespace: str = NAMESPACE) -> Rendered:
    """Render the chart as ``helm install`` would.

    Args:
        values: What an admin gives besides the defaults.
        name: Of the release.
        namespace: Of the release.

    Raises:
        Refused: The chart does not take these values.
    """
    return _render(json.dumps(values or {}), name, namespace)


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Where the chart is installed, under the usual name in the usual namespace."""

    kubeconfig: Path

    def apply(self, values: Json | None = None) -> None:
        """Install the chart, or upgrade the release that there is to other values.

        Raises:
            Refused: The chart does not take these values, or not in this cluster.
        """
        if shutil.which("helm"):
            flags = ("--install", "--reset-values", "--values", "-")
            self._run("upgrade", NAME, str(CHART), *flags, values=json.dumps(values or {}))
            return
        with helm_python.Config(kubeconfig_path=self.kubeconfig, namespace=NAMESPACE) as helm:
            try:
                if helm.list():
                    helm.upgrade(CHART, NAME, values, namespace=NAMESPACE, reset_values=True)
                else:
                    helm.install(CHART, NAME, values, namespace=NAMESPACE)
            except helm_python.HelmError as error:
                raise Refused(str(error)) from error

    def roll_back(self) -> None:
        """Go back to the revision before."""
        if shutil.which("helm"):
            self._run("rollback", NAME)
            return
        with helm_python.Config(kubeconfig_path=self.kubeconfig, namespace=NAMESPACE) as helm:
            helm.rollback(NAME)

    def uninstall(self) -> None:
        """Remove the release."""
        if shutil.which("helm"):
            self._run("uninstall", NAME)
            return
        with helm_python.Config(kubeconfig_path=self.kubeconfig, namespace=NAMESPACE) as helm:
            helm.uninstall(NAME)

    def _run(self, *arguments: str, values: str = "") -> None:
        where = ("--namespace", NAMESPACE)
        _run(*arguments, *where, values=values, KUBECONFIG=str(self.kubeconfig))


def documents(text: str) -> list[Json]:
    """Parse YAML documents; a key that stands twice in a mapping is an error."""
    found: list[Json] = []
    for document in parse("chart", text):
        if isinstance(document, DocumentError):
            raise document
        for warning in document.warnings:
            raise warning
        found.append(document.data)
    return found


@functools.cache
def _render(values: str, name: str, namespace: str) -> Rendered:
    by = _by_binary if shutil.which("helm") else _by_library
    templates = by(values, name, namespace)
    tests = [text for path, text in templates.items() if path.startswith("tests/")]
    others = [text for path, text in templates.items() if path.count("/") == 0 and ".yaml" in path]
    # The binary shows notes for an installation only.
    notes = _by_library(values, name, namespace)["NOTES.txt"]
    return Rendered("\n---\n".join(others), "\n---\n".join(tests), notes)


def _by_binary(values: str, name: str, namespace: str) -> dict[str, str]:
    """Render with whatever Helm the machine has; return the text of each template."""
    flags = ("--namespace", namespace, "--kube-version", "1.30.0", "--values", "-")
    shown = _run("template", name, str(CHART), *flags, values=values)
    texts: dict[str, str] = {}
    for part in f"\n{shown}".split("\n---\n# Source: ")[1:]:
        path, _, text = part.partition("\n")
        path = path.partition("/templates/")[2]
        texts[path] = f"{texts[path]}\n---\n{text}" if path in texts else text
    return texts


def _by_library(values: str, name: str, namespace: str) -> dict[str, str]:
    """Render with the library; return the text of each template that has any."""
    try:
        files = _chart().render(json.loads(values), name=name, namespace=namespace)
    except helm_python.HelmError as error:
        raise Refused(str(error)) from error
    return {
        path.partition("/templates/")[2]: text.strip()
        for path, text in files.items()
        if text.strip()
    }


def _run(*arguments: str, values: str, **environment: str) -> str:
    """Run the binary and return what it prints."""
    done = subprocess.run(  # noqa: S603 - Helm and our own chart
        ["helm", *arguments],  # noqa: S607
        input=values,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    if done.returncode != 0:
        raise Refused(done.stderr)
    return done.stdout


@functools.cache
def _chart() -> helm_python.Chart:
    return helm_python.Chart.load(CHART)
