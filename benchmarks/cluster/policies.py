"""Our rules as a MutatingAdmissionPolicy, which is for the namespaces of one label only."""

import json
from typing import Final

from tests.cluster import Cluster
from webhook.admission.options import Options
from webhook.policy.choices import Choices
from webhook.policy.objects import SUBJECTS, mutating

_KEY: Final = "policy.benchmarks.example.org/preserve"
"""Not the product's own key: that one's namespaces are the webhook's."""
LABELS: Final = {_KEY: "enabled"}
"""Of the namespaces that they are for."""


def install(cluster: Cluster) -> None:
    """Apply what ``source-ip-webhook policy --only mutating`` prints; wait for effects.

    Raises:
        subprocess.CalledProcessError: The API server does not take it; a note has its words.
    """
    choices = Choices.of(Options(label_key=_KEY))
    things = [thing for subject in SUBJECTS for thing in mutating(subject, choices)]
    text = "\n---\n".join(map(json.dumps, things))
    cluster.kubectl("apply", "--server-side", "-f", "-", input=text)
