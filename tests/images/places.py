"""Where the images are kept: below ``.build/images``, and nowhere else."""

from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = REPOSITORY / ".build" / "images"
