"""What would happen to manifests: the server's own decisions, without a server or a cluster."""

import dataclasses
from collections.abc import Mapping, Sequence

from webhook.admission.answer import receive, respond
from webhook.admission.options import Options
from webhook.admission.sidecars import KIND, Sidecar, Sidecars
from webhook.offline.apiserver import Review
from webhook.offline.applier import Applier
from webhook.offline.baking import bake
from webhook.offline.documents import ManifestError
from webhook.offline.forecast import Answer, Forecast, forecast
from webhook.offline.manifests import File, Manifest
from webhook.offline.progress import SILENT, Progress
from webhook.offline.remarks import remarks, unlabelled
from webhook.offline.setting import Setting
from webhook.offline.shape import check_metadata
from webhook.optin import Labels, Mode


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would happen to everything in some files."""

    files: Sequence[File]
    forecasts: Sequence[Forecast]
    others: Sequence[Manifest]
    """Objects that are neither Service nor workload, and Namespaces."""
    assumed: str
    """The label assumed of namespaces that are not among the files; empty if there are none."""
    problems: Sequence[ManifestError]
    """Why documents and objects are missing from the above."""
    remarks: Sequence[str] = ()
    """What no row can say, in sentences."""

    def baked(self, progress: Progress = SILENT) -> list[str]:
        """Write the settings into the files' texts.

        Args:
            progress: Is told how far that is.

        Raises:
            ManifestError: As :func:`webhook.offline.baking.bake` does.
        """
        settings: dict[Manifest, list[Setting]] = {}
        for each in self.forecasts:
            settings.setdefault(each.manifest, []).extend(each.settings)
        return [bake(file, settings, progress) for file in self.files]


def preview(
    files: Sequence[File],
    *,
    namespace: str = "default",
    assume: Mode = Mode.ENABLED,
    labels: Mapping[str, Mode] | None = None,
    applier: Applier = Applier.KUBECTL,
    options: Options | None = None,
    progress: Progress = SILENT,
) -> Preview:
    """Tell what would happen if these manifests were applied.

    Args:
        files: The manifests.
        namespace: Where objects go that name no namespace.
        assume: What namespaces that are not among the manifests are taken to ask for.
        labels: What namespaces are taken to ask for by name, whatever the manifests say.
        applier: Who creates the objects.
        options: What the admin chose.
        progress: Is told how far the decisions are.

    Returns:
        What would happen, and what is wrong with objects that no API server would accept.
    """
    options = options or Options()
    manifests = [manifest for file in files for manifest in file.manifests]
    problems = [problem for file in files for problem in file.problems]
    known = _namespaces(manifests, problems)
    for name, mode in (labels or {}).items():
        known[name] = {**known.get(name, {}), options.label_key: mode.value}
    assumed = {options.label_key: assume.value}

    sidecars = _sidecars(manifests, namespace)

    def ask(asked: Review) -> Answer:
        admission = receive(asked.body)
        labels = known.get(admission.request.namespace, assumed)
        decision = admission.decide(labels, options, sidecars)
        sees = admission.sees(labels, options, sidecars)
        return Answer(respond(admission.request.uid, decision), sees)

    forecasts, others = forecast(
        manifests,
        lambda each: each.namespace or namespace,
        ask,
        problems,
        applier=applier,
        progress=progress,
    )
    return Preview(
        files=files,
        forecasts=forecasts,
        others=others,
        assumed=f"{options.label_key}: {assume}"
        if any(each.namespace not in known for each in forecasts)
        else "",
        remarks=[
            *remarks(manifests, options.label_key),
            *unlabelled((each.namespace for each in forecasts), known, options.label_key),
        ],
        problems=problems,
    )


def _namespaces(manifests: Sequence[Manifest], problems: list[ManifestError]) -> dict[str, Labels]:
    """Collect the labels of the Namespaces among the manifests."""
    found: dict[str, Labels] = {}
    for manifest in manifests:
        if (manifest.api_version, manifest.kind) == ("v1", "Namespace"):
            try:
                check_metadata(manifest)
            except ManifestError as error:
                problems.append(error)
                continue
            found[manifest.name] = manifest.metadata.get("labels") or {}
    return found


def _sidecars(manifests: Sequence[Manifest], namespace: str) -> Sidecars:
    """Collect the Sidecars among the manifests."""
    read = (
        Sidecar.of(
            manifest.namespace or namespace,
            manifest.name,
            str(manifest.metadata.get("creationTimestamp") or ""),
            manifest.data.get("spec"),
        )
        for manifest in manifests
        if (manifest.group, manifest.kind) == KIND
    )
    return Sidecars(each for each in read if each is not None)
