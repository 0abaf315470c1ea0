"""What an admin can choose that changes a decision."""

import dataclasses

from webhook.optin import DEFAULT_LABEL_KEY


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The choices that the rules ask for; the same object serves the server and the previews."""

    label_key: str = DEFAULT_LABEL_KEY
    """Key of the opt-in label on namespaces and of the opt-out label on objects."""
