"""Where pod templates live."""

import json
from typing import Any

import pytest
import yaml

from webhook.manifests.documents import ManifestError
from webhook.manifests.objects import (
    File,
    Manifest,
    find_objects,
    is_service,
    member,
    spelled,
    template_paths,
)
from webhook.offline.preview import build_preview


def manifest(api_version: str, kind: str, **fields: Any) -> Manifest:
    """Make an object."""
    text = json.dumps({"apiVersion": api_version, "kind": kind, **fields})
    return find_objects("f", text).manifests[0]


TEMPLATE: dict[str, Any] = {"template": {}}


@pytest.mark.parametrize(
    ("api_version", "kind", "fields", "paths"),
    [
        ("v1", "Pod", {}, [()]),
        ("v1", "PodTemplate", TEMPLATE, [("template",)]),
        ("v1", "ReplicationController", {"spec": TEMPLATE}, [("spec", "template")]),
        ("apps/v1", "Deployment", {"spec": TEMPLATE}, [("spec", "template")]),
        ("apps/v1", "ReplicaSet", {"spec": TEMPLATE}, [("spec", "template")]),
        ("apps/v1", "StatefulSet", {"spec": TEMPLATE}, [("spec", "template")]),
        ("apps/v1", "DaemonSet", {"spec": TEMPLATE}, [("spec", "template")]),
        ("batch/v1", "Job", {"spec": TEMPLATE}, [("spec", "template")]),
        (
            "batch/v1",
            "CronJob",
            {"spec": {"jobTemplate": {"spec": TEMPLATE}}},
            [("spec", "jobTemplate", "spec", "template")],
        ),
        ("v1", "Service", {"spec": TEMPLATE}, []),
        ("apps/v1", "Deployment", {"spec": "text"}, []),
    ],
)
def test_kinds_of_kubernetes(
    api_version: str, kind: str, fields: dict[str, Any], paths: list[tuple[str, ...]]
) -> None:
    """Each workload of Kubernetes has its template at its place, whatever is in it."""
    assert template_paths(manifest(api_version, kind, **fields)) == paths


POD: dict[str, Any] = {
    "metadata": {"labels": {"app": "x"}},
    "spec": {"containers": [{"name": "app", "image": "app:1"}]},
}
JOB: dict[str, Any] = {"spec": {"template": POD}}

