"""The main job on a real Kubernetes control plane, with the real service beside it."""
