"""What all Pods of a kubelet have in common."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import urllib3

from tests.controlplane.api import ApiClient, ApiError
from tests.kubelet.images import Image
from tests.kubelet.network import ClusterNetwork


@dataclass(frozen=True)
class Runtime:
    """What all Pods of a kubelet have in common.

    Attributes:
        api: access as a cluster admin.
        network: of the cluster.
        folder: where files go, one folder per Pod.
        images: what each image stands for, by the last part of its name.
        backoff_seconds: see restarts.Restarts.
        refresh_seconds: between two looks at what is in volumes.
        report: called with an error that no Pod's status can tell, from any thread.
    """

    api: ApiClient
    network: ClusterNetwork
    folder: Path
    images: Mapping[str, Image]
    backoff_seconds: float
    refresh_seconds: float
    report: Callable[[Exception], None]


def is_transient(error: ApiError | urllib3.exceptions.HTTPError) -> bool:
    """Tell whether a request may succeed later: nobody answered, or a server in trouble."""
    return (
        not isinstance(error, ApiError)
        or error.status == HTTPStatus.TOO_MANY_REQUESTS
        or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    )