FOREIGN: list[tuple[str, str, dict[str, Any], list[str]]] = [
    ("apps.kruise.io/v1alpha1", "CloneSet", {"template": POD}, ["spec.template"]),
    ("apps.kruise.io/v1beta1", "StatefulSet", {"template": POD}, ["spec.template"]),
    ("apps.kruise.io/v1alpha1", "DaemonSet", {"template": POD}, ["spec.template"]),
    ("apps.kruise.io/v1alpha1", "BroadcastJob", {"template": POD}, ["spec.template"]),
    (
        "apps.kruise.io/v1alpha1",
        "AdvancedCronJob",
        {"schedule": "* * * * *", "template": {"broadcastJobTemplate": JOB}},
        ["spec.template.broadcastJobTemplate.spec.template"],
    ),
    (
        "apps.kruise.io/v1alpha1",
        "UnitedDeployment",
        {"template": {"statefulSetTemplate": JOB}, "topology": {"subsets": [{"name": "a"}]}},
        ["spec.template.statefulSetTemplate.spec.template"],
    ),
    ("apps.openshift.io/v1", "DeploymentConfig", {"template": POD}, ["spec.template"]),
    ("argoproj.io/v1alpha1", "Rollout", {"template": POD}, ["spec.template"]),
    (
        "serving.knative.dev/v1",
        "Service",
        {"template": {"spec": {"containers": [{"image": "app:1"}]}}},
        ["spec.template"],
    ),
    ("serving.knative.dev/v1", "Configuration", {"template": POD}, ["spec.template"]),
    (
        "keda.sh/v1alpha1",
        "ScaledJob",
        {"jobTargetRef": {"parallelism": 1, "template": POD}, "triggers": [{"type": "cron"}]},
        ["spec.jobTargetRef.template"],
    ),
    ("kubeflow.org/v1", "Notebook", {"template": POD}, ["spec.template"]),
    (
        "kubeflow.org/v1",
        "PyTorchJob",
        {"pytorchReplicaSpecs": {"Master": {"template": POD}, "Worker": {"template": POD}}},
        [
            "spec.pytorchReplicaSpecs.Master.template",
            "spec.pytorchReplicaSpecs.Worker.template",
        ],
    ),
    (
        "leaderworkerset.x-k8s.io/v1",
        "LeaderWorkerSet",
        {"leaderWorkerTemplate": {"leaderTemplate": POD, "workerTemplate": POD, "size": 4}},
        [
            "spec.leaderWorkerTemplate.leaderTemplate",
            "spec.leaderWorkerTemplate.workerTemplate",
        ],
    ),
    (
        "jobset.x-k8s.io/v1alpha2",
        "JobSet",
        {"replicatedJobs": [{"name": "a", "template": JOB}, {"name": "b", "template": JOB}]},
        [
            "spec.replicatedJobs[0].template.spec.template",
            "spec.replicatedJobs[1].template.spec.template",
        ],
    ),
    (
        "ray.io/v1",
        "RayCluster",
        {"headGroupSpec": {"template": POD}, "workerGroupSpecs": [{"template": POD}]},
        ["spec.headGroupSpec.template", "spec.workerGroupSpecs[0].template"],
    ),
    (
        "ray.io/v1",
        "RayJob",
        {"rayClusterSpec": {"headGroupSpec": {"template": POD}}},
        ["spec.rayClusterSpec.headGroupSpec.template"],
    ),
    (
        "sparkoperator.k8s.io/v1beta2",
        "SparkApplication",
        {"driver": {"cores": 1, "template": POD}, "executor": {"template": POD}},
        ["spec.driver.template", "spec.executor.template"],
    ),
    (
        "batch.volcano.sh/v1alpha1",
        "Job",
        {"tasks": [{"name": "ps", "template": POD}]},
        ["spec.tasks[0].template"],
    ),
    (
        "flink.apache.org/v1beta1",
        "FlinkDeployment",
        {"podTemplate": POD, "taskManager": {"podTemplate": POD}},
        ["spec.podTemplate", "spec.taskManager.podTemplate"],
    ),
    (
        "workload.codeflare.dev/v1beta2",
        "AppWrapper",
        {
            "components": [
                {
                    "template": {
                        "apiVersion": "jobset.x-k8s.io/v1alpha2",
                        "kind": "JobSet",
                        "spec": {"replicatedJobs": [{"template": JOB}]},
                    }
                }
            ]
        },
        ["spec.components[0].template.spec.replicatedJobs[0].template.spec.template"],
    ),
]


@pytest.mark.parametrize(
    ("api_version", "kind", "spec", "paths"), FOREIGN, ids=[f"{row[1]}.{row[0]}" for row in FOREIGN]
)
def test_kinds_of_others(
    api_version: str, kind: str, spec: dict[str, Any], paths: list[str]
) -> None:
    """A pod template is found by its shape, wherever below the spec a kind keeps it."""
    found = template_paths(manifest(api_version, kind, spec=spec))
    assert [spelled(path) for path in found] == paths


@pytest.mark.parametrize(
    ("api_version", "kind", "spec", "paths"), FOREIGN, ids=[f"{row[1]}.{row[0]}" for row in FOREIGN]
)
def test_settings_stand_in_every_template(
    api_version: str, kind: str, spec: dict[str, Any], paths: list[str]
) -> None:
    """Baking writes the setting into each template that was found, and then nothing is missing."""
    body = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    for text in (json.dumps(body), yaml.safe_dump(json.loads(json.dumps(body)))):
        shown = build_preview([find_objects("f", text)])
        assert [forecast.title for forecast in shown.forecasts] == [
            f"{kind}/x {path}" for path in paths
        ]
        (baked,) = shown.baked()
        again = build_preview([find_objects("f", baked)])
        assert [forecast.reason for forecast in again.forecasts] == ["already-set"] * len(paths)


