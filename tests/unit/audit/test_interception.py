"""What a sidecar does is read from three places, which have to agree."""

from typing import Any

import pytest

from tests.unit.audit.auditing import as_pod
from tests.unit.audit.objects import init, pod, proxy, tproxy
from webhook.audit.interception import Interception, interception

TPROXY = {"sidecar.istio.io/interceptionMode": "TPROXY"}
APPLICATION = {"name": "sleep"}
PROXY = '.spec.containers[?(@.name=="istio-proxy")]'


def seen(made: dict[str, Any]) -> Interception:
    """Read the interception of a Pod that has a sidecar."""
    found = interception(as_pod(made))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("made", "in_force"),
    [
        pytest.param(tproxy(), True, id="as Istio renders it"),
        pytest.param(pod(mode="TPROXY"), True, id="by the mesh's default, without an annotation"),
        pytest.param(pod(), False, id="redirect"),
        pytest.param(pod(annotations=TPROXY), False, id="annotated afterwards"),
        pytest.param(
            tproxy(containers=[proxy("REDIRECT")]), False, id="Envoy for REDIRECT, rules for TPROXY"
        ),
        pytest.param(
            tproxy(initContainers=[init("REDIRECT")]), False, id="Envoy for TPROXY, rules not"
        ),
        pytest.param(tproxy(containers=[proxy(None)]), False, id="no variable"),
        pytest.param(tproxy(initContainers=[{"name": "istio-init"}]), False, id="no argument -m"),
        pytest.param(tproxy(initContainers=[]), True, id="istio-cni, which obeys the annotation"),
        pytest.param(
            pod(mode="TPROXY", initContainers=[]), False, id="istio-cni without the annotation"
        ),
        pytest.param(
            pod(annotations=TPROXY, initContainers=[]), False, id="istio-cni misled: all hangs"
        ),
        pytest.param(
            tproxy(containers=[APPLICATION], initContainers=[init("TPROXY"), proxy("TPROXY")]),
            True,
            id="native sidecar",
        ),
    ],
)
def test_all_places_have_to_agree(made: dict[str, Any], in_force: bool) -> None:
    """TPROXY is in force only where Envoy and the rules of the kernel are both made for it."""
    assert seen(made).in_force is in_force


@pytest.mark.parametrize(
    ("security", "privileged"),
    [
        ({}, True),
        ({"capabilities": {"add": ["ALL"]}}, True),
        ({"runAsUser": 1337}, False),
        ({"runAsUser": None}, False),
        ({"capabilities": {"drop": ["ALL"]}}, False),
        ({"capabilities": None}, False),
    ],
)
def test_proxy_has_to_be_user_0_with_net_admin(security: dict[str, Any], privileged: bool) -> None:
    """Of user and capability both are needed."""
    assert seen(tproxy(containers=[proxy("TPROXY", **security)])).privileged is privileged


def test_proxy_without_a_security_context_is_not_privileged() -> None:
    """A container that says nothing of its user has no right either."""
    bare = {**proxy("TPROXY"), "securityContext": None}

    assert not seen(tproxy(containers=[bare])).privileged


def test_pod_without_a_sidecar_has_no_interception() -> None:
    """Neither a plain Pod nor a gateway intercepts anything."""
    gateway = {**proxy(), "args": ["proxy", "router"]}

    assert interception(as_pod(pod(mode=None))) is None
    assert interception(as_pod(pod(containers=[gateway]))) is None
    assert interception(as_pod(pod(mode=None, containers=None))) is None


def test_evidence_names_field_and_value() -> None:
    """Each place is named by a path that kubectl takes, with what stands there."""
    of_init = seen(pod())
    of_cni = seen(pod(initContainers=[proxy("TPROXY")], containers=[APPLICATION]))
    of_nothing = seen(
        pod(containers=[{"name": "istio-proxy"}], initContainers=[{"name": "istio-init"}])
    )

    assert [(each.field, each.value) for each in of_init.modes] == [
        (f'{PROXY}.env[?(@.name=="ISTIO_META_INTERCEPTION_MODE")].value', "REDIRECT"),
        ('.spec.initContainers[?(@.name=="istio-init")].args', "-m REDIRECT"),
    ]
    assert of_cni.modes[0].field.startswith('.spec.initContainers[?(@.name=="istio-proxy")]')
    assert of_cni.modes[1].field == r".metadata.annotations.sidecar\.istio\.io/interceptionMode"
    assert of_cni.modes[1].value == "absent"
    assert [each.value for each in of_nothing.modes] == ["absent", "absent"]
    assert [each.value for each in of_nothing.rights] == ["absent", "absent"]
    assert [each.value for each in of_cni.rights] == ["0", "NET_ADMIN"]
