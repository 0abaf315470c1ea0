"""The two HTTP applications: reviews over TLS, and health and metrics beside it.

``POST /mutate`` takes one AdmissionReview and gives its answer. On the way no objects are compared,
no body is logged, and the API server is asked for nothing but a namespace that is not in memory or,
by what is in memory, has not opted in.

``/mutate`` is a plain Starlette route inside its FastAPI application: FastAPI's dependency
machinery costs more than reading, deciding and answering together, and one opaque body has no use
for it. Most reviews do not even come here: :mod:`webhook.server.shortcut` answers them.
"""

import dataclasses
from collections.abc import Callable
from typing import Final

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webhook.metrics import Metrics
from webhook.server.rejections import Rejections, quoted, rejection_response
from webhook.server.reviews import Reviews

_SENTENCES: Final = {
    404: "Nothing is served at {path}; reviews go to POST /mutate.",
    405: "{method} is not allowed at {path}; reviews go to POST /mutate.",
}
"""What to say instead of Starlette's own words, by HTTP status."""


@dataclasses.dataclass(slots=True)
class Readiness:
    """Whether this process should get requests: all conditions hold, and it is not draining."""

    checks: dict[str, Callable[[], bool]]
    """Conditions that have to hold, each by the name that ``/readyz`` shows when it does not."""

    draining: bool = False
    """Set while draining: not ready any more, still answering, and ending every connection."""

    def missing(self) -> list[str]:
        """Name what is missing; an empty list means ready."""
        missing = [name for name, holds in self.checks.items() if not holds()]
        return [*missing, "draining"] if self.draining else missing


def create_review_app(reviews: Reviews, readiness: Readiness) -> FastAPI:
    """Make the application that the API server calls.

    Args:
        reviews: Answers ``POST /mutate``.
        readiness: Asked whether connections should end.
    """
    # No documentation pages and no redirects: the API server follows a 307 with the whole body, so
    # a wrong path in a configuration would go unnoticed and cost every call twice.
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.router.routes.append(Route("/mutate", reviews.mutate, methods=["POST"]))
    app.add_middleware(_CloseConnections, readiness=readiness)

    rejections = Rejections(reviews.metrics)
    # Found there by the server, for what it rejects before there is a request.
    app.state.rejected = rejections.request
    app.state.handshake_failed = rejections.handshake

    def answer_at_once(body: bytes) -> bytes | None:
        # While draining every answer ends its connection, which is the application's to say.
        return None if readiness.draining else reviews.answer_at_once(body)

    app.state.answer_at_once = answer_at_once

    async def reject(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  what the handler is registered for
        sentence = str(error.detail)
        if error.status_code in _SENTENCES:
            sentence = _SENTENCES[error.status_code].format(
                path=quoted(request.url.path), method=request.method
            )
        rejections.request(error.status_code, request.client, sentence)
        return rejection_response(sentence, error.status_code, error.headers)

    app.add_exception_handler(HTTPException, reject)
    return app


def create_ops_app(readiness: Readiness, metrics: Metrics) -> FastAPI:
    """Make the application that kubelet and the scraper call.

    Args:
        readiness: What ``/readyz`` asks.
        metrics: What ``/metrics`` writes.
    """
    app = FastAPI(openapi_url=None, redirect_slashes=False)

    # Responses and no text: for text FastAPI 0.165 would have Pydantic make a serializer (1.1 MiB).
    @app.get("/livez")
    async def livez() -> Response:
        """Say that the event loop is running."""
        return PlainTextResponse("ok")

    @app.get("/readyz")
    async def readyz() -> Response:
        """Say whether requests should come here, and if not, what is missing."""
        if missing := readiness.missing():
            return PlainTextResponse("not ready: " + ", ".join(missing), 503)
        return PlainTextResponse("ok")

    @app.get("/metrics")
    async def exposition() -> Response:
        """Write the metrics."""
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return app


class _CloseConnections:
    """Middleware that closes every connection with its next answer, once the process is draining.

    The API server keeps its connections as long as it can, whatever the endpoints of the Service
    say, and never retries a POST: they have to be closed while there still is an answer to give.
    It is ASGI without a framework, which costs one call per request.

    Args:
        app: What it stands before.
        readiness: Tells whether the process is draining.
    """

    def __init__(self, app: ASGIApp, readiness: Readiness) -> None:
        self._app = app
        self._readiness = readiness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._readiness.draining:
            await self._app(scope, receive, send)
            return

        async def send_close(message: Message) -> None:
            if message["type"] == "http.response.start":
                # uvicorn 0.54 reads this header of ours, and closes once the answer is complete.
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        await self._app(scope, receive, send_close)
