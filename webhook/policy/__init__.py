"""The same rules without the webhook: policies that the API server evaluates itself.

Source:
    Kubernetes, Mutating Admission Policy and Validating Admission Policy.
"""
