"""Reading what the injector made of a Pod."""

from tests.controlplane import JsonObject

MODE_ANNOTATION = "sidecar.istio.io/interceptionMode"
STATUS_ANNOTATION = "sidecar.istio.io/status"

_PROXY = "istio-proxy"


def injected(pod: JsonObject) -> bool:
    """Tell whether Istio's injector has changed the Pod."""
    return STATUS_ANNOTATION in pod["metadata"].get("annotations", {})


def init_mode(pod: JsonObject) -> str | None:
    """Return the mode in which istio-init intercepts: its `-m` argument.

    None where no istio-init is: with istio-cni its place is taken by istio-validation, which
    programs nothing.
    """
    for container in pod["spec"].get("initContainers", ()):
        if container["name"] == "istio-init":
            arguments: list[str] = container["args"]
            return arguments[arguments.index("-m") + 1]
    return None


def proxy(pod: JsonObject) -> JsonObject:
    """Return the istio-proxy container, wherever it is.

    Raises:
        LookupError: the Pod has none.
    """
    for container in _all_containers(pod):
        if container["name"] == _PROXY:
            return container
    raise LookupError(f"no container {_PROXY} in Pod {pod['metadata'].get('name')}")


def has_native_proxy(pod: JsonObject) -> bool:
    """Tell whether the proxy is a native sidecar, a restartable init container."""
    return any(each["name"] == _PROXY for each in pod["spec"].get("initContainers", ()))


def interception_mode_env(pod: JsonObject) -> str:
    """Return the mode that the proxy reports to istiod, which makes its listeners so."""
    (value,) = (
        variable["value"]
        for variable in proxy(pod)["env"]
        if variable["name"] == "ISTIO_META_INTERCEPTION_MODE"
    )
    return str(value)


def proxy_user(pod: JsonObject) -> int:
    """Return the user id of the proxy."""
    user: int = proxy(pod)["securityContext"]["runAsUser"]
    return user


def proxy_capabilities(pod: JsonObject) -> list[str]:
    """Return the capabilities that are added to the proxy's."""
    added: list[str] = proxy(pod)["securityContext"]["capabilities"].get("add", [])
    return added


def _all_containers(pod: JsonObject) -> list[JsonObject]:
    spec = pod["spec"]
    return [*spec["containers"], *spec.get("initContainers", ())]
