"""Istio's real injector beside a real control plane, for tests; README.md says how to build it."""

from tests.istio.installation import Istio
from tests.istio.settings import Settings

__all__ = ["Istio", "Settings"]
