"""source-ip-webhook: gives applications in an Istio mesh their clients' addresses back."""

__version__ = "0.1.0"
