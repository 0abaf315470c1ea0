"""The two FastAPI applications: reviews over TLS, and health and metrics beside it.

``/mutate`` is a plain Starlette route inside its application: FastAPI's dependency machinery costs
more than reading, deciding and answering together, and one opaque body has no use for it.
"""

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webhook.server.readiness import Readiness
from webhook.server.refusal import quoted, refusal
from webhook.server.rejections import Rejections
from webhook.server.reviews import Reviews
from webhook.telemetry.metrics import Metrics

_SENTENCES = {
    404: "Nothing is served at {path}; reviews go to POST /mutate.",
    405: "{method} is not allowed at {path}; reviews go to POST /mutate.",
}


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
    app.add_middleware(_EndConnections, readiness=readiness)

    rejections = Rejections(reviews.metrics)
    # Found there by the server, for what it refuses before there is a request.
    app.state.refused = rejections.request
    app.state.handshake_failed = rejections.handshake

    async def reject(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  what the handler is registered for
        sentence = str(error.detail)
        if error.status_code in _SENTENCES:
            sentence = _SENTENCES[error.status_code].format(
                path=quoted(request.url.path), method=request.method
            )
        rejections.request(error.status_code, request.client, sentence)
        return refusal(sentence, error.status_code, error.headers)

    app.add_exception_handler(HTTPException, reject)
    return app


def create_ops_app(readiness: Readiness, metrics: Metrics) -> FastAPI:
    """Make the application that kubelet and the scraper call.

    Args:
        readiness: What ``/readyz`` asks.
        metrics: What ``/metrics`` writes.
    """
    app = FastAPI(
        openapi_url=None, redirect_slashes=False, default_response_class=PlainTextResponse
    )

    @app.get("/livez")
    async def livez() -> str:
        """Say that the event loop turns."""
        return "ok"

    @app.get("/readyz")
    async def readyz(response: Response) -> str:
        """Say whether requests should come here, and if not, what is missing."""
        missing = readiness.missing()
        response.status_code = 503 if missing else 200
        return "not ready: " + ", ".join(missing) if missing else "ok"

    @app.get("/metrics")
    async def exposition() -> Response:
        """Write the metrics."""
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return app


class _EndConnections:
    """Middleware that ends every connection with its next answer, once the process is draining.

    The API server keeps its connections as long as it can, whatever the endpoints of the Service
    say, and never retries a POST: they have to be closed while there still is an answer to give.
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
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        await self._app(scope, receive, send_close)
