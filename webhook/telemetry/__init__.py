"""What the service tells about itself: metrics and logs, in the words of ``admission.decision``."""
