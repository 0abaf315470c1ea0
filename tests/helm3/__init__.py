"""Helm 3 itself, built from its own source."""
