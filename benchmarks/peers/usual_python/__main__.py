"""``python -m benchmarks.peers.usual_python``: serves ``POST /mutate`` until it is ended.

Faster than most of them: on uvloop and httptools, and without a log of requests.
"""

import base64
import copy
import json
from pathlib import Path
from typing import Annotated, Any

import click
import fastapi
import jsonpatch
import uvicorn

OPT_OUT = "source-ip-preservation"
INTERCEPTION = "sidecar.istio.io/interceptionMode"

app = fastapi.FastAPI()


@app.post("/mutate")
async def mutate(review: Annotated[dict[str, Any], fastapi.Body()]) -> dict[str, Any]:
    """Answer a review."""
    request = review["request"]
    response: dict[str, Any] = {"uid": request["uid"], "allowed": True}
    found = request["object"]
    wanted = copy.deepcopy(found)
    change(request["kind"]["kind"], wanted)
    patch = jsonpatch.make_patch(found, wanted)
    if patch:
        response["patchType"] = "JSONPatch"
        response["patch"] = base64.b64encode(json.dumps(patch.patch).encode()).decode()
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": response,
    }


def change(kind: str, wanted: dict[str, Any]) -> None:
    """Change an object so that it keeps its clients' addresses, unless it opts out."""
    metadata = wanted["metadata"]
    if metadata.get("labels", {}).get(OPT_OUT) == "disabled":
        return
    if kind == "Pod":
        metadata.setdefault("annotations", {}).setdefault(INTERCEPTION, "TPROXY")
    elif kind == "Service" and wanted["spec"].get("type") == "LoadBalancer":
        wanted["spec"]["externalTrafficPolicy"] = "Local"


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=int, required=True)
@click.option("--tls", type=click.Path(path_type=Path), required=True, help="Folder.")
def main(host: str, port: int, tls: Path) -> None:
    """Serve with tls.crt and tls.key of a folder."""
    uvicorn.run(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        ssl_certfile=tls / "tls.crt",
        ssl_keyfile=tls / "tls.key",
    )


if __name__ == "__main__":
    main()
