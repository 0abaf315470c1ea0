"""``POST /mutate``: one AdmissionReview in, its answer out.

The request path: no request to the API server but for a namespace that memory does not hold, no
comparing of objects, and no body in a log.
"""

import asyncio
import dataclasses
import time

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from webhook.admission.answer import Admission, ReviewError, receive, respond
from webhook.admission.decision import Decision
from webhook.admission.options import Options
from webhook.admission.reason import Reason
from webhook.namespaces import Namespaces
from webhook.server.refusal import refusal
from webhook.telemetry.metrics import Metrics

_BODY_TIMEOUT = 10.0
"""Seconds a client may take to send a body; the API server's own deadline is 2."""


@dataclasses.dataclass(slots=True, kw_only=True)
class Reviews:
    """The review endpoint and what it needs."""

    namespaces: Namespaces
    options: Options
    body_limit: int
    """Bytes."""
    metrics: Metrics
    log: structlog.typing.FilteringBoundLogger = dataclasses.field(
        default_factory=lambda: structlog.get_logger(__name__).bind()
    )

    async def mutate(self, request: Request) -> Response:
        """Answer one review.

        An error of our own becomes a 500, so that the cluster's failurePolicy decides; and it is
        answered rather than raised, because uvicorn would close the connection unannounced, with
        the API server's next review in it.

        Raises:
            HTTPException: 4xx with one sentence, where the request is no review that we can answer.
        """
        try:
            return await self._answer(request)
        except HTTPException:
            raise
        except Exception:
            self.log.exception("review-failed")
            self.metrics.rejected.labels("500").inc()
            return refusal("The webhook failed at this review; its log says why.", 500)

    async def _answer(self, request: Request) -> Response:
        """Read, decide, answer, and tell."""
        _expect_json(request)
        body = await self._body(request)
        began = time.perf_counter()
        try:
            admission = receive(body)
        except ReviewError as error:
            raise HTTPException(400, str(error)) from error
        decision = await self._decide(admission)
        answer = respond(admission.request.uid, decision)
        seconds = time.perf_counter() - began
        self.metrics.decided(admission, decision, seconds)
        self._tell(admission, decision, seconds)
        return Response(answer, media_type="application/json")

    async def _decide(self, admission: Admission) -> Decision:
        """Decide, and look again before turning down an object that the API server sent us."""
        name = admission.request.namespace
        decision = admission.decide(await self.namespaces.labels(name), self.options)
        if decision.reason is Reason.NAMESPACE_NOT_OPTED_IN:
            decision = admission.decide(await self.namespaces.confirm(name), self.options)
        return decision

    async def _body(self, request: Request) -> bytes:
        """Read the body, but never more than the limit."""
        too_large = HTTPException(
            413,
            f"The body is larger than {self.body_limit} bytes, which no review of an object that "
            "Kubernetes accepts can be.",
            {"Connection": "close"},
        )
        if int(request.headers.get("content-length", "0")) > self.body_limit:
            raise too_large
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(_BODY_TIMEOUT):
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > self.body_limit:
                        raise too_large
                    chunks.append(chunk)
        except TimeoutError:
            raise HTTPException(
                408,
                f"The body did not arrive within {_BODY_TIMEOUT:.0f} seconds.",
                {"Connection": "close"},
            ) from None
        except ClientDisconnect:
            raise HTTPException(400, "The client went away before the body was complete.") from None
        return b"".join(chunks)

    def _tell(self, admission: Admission, decision: Decision, seconds: float) -> None:
        """Log the decision in one line."""
        request = admission.request
        self.log.info(
            "admission",
            uid=request.uid,
            kind=request.kind.kind,
            operation=request.operation,
            namespace=request.namespace,
            name=admission.name,
            outcome=decision.outcome,
            reason=decision.reason,
            dry_run=bool(request.dry_run),
            milliseconds=round(seconds * 1000, 3),
        )


def _expect_json(request: Request) -> None:
    """Refuse what does not claim to be JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise HTTPException(
            415, f"Content-Type is {media_type or 'missing'}; reviews are application/json."
        )
