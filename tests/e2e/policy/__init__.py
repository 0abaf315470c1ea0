"""The policies on a real API server, which is the only judge of CEL."""