def test_templates_that_share_their_text() -> None:
    """Two templates that are one by an anchor are found apart, and cannot be edited apart."""
    text = (
        "{apiVersion: ray.io/v1, kind: RayCluster, metadata: {name: x}, spec: {headGroupSpec: "
        "{template: &pod {spec: {containers: [{name: a}]}}}, workerGroupSpecs: [{template: *pod}]}}"
    )
    shown = build_preview([find_objects("f", text)])
    assert [forecast.reason for forecast in shown.forecasts] == ["added", "added"]
    with pytest.raises(ManifestError, match="RayCluster/x shares YAML with another place"):
        shown.baked()


def test_template_of_another_form() -> None:
    """What the API would refuse in a template is named with the template's path."""
    template = {"spec": {"containers": [{"name": "a"}], "hostNetwork": "no"}}
    body = manifest("batch.volcano.sh/v1alpha1", "Job", spec={"tasks": [{"template": template}]})
    body.data["metadata"] = {"name": "x"}
    (problem,) = build_preview([File("f", "", (body,))]).problems
    assert "a spec.tasks[0].template.spec.hostNet" in str(problem)


NESTED: dict[str, Any] = {"template": POD}
for _ in range(9):
    NESTED = {"deeper": NESTED}


@pytest.mark.parametrize(
    ("api_version", "kind", "spec"),
    [
        ("argoproj.io/v1alpha1", "Rollout", {"workloadRef": {"name": "web"}}),
        ("example.com/v1", "Thing", {"template": {}}),
        ("example.com/v1", "Thing", {"template": {"spec": {"containers": []}}}),
        ("example.com/v1", "Thing", {"template": {"spec": {"containers": {"app": 1}}}}),
        ("example.com/v1", "Thing", {"template": {"spec": {"containers": ["app"]}}}),
        ("example.com/v1", "Thing", {"template": {"spec": {"containers": [{"name": ""}]}}}),
        ("example.com/v1", "Thing", {"template": {"spec": [POD]}}),
        ("example.com/v1", "Thing", "template"),
        ("example.com/v1", "TooDeep", NESTED),
        ("example/v1", "Thing", {"template": POD}),
        ("monitoring.coreos.com/v1", "Prometheus", {"containers": [{"name": "prometheus"}]}),
        ("kubevirt.io/v1", "VirtualMachine", {"template": {"spec": {"domain": {}}}}),
        (
            "cert-manager.io/v1",
            "Issuer",
            {"acme": {"solvers": [{"http01": {"ingress": {"podTemplate": {"spec": {}}}}}]}},
        ),
        (
            "kyverno.io/v1",
            "ClusterPolicy",
            {"rules": [{"validate": {"pattern": {"spec": {"template": POD}}}}]},
        ),
        (
            "work.open-cluster-management.io/v1",
            "ManifestWork",
            {"workload": {"manifests": [{"kind": "Deployment", "spec": {"template": POD}}]}},
        ),
        (
            "work.open-cluster-management.io/v1alpha1",
            "ManifestWorkReplicaSet",
            {"manifestWorkTemplate": {"workload": {"manifests": [JOB]}}},
        ),
        (
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            {"versions": [{"schema": {"example": {"template": POD}}}]},
        ),
    ],
)
def test_what_looks_like_a_template(api_version: str, kind: str, spec: Any) -> None:
    """What is no template, and what is one only for others to read, is left alone."""
    assert template_paths(manifest(api_version, kind, spec=spec)) == []
    assert template_paths(manifest(api_version, kind)) == []


def test_is_service() -> None:
    """Knative's Service is a workload, the core group's is a Service."""
    assert is_service(manifest("v1", "Service"))
    assert not is_service(manifest("serving.knative.dev/v1", "Service"))


def test_member() -> None:
    """A path leads to a part or nowhere."""
    assert member({"a": {"b": 1}}, ("a", "b")) == 1
    assert member({"a": [{"b": 1}]}, ("a", 0, "b")) == 1
    assert member({"a": 1}, ("a", "b")) is None


def test_spelled() -> None:
    """A path is spelled as kubectl and the API server spell the fields of an object."""
    assert spelled(("spec", "tasks", 0, "template")) == "spec.tasks[0].template"
    assert spelled(()) == ""
