"""A real cluster for tests: two nodes with kubelet, containerd and runc, in private namespaces."""

from tests.cluster.cluster import Cluster, ClusterError

__all__ = ["Cluster", "ClusterError"]
