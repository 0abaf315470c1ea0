"""Images built for real, and a store of them that a node's containerd starts with.

``python -m tests.images`` builds all and shows what they weigh; `prepare` is for tests.
"""

from tests.images.preparing import prepare
from tests.images.programs import ProgramMissingError
from tests.images.stores import copy

__all__ = ["ProgramMissingError", "copy", "prepare"]
