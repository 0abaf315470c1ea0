"""What is wrong with an object, in its author's words."""

from webhook.offline.creation import fault


def test_without_a_place() -> None:
    """An error that names no field is about the object."""
    error = ValueError("request.object is malformed: Unexpected end of hex escape (byte 7)")
    assert fault(error, ()) == "is no object that the API knows: unexpected end of hex escape."
