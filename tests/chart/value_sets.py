"""The named sets of values in the chart's folder ``ci``, one for each documented combination."""

from typing import Final

import pytest

from tests.chart.helm import CHART, Json, Rendered, documents, render

FOLDER: Final = CHART / "ci"
_END: Final = "-values.yaml"

NAMES: Final = sorted(path.name.removesuffix(_END) for path in FOLDER.glob(f"*{_END}"))

every_set: Final = pytest.mark.parametrize("name", NAMES)
"""What a test is marked with that holds for each of them."""


def _backend(name: str) -> str:
    """Tell which backend a set of values is for."""
    backend: str = values(name).get("backend", "webhook")
    return backend


def values(name: str) -> Json:
    """Read a set of values."""
    (read,) = documents((FOLDER / f"{name}{_END}").read_text()) or [{}]
    return read


def rendered(name: str) -> Rendered:
    """Render the chart with a set of values."""
    return render(values(name))


SERVING: Final = [name for name in NAMES if _backend(name) == "webhook"]
"""Those with a process, and what it needs."""

every_serving_set: Final = pytest.mark.parametrize("name", SERVING)
"""What a test is marked with that holds for each of these."""

AUDITED: Final = [name for name in NAMES if values(name).get("audit", {}).get("enabled")]
"""Those with an audit in the cluster."""
