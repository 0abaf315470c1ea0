"""One review, sent as the API server does, and whether its answer is right."""

import base64
import dataclasses
import http.client
import json
import ssl
from typing import Any

import jsonpatch

from benchmarks import BenchmarkError
from benchmarks.reviews import Review
from benchmarks.wrk import PATH
from tests.controlplane.ports import LOOPBACK

_TIMEOUT = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    status: int
    """Of HTTP."""

    body: bytes
    """A review with a response, if all is well."""


def ask(port: int, review: Review, context: ssl.SSLContext) -> Answer:
    """Send a review over a connection of its own.

    Args:
        port: Where the server listens on loopback.
        review: What to send.
        context: Trusts the server's certificate.

    Raises:
        OSError: Nobody answers, or the certificate is another one.
        http.client.HTTPException: What comes back is not HTTP.
    """
    connection = http.client.HTTPSConnection(LOOPBACK, port, timeout=_TIMEOUT, context=context)
    try:
        connection.request("POST", PATH, review.body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return Answer(response.status, response.read())
    finally:
        connection.close()


def check(name: str, review: Review, answer: Answer) -> None:
    """See that an answer allows the object, and changes it as it should and in nothing else.

    Args:
        name: Of the server.
        review: What was asked.
        answer: What it answered.

    Raises:
        BenchmarkError: The answer is not right, so its speed says nothing.
    """
    try:
        wrong = _wrong(json.loads(review.body)["request"], review, answer)
    except (ValueError, LookupError, TypeError, jsonpatch.JsonPatchException) as error:
        wrong = f"it cannot be read ({type(error).__name__}: {error})"
    if wrong:
        raise BenchmarkError(
            f"{name} answers {review.name} wrongly, and is not measured: {wrong}; "
            f"HTTP {answer.status}, {answer.body[:300].decode(errors='replace')}"
        )


def _wrong(request: Any, review: Review, answer: Answer) -> str:
    """Say what is wrong with an answer; empty: nothing."""
    if answer.status != http.HTTPStatus.OK:
        return "its status is not 200"
    response = json.loads(answer.body)["response"]
    if response["uid"] != request["uid"] or response["allowed"] is not True:
        return "it does not allow this request"
    operations = json.loads(base64.b64decode(response.get("patch") or b"W10="))
    if jsonpatch.apply_patch(request["object"], operations) != _wanted(request["object"], review):
        return f"its patch is {operations}"
    return ""


def _wanted(found: Any, review: Review) -> Any:
    """Make the object that should come out."""
    if not review.patched:
        return found
    if found["kind"] == "Service":
        return {**found, "spec": {**found["spec"], "externalTrafficPolicy": "Local"}}
    metadata = found["metadata"]
    annotations = {**metadata.get("annotations", {}), "sidecar.istio.io/interceptionMode": "TPROXY"}
    return {**found, "metadata": {**metadata, "annotations": annotations}}
