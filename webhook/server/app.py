"""The two HTTP applications: reviews over TLS, and health and metrics beside it.

``POST /mutate`` takes one AdmissionReview and gives its answer. On the way no objects are compared,
no body is logged, and the API server is asked for nothing but a namespace that is not in memory or,
by what is in memory, has not opted in.

``/mutate`` is a plain Starlette route inside its FastAPI application: FastAPI's dependency
machinery costs more than reading, deciding and answering together, and one opaque body has no use
for it.
"""

import dataclasses
import time
from collections.abc import Callable
from typing import Final

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webhook.admission.answer import Admission, ReviewError, receive, respond
from webhook.admission.decision import CommonReason, Decision
from webhook.admission.options import Options
from webhook.admission.sidecars import NO_SIDECARS, Sidecars
from webhook.metrics import Metrics
from webhook.namespaces import Namespaces
from webhook.server.bodies import Body, Budget
from webhook.server.rejections import Rejections, quoted, rejection_response

_UID, _LABEL, _NAME = 36, 63, 253
"""Characters of a UUID, a DNS label and a DNS subdomain: no more of anybody's text is logged."""
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


@dataclasses.dataclass(slots=True, kw_only=True)
class Reviews:
    """The endpoint for reviews."""

    namespaces: Namespaces
    """Tells the labels of the namespace that an object is in."""

    options: Options
    """What the admin chose."""

    body_limit: int
    """Bytes of one body."""

    metrics: Metrics
    """Of this process."""

    sidecars: Sidecars = NO_SIDECARS
    """The mesh's Sidecar resources, in memory."""

    budget: Budget = dataclasses.field(default_factory=Budget)
    """Memory for the bodies of all requests in flight."""

    log: structlog.typing.FilteringBoundLogger = dataclasses.field(
        default_factory=lambda: structlog.get_logger(__name__).bind()
    )
    """Gets one line for each decision. Bound, because a logger of structlog 26.1 that is not bound
    makes a new one for every line."""

    async def mutate(self, request: Request) -> Response:
        """Answer one review.

        An error of our own becomes a 500, so that the cluster's failurePolicy decides. It is
        answered here rather than raised: Starlette 1.10 answers an exception with 500 and raises it
        again, at which uvicorn 0.54 closes the connection unannounced, with the API server's next
        review in it.

        Raises:
            HTTPException: 4xx with one sentence, where the request is no review that we can answer;
                503, where there is no room for it.
        """
        try:
            return await self._answer(request)
        except HTTPException:
            raise
        except Exception:
            self.log.exception("review-failed")
            self.metrics.rejected.labels("500").inc()
            return rejection_response("The webhook failed at this review; its log says why.", 500)

    async def _answer(self, request: Request) -> Response:
        """Read and answer; what the body takes of the budget is given back in any case."""
        _expect_json(request)
        async with Body(self.budget, self.body_limit) as body:
            return await self._review(await body.read(request))

    async def _review(self, body: bytes | bytearray) -> Response:
        """Decide, answer, and tell."""
        began = time.perf_counter()
        try:
            admission = receive(body)
        except ReviewError as error:
            raise HTTPException(400, str(error)) from error
        decisions, known = await self._decide(admission)
        answer = respond(admission.request.uid, decisions)
        seconds = time.perf_counter() - began
        self.metrics.decided(admission.request, decisions, seconds, namespace_known=known)
        for decision in decisions:
            self._tell(admission, decision, seconds, namespace_known=known)
        return Response(answer, media_type="application/json")

    async def _decide(self, admission: Admission) -> tuple[tuple[Decision, ...], bool]:
        """Decide, looking again before turning down an object that the API server sent us.

        Returns:
            The decisions, and whether they knew the namespace's labels or trusted the selector.
        """
        name = admission.request.namespace
        labels = await self.namespaces.labels(name)
        decisions = admission.decide(labels, self.options, self.sidecars)
        if any(each.reason is CommonReason.NAMESPACE_NOT_OPTED_IN for each in decisions):
            confirmed = await self.namespaces.confirm(name)
            if confirmed is not None:  # else memory stands: trust is for what it does not know
                decisions = admission.decide(confirmed, self.options, self.sidecars)
        return decisions, labels is not None

    def _tell(
        self, admission: Admission, decision: Decision, seconds: float, *, namespace_known: bool
    ) -> None:
        """Log one decision in one line; names at the length that Kubernetes lets them have."""
        request = admission.request
        self.log.info(
            "admission",
            uid=request.uid[:_UID],
            kind=request.kind.kind[:_LABEL],
            operation=request.operation,
            namespace=request.namespace[:_LABEL],
            namespace_known=namespace_known,
            name=admission.name[:_NAME],
            outcome=decision.outcome,
            reason=decision.reason,
            dry_run=bool(request.dry_run),
            milliseconds=round(seconds * 1000, 3),
        )


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
    app = FastAPI(
        openapi_url=None, redirect_slashes=False, default_response_class=PlainTextResponse
    )

    @app.get("/livez")
    async def livez() -> str:
        """Say that the event loop is running."""
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


def _expect_json(request: Request) -> None:
    """Refuse what does not claim to be JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise HTTPException(
            415,
            f"Content-Type is {quoted(media_type) or 'missing'}; reviews are application/json.",
        )


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
