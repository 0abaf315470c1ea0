"""What the image is made of, as CycloneDX has it: ``python -m tests.image.bill_of_materials FILE``.

It is of the image that the tests build, whose base is Debian with its own Python; of a published
image ``docker buildx build --sbom=true`` makes it (docs/install/image.md).

Source: CycloneDX 1.6, JSON; package URL specification, types pypi and deb.
"""

import json
import re
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from tests import images
from tests.controlplane import JsonObject
from tests.image.containers import Containers
from tests.images import names
from tests.images.containerd import running
from tests.images.places import REPOSITORY

_SCRIPT = Path(__file__).with_name("inventory.py")


def inventory(containers: Containers) -> JsonObject:
    """Look at every file of the image, in a container of it."""
    found: JsonObject = json.loads(containers.run("python", "-c", _SCRIPT.read_text()))
    return found


def normalised(name: str) -> str:
    """Return the name of a Python package as requirements have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def removed() -> set[str]:
    """Name the packages that the Dockerfile takes out again."""
    text = (REPOSITORY / "Dockerfile").read_text()
    found = re.search(r" uninstall (?:--\S+ (?:ignore )?)*\\\n(?P<names>.*?) &&", text)
    assert found is not None
    return set(found["names"].split())


def write(found: JsonObject, file: Path) -> None:
    """Write the list.

    Args:
        found: What `inventory` returned.
        file: Where to.
    """
    purls = [
        *((name, version, f"pypi/{normalised(name)}") for name, version in found["python"]),
        *((name, version, f"deb/debian/{name}") for name, version in found["debian"]),
    ]
    components = [
        {
            "type": "library",
            "name": name,
            "version": version,
            "purl": f"pkg:{path}@{quote(version, safe='')}",
        }
        for name, version, path in purls
    ]
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}
    file.write_text(json.dumps(bill, indent=2))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        images.copy(images.prepare([names.WEBHOOK], print), root)
        with running(root) as daemon:
            write(inventory(Containers(daemon, Path(folder))), Path(sys.argv[1]))
