"""The image: built by buildah from our Dockerfile, run by containerd and runc."""
