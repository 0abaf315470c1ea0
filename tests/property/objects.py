"""Pods, Services and namespaces as the API lets them be, with everything the rules could look at.

Types are always right here, because the API server never sends others; wrong ones are the business
of ``test_recordings``.
"""

import dataclasses
import re
from typing import Any

from hypothesis import strategies as st

from tests.property.vocabulary import ANNOTATIONS, DOCUMENTS, LABELS, MODES, WORDS
from tests.reviews import Json, review
from tests.situations import ENABLED, LAST_APPLIED, MODE, SITUATIONS, STATUS
from webhook.admission.options import Options

OTHER_KEY = "ip.example.org/keep"
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
_words = st.sampled_from(WORDS) | TEXT
_values = _words | st.sampled_from(DOCUMENTS)
_small = st.integers(0, 65535)


def _some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """Make an object that has or lacks each of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


def _maps(keys: tuple[str, ...], values: st.SearchStrategy[str]) -> st.SearchStrategy[Json]:
    """Make a map of texts that likes these keys."""
    return st.dictionaries(st.sampled_from((*keys, OTHER_KEY)) | TEXT, values, max_size=4)


_labels = _maps(LABELS, _words)
_likely = st.one_of(
    _some(**{MODE: st.sampled_from(MODES)}),
    _some(**{MODE: st.sampled_from(MODES), STATUS: st.just("{}")}),
    _some(**{LAST_APPLIED: st.sampled_from(DOCUMENTS)}),
)
_annotations = st.builds(lambda some, more: {**some, **more}, _likely, _maps(ANNOTATIONS, _values))
_metadata: dict[str, st.SearchStrategy[Any]] = {
    "name": _words,
    "generateName": TEXT,
    "creationTimestamp": st.none(),
    "labels": st.none() | _labels,
    "annotations": st.none() | _annotations,
    "ownerReferences": st.lists(_some(kind=_words, name=_words, apiVersion=_words), max_size=2),
}
_security = _some(
    runAsUser=st.sampled_from([0, 1, 1337]),
    runAsGroup=st.sampled_from([0, 1, 1337]),
    runAsNonRoot=st.booleans(),
    privileged=st.booleans(),
    capabilities=_some(add=st.just(["NET_ADMIN"]), drop=st.just(["ALL"])),
    windowsOptions=_some(hostProcess=st.none() | st.booleans()),
)
_containers = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["istio-proxy", "app"]), "image": st.sampled_from(["x", "auto"])},
        optional={
            "args": st.sampled_from([["proxy", "router"], ["proxy", "sidecar"]]),
            "securityContext": _security,
        },
    ),
    max_size=2,
)
pods = st.fixed_dictionaries(
    {
        "metadata": _some(**_metadata),
        "spec": _some(
            hostNetwork=st.booleans(),
            containers=_containers,
            initContainers=_containers,
            os=st.fixed_dictionaries({"name": st.sampled_from(["linux", "windows"])}),
            nodeSelector=_some(**{"kubernetes.io/os": st.sampled_from(["linux", "windows"])}),
            runtimeClassName=st.none() | st.sampled_from(["gvisor", "kata"]),
            securityContext=_security,
        ),
    }
)
_policy = st.sampled_from(["Cluster", "Local"] * 3 + ["cluster", "Global", ""])
_managed = st.fixed_dictionaries(
    {"operation": st.sampled_from(["Apply", "Update"])},
    optional={
        "manager": _words,
        "fieldsV1": _some(**{"f:spec": _some(**{"f:externalTrafficPolicy": st.just({})})}),
    },
)
services = st.fixed_dictionaries(
    {
        "metadata": _some(**_metadata, managedFields=st.none() | st.lists(_managed, max_size=2)),
        "spec": st.fixed_dictionaries(
            {
                "type": st.sampled_from(["LoadBalancer"] * 4 + ["ClusterIP", "NodePort"]),
                "selector": st.none() | st.dictionaries(TEXT, TEXT, min_size=1, max_size=1),
            },
            optional={
                "externalTrafficPolicy": _policy,
                "internalTrafficPolicy": _policy,
                "allocateLoadBalancerNodePorts": st.booleans(),
                "loadBalancerClass": _words,
                "externalIPs": st.just(["192.0.2.1"]),
                "clusterIP": st.sampled_from(["None", "10.0.0.1"]),
                "ipFamilies": st.just(["IPv4", "IPv6"]),
                "ports": st.lists(st.fixed_dictionaries({"port": _small}), max_size=2),
            },
        ),
    }
)
# A namespace's labels have been validated; those of an object on its way in have not.
_level = st.sampled_from([word for word in WORDS if re.fullmatch(r"[-A-Za-z0-9_.]*", word)])
_of_namespace = _maps(LABELS, _level | st.just("x" * 63))
namespaces = (
    st.none()
    | st.builds(lambda more: {**ENABLED, **more}, _of_namespace)
    | st.sampled_from([situation.namespace for situation in SITUATIONS])
)
choices = st.sampled_from(
    [Options(label_key=OTHER_KEY), *dict.fromkeys(situation.options for situation in SITUATIONS)]
)


@dataclasses.dataclass(frozen=True)
class Review:
    """A review that is yet to be written."""

    kind: str
    operation: str
    object: Json
    old: Json | None

    def body(self) -> bytes:
        """Write it as the API server would."""
        return review(self.kind, self.object, operation=self.operation, old=self.old)


_SITUATIONS = [
    Review(situation.kind, situation.operation, situation.object, situation.old)
    for situation in SITUATIONS
    if situation.kind in {"Pod", "Service"} and not situation.group
]
reviews = st.one_of(
    st.builds(Review, st.just("Pod"), st.just("CREATE"), pods, st.none()),
    st.builds(Review, st.just("Service"), st.just("CREATE"), services, st.none()),
    st.builds(Review, st.just("Service"), st.just("UPDATE"), services, services),
    st.sampled_from(_SITUATIONS),
)
