"""What runs in the containers of this folder's tests: a web server that tells about itself.

It listens on all of its Pod's addresses, as programs in containers do. `GET /ready` is 200 until a
`GET /unready`; `GET /` tells what the program sees; `GET /secrets/NAMESPACE` lists Secrets with a
client library that finds its configuration in the Pod.
"""

import http.server
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

_PORT = int(os.environ.get("PROGRAM_PORT", "8080"))
_CONFIGURATION = Path("/etc/program")


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one request."""

    ready = True

    def do_GET(self) -> None:
        """Answer by path."""
        if self.path == "/ready":
            self._answer({}, 200 if Handler.ready else 503)
        elif self.path == "/unready":
            Handler.ready = False
            self._answer({})
        elif self.path.startswith("/secrets/"):
            self._answer(_list_secrets(self.path.removeprefix("/secrets/")))
        else:
            self._answer(_describe())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: probes would fill the log."""

    def _answer(self, body: object, status: int = 200) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


def _describe() -> dict[str, object]:
    """Tell what a program in a container can see of its Pod."""
    return {
        "environment": dict(os.environ),
        "arguments": sys.argv[1:],
        "user": os.getuid(),
        "group": os.getgid(),
        "groups": os.getgroups(),
        "hostname": socket.gethostname(),
        "writable": [path for path in ("/", "/tmp", "/scratch") if _can_write(path)],  # noqa: S108
        "configuration": {
            path.name: path.read_text()
            for path in sorted(_CONFIGURATION.glob("*"))
            if not path.name.startswith("..")
        },
        "data": [str(path.readlink()) for path in _CONFIGURATION.glob("..data")],
    }


def _can_write(folder: str) -> bool:
    try:
        Path(folder, f"written-at-{time.monotonic_ns()}").touch()
    except OSError:
        return False
    return True


def _list_secrets(namespace: str) -> object:
    """List Secrets by a client library, as a program in a Pod does it."""
    import kubernetes  # noqa: PLC0415 - slow, and most Pods never need it

    kubernetes.config.load_incluster_config()  # type: ignore[no-untyped-call]
    try:
        secrets: Any = kubernetes.client.CoreV1Api().list_namespaced_secret(namespace)
    except kubernetes.client.ApiException as error:
        return {"status": error.status, "message": json.loads(error.body or "{}").get("message")}
    return {"status": 200, "names": [secret.metadata.name for secret in secrets.items]}


def _terminate(_number: int, _frame: FrameType | None) -> None:
    print("told to stop", flush=True)  # noqa: T201 - the log is what tests read
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _terminate)
    print("listening", flush=True)  # noqa: T201
    http.server.ThreadingHTTPServer(("", _PORT), Handler).serve_forever()
