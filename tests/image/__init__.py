"""The image, as far as it can be proved without a container engine."""
