"""The chart, by Helm itself and on a real API server."""
