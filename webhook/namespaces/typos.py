"""Namespaces whose opt-in label has a value that means nothing, told in the log.

The API server's selector does not match them, so no review would ever tell of the mistake.
"""

import structlog

from webhook.optin import Labels, Mode, mistyped

log = structlog.get_logger(__name__)


class Typos:
    """Says it once for each namespace, and again where its value changes."""

    def __init__(self, label_key: str) -> None:
        """Make one that has said nothing yet.

        Args:
            label_key: Key of the label by which namespaces opt in.
        """
        self._label_key = label_key
        self._told: dict[str, str] = {}

    def look(self, name: str, labels: Labels) -> None:
        """Look at the labels of a namespace; at none once it is gone."""
        value = mistyped(labels, self._label_key)
        if value is None:
            self._told.pop(name, None)
        elif self._told.get(name) != value:
            self._told[name] = value
            log.warning(
                "namespace-label-mistyped",
                namespace=name,
                label=self._label_key,
                value=value,
                values=", ".join(Mode),
            )
