"""What works without a cluster: preview and demo."""
