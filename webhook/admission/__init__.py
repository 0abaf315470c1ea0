"""What the API server asks, what we decide, and what we answer.

Pure: bytes and labels in, bytes out; no I/O, no clock, no third party but msgspec and PyYAML. From
the wire inwards: ``answer`` (bytes to decisions to bytes, and which mutations there are),
``review`` (the fields that are read), ``mutation`` (how rules are run), ``pods`` and ``services``
(reasons and rules, in the order in which they are asked), ``decision`` (outcome, reason, patch),
``options`` (what an admin can choose). Rules read more with ``proxy_config`` (a Pod's
``proxy.istio.io/config``), ``sidecars`` (the mesh's Sidecar resources) and ``authorship`` (whether
a person wrote a Service's policy).
"""
