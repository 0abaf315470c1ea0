"""Which parts a webhook server is made of, by its settings; nothing is asked before it starts."""

import asyncio
import dataclasses
from pathlib import Path

import pytest

from certs.policy import Policy
from tests import kubeconfig
from tests.server.conftest import Files, settings_for
from tests.unit.cluster.scripted import Scripted
from tests.waiting import until
from webhook.admission.options import Options
from webhook.server.lifecycle import assemble
from webhook.settings import AuditReport, Certificates, Managed, Settings


@pytest.mark.parametrize("managed", [True, False])
def test_certificate_is_compared_with_the_cluster(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, managed: bool
) -> None:
    """From files and from a Secret alike; only the one in files is there before the start."""
    tls = Managed(namespace="shop", policy=Policy(hosts=("a",))) if managed else files.pair
    with Scripted() as api:
        path = kubeconfig.write(tmp_path / "config", api.url, {"token": "secret"})
        monkeypatch.setenv("KUBECONFIG", str(path))
        server = assemble(Settings(certificates=Certificates(source=tls)))

        missing = ["namespaces", "certificate"] if managed else ["namespaces"]
        assert server.readiness.missing() == [*missing, "sidecars"]
        assert not api.asked


def test_sidecars_can_be_ignored(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the flag nobody watches them, and nobody waits for them."""
    with Scripted() as api:
        path = kubeconfig.write(tmp_path / "config", api.url, {"token": "secret"})
        monkeypatch.setenv("KUBECONFIG", str(path))
        settings = Settings(
            certificates=Certificates(source=files.pair), admission=Options(ignore_sidecars=True)
        )
        server = assemble(settings)

        assert server.readiness.missing() == ["namespaces"]


def test_audits_are_read_where_they_are_published(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the flag their metrics follow the ConfigMap, and nobody waits for the first of them."""
    namespaces = tmp_path / "namespaces.yaml"
    namespaces.write_text("{apiVersion: v1, kind: Namespace, metadata: {name: a}}")
    report = AuditReport(namespace="source-ip", name="audit")
    described = dataclasses.replace(settings_for(files), namespaces=namespaces, audit_report=report)
    with Scripted() as api:
        path = kubeconfig.write(tmp_path / "config", api.url, {"token": "secret"})
        monkeypatch.setenv("KUBECONFIG", str(path))
        server = assemble(described)
        assert server.readiness.missing() == []

        async def until_asked() -> None:
            async with server.started():
                await until(lambda: api.asked)

        asyncio.run(until_asked())

        assert api.asked[0].path == "/api/v1/namespaces/source-ip/configmaps/audit"


def test_files_need_no_cluster(files: Files, tmp_path: Path) -> None:
    """With namespaces from a file nobody has to say where an API server is."""
    namespaces = tmp_path / "namespaces.yaml"
    namespaces.write_text("{apiVersion: v1, kind: Namespace, metadata: {name: a}}")
    settings = dataclasses.replace(settings_for(files), namespaces=namespaces)
    server = assemble(settings)
    assert server.readiness.missing() == []
