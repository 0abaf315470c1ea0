"""What kubelet asks of containers over HTTP: probes and hooks."""

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

from tests.kubelet.errors import ContainerConfigError, refuse_unknown


@dataclass(frozen=True)
class HttpGet:
    """A GET request to a container (HTTPGetAction of the Kubernetes API).

    Attributes:
        host: the Pod's address, unless the spec names another one.
        port: number of the port.
        path: path and query.
        tls: whether over TLS; certificates are not verified, as a kubelet does not.
        headers: headers of the request.
    """

    host: str
    port: int
    path: str
    tls: bool
    headers: Mapping[str, str]

    @classmethod
    def parse(cls, action: Mapping[str, Any], container: Mapping[str, Any], address: str) -> Self:
        """Read a spec.

        Args:
            action: the httpGet of a probe or a hook.
            container: its container's spec, which gives ports their names.
            address: of its Pod.

        Raises:
            UnsupportedError: it has settings that nobody plays here.
            ContainerConfigError: no port has that name.
        """
        where = f"httpGet of container {container['name']}"
        refuse_unknown(action, {"host", "port", "path", "scheme", "httpHeaders"}, where)
        headers = {each["name"]: each["value"] for each in action.get("httpHeaders") or ()}
        return cls(
            host=action.get("host") or address,
            port=_port(action["port"], container),
            path=action.get("path") or "/",
            tls=action.get("scheme", "HTTP") == "HTTPS",
            headers={"User-Agent": "kube-probe/1.37", "Connection": "close"} | headers,
        )

    def send(self, timeout_seconds: float) -> str:
        """Send it once, over a connection of its own, and return what is wrong, or nothing.

        Args:
            timeout_seconds: for connecting, and again for each read.
        """
        connection = self._connection(timeout_seconds)
        try:
            connection.request("GET", self.path, headers=dict(self.headers))
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return f"Get {self.host}:{self.port}{self.path}: {error!r}"
        finally:
            connection.close()
        if HTTPStatus.OK <= status < HTTPStatus.BAD_REQUEST:
            return ""
        return f"HTTP probe failed with statuscode: {status}"

    def _connection(self, timeout_seconds: float) -> http.client.HTTPConnection:
        if not self.tls:
            return http.client.HTTPConnection(self.host, self.port, timeout=timeout_seconds)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(
            self.host, self.port, timeout=timeout_seconds, context=context
        )


def _port(port: int | str, container: Mapping[str, Any]) -> int:
    """Return the number of a port that may have been given by its name."""
    if isinstance(port, int):
        return port
    for each in container.get("ports") or ():
        if each.get("name") == port:
            number: int = each["containerPort"]
            return number
    raise ContainerConfigError(f"container {container['name']} has no port {port}")
