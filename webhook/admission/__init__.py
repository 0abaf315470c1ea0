"""What the API server asks, what we decide, and what we answer.

Pure: bytes and labels in, bytes out; no I/O, no clock, no third party but msgspec. The modules from
the wire inwards: ``answer`` (bytes to decision to bytes), ``review`` (the fields that we read),
``mutation`` (how rules are run), ``pods`` and ``services`` (the rules), ``decision`` and ``patch``.
"""
