"""``python -m benchmarks.peers.kopf``: serves ``POST /mutate`` until it is ended.

An operator of kopf serves nothing before it has asked a cluster which resources there are. Here
that is given, and the rest is what kopf itself puts together: its server, its registry, and its way
from a request to the handlers and back. It runs on uvloop, as ``kopf run`` does, and logs no more
than ``kopf run --quiet``.

Source:
    kopf 1.45.2: ``_core/reactor/running.py``, ``spawn_tasks``; the documentation, "Admission
    control".
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import kopf
import uvloop
from kopf._cogs.structs.ephemera import AnyMemo
from kopf._cogs.structs.references import Insights, Resource
from kopf._core.engines.admission import serve_admission_request
from kopf._core.reactor.inventory import ResourceMemories

OPT_OUT = "source-ip-preservation"
INTERCEPTION = "sidecar.istio.io/interceptionMode"


def pod(labels: Mapping[str, str], annotations: Mapping[str, str], patch: Any, **_: Any) -> None:
    """Have Istio intercept by TPROXY, unless the Pod opts out."""
    if labels.get(OPT_OUT) != "disabled" and INTERCEPTION not in annotations:
        patch.metadata.annotations[INTERCEPTION] = "TPROXY"


def service(labels: Mapping[str, str], spec: Mapping[str, Any], patch: Any, **_: Any) -> None:
    """Have a load balancer keep addresses, unless the Service opts out."""
    if labels.get(OPT_OUT) != "disabled" and spec.get("type") == "LoadBalancer":
        patch.spec["externalTrafficPolicy"] = "Local"


async def serve(host: str, port: int, tls: Path) -> None:
    """Serve until the process is ended."""
    registry = kopf.OperatorRegistry()
    # The id of a handler is the path of its webhook.
    kopf.on.mutate("pods", id="mutate", registry=registry)(pod)
    kopf.on.mutate("services", id="mutate", registry=registry)(service)
    insights = Insights()
    for kind in ("Pod", "Service"):
        insights.webhook_resources.add(
            Resource("", "v1", f"{kind.lower()}s", kind=kind, namespaced=True, preferred=True)
        )
    answer = functools.partial(
        serve_admission_request,
        settings=kopf.OperatorSettings(),
        registry=registry,
        insights=insights,
        memories=ResourceMemories(),
        memobase=AnyMemo(kopf.Memo()),
        indices={},
    )
    server = kopf.WebhookServer(
        addr=host,
        port=port,
        host=host,
        certfile=tls / "tls.crt",
        pkeyfile=tls / "tls.key",
        cafile=tls / "ca.crt",
    )
    async for _ in server(answer):
        pass


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=int, required=True)
@click.option("--tls", type=click.Path(path_type=Path), required=True, help="Folder.")
def main(host: str, port: int, tls: Path) -> None:
    """Serve with tls.crt and tls.key of a folder."""
    kopf.configure(quiet=True)
    uvloop.run(serve(host, port, tls))


if __name__ == "__main__":
    main()
