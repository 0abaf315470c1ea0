"""How patient the view of the cluster's namespaces is."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds, where nothing else is said."""

    lookup: float = 0.5
    """One request for one namespace, waiting for its turn included; a pod is waiting for it, and
    the configuration's ``timeoutSeconds`` is 2."""

    forget: float = 1.0
    """How long a namespace that is missing, or could not be asked for, is not asked for again."""

    confirm: float = 5.0
    """How long a confirmed answer stands, so that a wrong namespaceSelector is no load."""

    rate: float = 20.0
    """Requests for single namespaces in a second, on average: whoever may send reviews must not be
    able to turn each into a request. Above that nobody can tell, as where the API is away."""

    burst: float = 40.0
    """Of them at once, after a while without: more than anybody makes namespaces at a time."""

    connect: float = 5.0
    """To open a connection for list or watch."""

    page: float = 30.0
    """To read one page of the list."""

    silence: float = 90.0
    """Without a byte a watch's connection counts as half-open; bookmarks come once a minute."""

    watch: tuple[float, float] = (300.0, 600.0)
    """Length of a watch, picked anew each time, so that replicas do not come back together."""

    healthy: float = 10.0
    """A watch that broke after this long goes on where it was; sooner, we back off and list."""

    relist: float = 3600.0
    """A watch that ends this long after the last list is followed by a list: after a restore of
    etcd revisions start over, and a watch from the future is accepted and tells nothing."""

    pace: float = 1.0
    """Between the starts of two watches that the server ends properly, however soon it does."""

    first_retry: float = 0.2
    """Longest first pause after a failure; it doubles with each and is random below that."""

    last_retry: float = 30.0
    """Longest pause."""
