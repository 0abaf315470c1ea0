"""From the names of images to a store that has them."""

import contextlib
import fcntl
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from tests.images import building, stores
from tests.images.places import FOLDER


def prepare(images: Collection[str], progress: Callable[[str], object] = lambda _: None) -> Path:
    """Build what is missing, and return the root of a containerd that has images, all unpacked.

    A node starts with a copy of it, made by `tests.images.copy`, and imports nothing. With images
    whose contents have not changed this takes as long as reading them takes.

    Args:
        images: Some of `tests.images.names`.
        progress: Told what is being done.

    Raises:
        ProgramMissingError: A program is not there; the message names its package.
        ComponentMissingError: A binary that goes into an image has not been built.
        ProgramFailedError: Something failed; the message shows the end of what was written.
    """
    keyed = building.keys(images)
    with _alone(progress):
        building.build(keyed, progress)
        return stores.holding({image: keyed[image] for image in images}, progress)


def build(images: Collection[str], progress: Callable[[str], object] = lambda _: None) -> None:
    """Build what is missing, and put it into no store yet; all else is as of `prepare`."""
    keyed = building.keys(images)
    with _alone(progress):
        building.build(keyed, progress)


@contextlib.contextmanager
def _alone(progress: Callable[[str], object]) -> Iterator[None]:
    """Wait until no other process builds: two build nothing twice."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another process that builds images")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
