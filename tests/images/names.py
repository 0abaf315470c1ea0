"""The names of the images, as nodes and manifests say them."""

from typing import Final

PYTHON: Final = "localhost/python:3.11"
"""Debian with Python: what stands in for ``python:3.13-slim``, and what all but CoreDNS share."""
TOOLS: Final = "localhost/tools:1"
"""The same with the tools of a network: curl, iptables, ip, netstat."""
MESH: Final = "localhost/mesh:1"
"""The same with the binary that is istiod and Istio's agent."""

PAUSE: Final = "localhost/pause:1"
COREDNS: Final = "localhost/coredns:1"
WEBHOOK: Final = "localhost/source-ip-webhook:test"
"""Our own, by the Dockerfile of this repository."""

ISTIO_TAG: Final = "1.31"
"""What our build of istioctl renders; `tests/istio/build` stamps it."""
PROXY: Final = f"docker.io/istio/proxyv2:{ISTIO_TAG}"
PILOT: Final = f"docker.io/istio/pilot:{ISTIO_TAG}"

HTTPBIN: Final = "docker.io/citizenstig/httpbin:latest"
"""The guide's server; its manifest leaves the tag out."""
SLEEP: Final = "docker.io/curlimages/curl:latest"
"""The guide's client."""

ALL: Final = (PAUSE, COREDNS, WEBHOOK, PROXY, PILOT, HTTPBIN, SLEEP)
"""What can run on a node."""
WITHOUT_GO: Final = (PAUSE, WEBHOOK, HTTPBIN, SLEEP)
"""Those of them that no binary of Go goes into: they can be built beside it."""
