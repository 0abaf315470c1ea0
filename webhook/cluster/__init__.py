"""What reads, watches and writes a cluster through its API server, and how that can fail.

The errors stand here, where whoever catches them does not have to import the official client. Each
says what the caller can do about it.
"""

import datetime as dt


class ClusterError(Exception):
    """The API server could not be asked, or its answer is an error; one sentence says which."""

    date: dt.datetime | None = None
    """The API server's clock in UTC, where an answer told it."""
    status: int | None = None
    """The HTTP status of the answer; ``None`` where there was none."""
    retry_after: float | None = None
    """Seconds after which the API server wants to be asked again, where an answer told it."""


class ConfigurationError(ClusterError):
    """Nothing tells where the API server is and who we are."""


class Unreachable(ClusterError):  # noqa: N818  these are named for what happened
    """No usable answer: the network, 429, 5xx, or bytes that make no sense. Worth trying again."""


class NotFound(ClusterError):  # noqa: N818
    """404: there is no such object."""


class Conflict(ClusterError):  # noqa: N818
    """Somebody else changed or made the object first; read it again."""


class Rejected(ClusterError):  # noqa: N818
    """422: what was sent is not taken, by the API server's own rules or by somebody's policy."""


class RejectedWithoutCause(Rejected):
    """422 without ``details.causes``: a JSON Patch does not fit the object, or a policy told none.

    Which of them it was, only another read of the object tells.
    """


class Expired(ClusterError):  # noqa: N818
    """410: this resourceVersion or continue token is history; list again."""

    resume: str = ""
    """The token by which a list goes on from here, as of a later revision; empty where there is
    none."""


class Forbidden(ClusterError):  # noqa: N818
    """401 or 403: who we are may not do that. Someone may allow it while we run."""

    refused: str = ""
    """Who may not do what, where the API server said it in its own way: ``system:anonymous may not
    list pods in the namespace "shop"``. Empty where it did not."""


class CommandFailed(ClusterError):  # noqa: N818
    """A command in a container ended with an error, or could not be started."""

    output: str = ""
    """What it had printed until then."""
