"""A steady load of creations on an API server, and what became of each of them."""

from tests.load.generator import Load
from tests.load.report import Report, Sample, summarize

__all__ = ["Load", "Report", "Sample", "summarize"]
