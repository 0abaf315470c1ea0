"""What a user pays: creations of Pods on a real cluster, without a webhook and with several.

``make bench-cluster`` runs it; ``python -m benchmarks.cluster --help`` says what can be chosen.
"""
