"""An answer that is no decision, in the only form that the API server passes on word by word."""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response


def refusal(sentence: str, code: int, headers: Mapping[str, str] | None = None) -> Response:
    """Make an answer whose sentence reaches whoever sent the object.

    Of plain text the API server shows 415 and 5xx only; for 404 its own words would be "the server
    could not find the requested resource", which sends people looking for the wrong thing.

    Source:
        k8s.io/client-go rest/request.go Result.Error: a body that decodes as v1 Status is the
        error; k8s.io/apimachinery pkg/api/errors NewGenericServerResponse: what it is otherwise.
    """
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": sentence,
        "code": code,
    }
    return Response(msgspec.json.encode(status), code, headers, "application/json")
