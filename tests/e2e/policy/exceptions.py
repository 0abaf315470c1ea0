"""Where the policies do not do what the webhook does: the table of docs/policy.md, and its proof.

A situation that is not here gets the same word and the same setting from both. One that is here and
would get the same is an error, so that the table stays true.
"""

import dataclasses
from typing import Final


@dataclasses.dataclass(frozen=True)
class Difference:
    """What the policies make of a situation instead."""

    reason: str
    """The word that the policy gives."""
    why: str
    """Why it differs, for admins."""


_SIDECAR: Final = Difference(
    "added", "A policy reads no Sidecar resources. The Pod gets TPROXY, and nobody reaches it."
)
_PACKED: Final = Difference(
    "explicit-cluster",
    "CEL unpacks nothing: a compressed record counts as a written Cluster. The Service stays.",
)
_WORD: Final = Difference(
    "unread-proxy-config",
    "CEL reads no YAML: only the word differs. The Pod is left alone by both.",
)
_ALIAS: Final = Difference(
    "unread-proxy-config",
    "CEL reads no YAML, and follows no alias. The Pod is left alone.",
)

EXCEPTIONS: Final = {
    **dict.fromkeys(
        (
            *(
                f"a Sidecar that leads to {to!r}"
                for to in ("127.0.0.1:8080", "[::1]:8080", "unix:///run/app.sock")
            ),
            "a Sidecar whose listener has the capture mode IPTABLES",
            "one listener of two",
            "a Sidecar that selects the pod",
            "the older of two Sidecars",
            "the Sidecar of the root namespace",
            "the Sidecar of another root namespace",
        ),
        _SIDECAR,
    ),
    **dict.fromkeys(
        (
            *(
                f"Rancher, packed, tells of a manifest {what}"
                for what in (
                    "with Local, which has been replaced since",
                    "without the field",
                    "that is cut off",
                )
            ),
            "Rancher's annotation with a manifest that unpacks to 4 MiB",
        ),
        _PACKED,
    ),
    **dict.fromkeys(
        (
            f"a proxy config that says {written!r}"
            for written in (
                "interceptionMode: tproxy",
                "interceptionMode: {}",
                "- interceptionMode",
                "interceptionMode",
                "a: &a NONE\ninterceptionMode: *a",
            )
        ),
        _WORD,
    ),
    "a proxy config that says 'a: &a TPROXY\\ninterceptionMode: *a'": _ALIAS,
}
"""The situations, by what they say."""
