"""A stand-in for kubelet: Pods of a control plane run as processes, without a container engine.

Nothing is imported here, so that the process that becomes a container starts fast.
"""
