"""The environment variables of a container."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tests.kubelet.errors import ContainerConfigError, refuse_unknown
from tests.kubelet.images import expand

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


def field(pod: Mapping[str, Any], path: str) -> str:
    """Return what a fieldRef stands for ("Downward API" of the Kubernetes documentation).

    Args:
        pod: the Pod, with its addresses.
        path: of the field, such as status.podIP or metadata.labels['app'].

    Raises:
        ContainerConfigError: the Pod has no such field.
    """
    if subscript := _SUBSCRIPT.fullmatch(path):
        value: str = pod["metadata"].get(subscript[1], {}).get(subscript[2], "")
        return value
    if path in {"status.podIPs", "status.hostIPs"}:
        return ",".join(each["ip"] for each in pod["status"][path.removeprefix("status.")])
    found: Any = pod
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if not isinstance(found, str):
        raise ContainerConfigError(f"a Pod has no field {path}")
    return found


def service_links(services: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the variables that name the Services of a Pod's namespace.

    They collide with variables that a program reads by itself as soon as a Service has the
    program's name. The rule is that of pkg/kubelet/envvars of Kubernetes.

    Args:
        services: the Services.
    """
    links: dict[str, str] = {}
    for service in services:
        address, ports = service["spec"].get("clusterIP"), service["spec"].get("ports")
        if not ports or address in {None, "", "None"}:
            continue
        name = _shout(service["metadata"]["name"])
        links[f"{name}_SERVICE_HOST"] = address
        links[f"{name}_SERVICE_PORT"] = str(ports[0]["port"])
        for port in ports:
            if "name" in port:
                links[f"{name}_SERVICE_PORT_{_shout(port['name'])}"] = str(port["port"])
        links[f"{name}_PORT"] = _url(address, ports[0])
        for port in ports:
            prefix = f"{name}_PORT_{port['port']}_{port['protocol']}"
            links[prefix] = _url(address, port)
            links[f"{prefix}_PROTO"] = port["protocol"].lower()
            links[f"{prefix}_PORT"] = str(port["port"])
            links[f"{prefix}_ADDR"] = address
    return links


def variables(
    container: Mapping[str, Any],
    pod: Mapping[str, Any],
    image: Mapping[str, str],
    links: Mapping[str, str],
) -> dict[str, str]:
    """Return all environment variables of a container.

    Args:
        container: its part of the Pod's spec.
        pod: the Pod, with its addresses.
        image: what the image sets.
        links: what names the Services.

    Raises:
        UnsupportedError: a value comes from where nobody looks here.
        ContainerConfigError: a value cannot be found.
    """
    # The runtime's and the image's come first, and no value of a container can refer to them.
    around = {"PATH": _PATH, "HOME": "/", "HOSTNAME": pod["metadata"]["name"], **image}
    own: dict[str, str] = dict(links)
    for variable in container.get("env") or ():
        if source := variable.get("valueFrom"):
            refuse_unknown(source, {"fieldRef"}, f"variable {variable['name']}")
            own[variable["name"]] = field(pod, source["fieldRef"]["fieldPath"])
        else:
            own[variable["name"]] = expand(variable.get("value", ""), own)
    return {**around, **own}


def _shout(name: str) -> str:
    return name.upper().replace("-", "_")


def _url(address: str, port: Mapping[str, Any]) -> str:
    return f"{port['protocol'].lower()}://{address}:{port['port']}"
