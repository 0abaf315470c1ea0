"""``POST /mutate``: one AdmissionReview in, its answer out.

The request path: no request to the API server but for a namespace that memory does not hold, no
comparing of objects, and no body in a log.
"""

import dataclasses
import time

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from webhook.admission.answer import Admission, ReviewError, receive, respond
from webhook.admission.decision import Decision
from webhook.admission.options import Options
from webhook.admission.reason import Reason
from webhook.admission.sidecars import NO_SIDECARS, Sidecars
from webhook.namespaces import Namespaces
from webhook.server.bodies import Body, Budget
from webhook.server.refusal import quoted, refusal
from webhook.telemetry.metrics import Metrics

_UID, _LABEL, _NAME = 36, 63, 253
"""Characters of a UUID, a DNS label and a DNS subdomain: no more of anybody's text is logged."""


@dataclasses.dataclass(slots=True, kw_only=True)
class Reviews:
    """The review endpoint and what it needs."""

    namespaces: Namespaces
    options: Options
    body_limit: int
    """Bytes of one body."""
    metrics: Metrics
    sidecars: Sidecars = NO_SIDECARS
    """The mesh's Sidecar resources, in memory."""
    budget: Budget = dataclasses.field(default_factory=Budget)
    """Of the bodies of all requests in flight."""
    log: structlog.typing.FilteringBoundLogger = dataclasses.field(
        default_factory=lambda: structlog.get_logger(__name__).bind()
    )

    async def mutate(self, request: Request) -> Response:
        """Answer one review.

        An error of our own becomes a 500, so that the cluster's failurePolicy decides; and it is
        answered rather than raised, because uvicorn would close the connection unannounced, with
        the API server's next review in it.

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
            return refusal("The webhook failed at this review; its log says why.", 500)

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
        decision, known = await self._decide(admission)
        answer = respond(admission.request.uid, decision)
        seconds = time.perf_counter() - began
        self.metrics.decided(admission, decision, seconds, namespace_known=known)
        self._tell(admission, decision, seconds, namespace_known=known)
        return Response(answer, media_type="application/json")

    async def _decide(self, admission: Admission) -> tuple[Decision, bool]:
        """Decide, looking again before turning down an object that the API server sent us.

        Returns:
            The decision, and whether it knew the namespace's labels or trusted the selector.
        """
        name = admission.request.namespace
        labels = await self.namespaces.labels(name)
        decision = admission.decide(labels, self.options, self.sidecars)
        if decision.reason is Reason.NAMESPACE_NOT_OPTED_IN:
            confirmed = await self.namespaces.confirm(name)
            if confirmed is not None:  # else memory stands: trust is for what it does not know
                decision = admission.decide(confirmed, self.options, self.sidecars)
        return decision, labels is not None

    def _tell(
        self, admission: Admission, decision: Decision, seconds: float, *, namespace_known: bool
    ) -> None:
        """Log the decision in one line; names at the length that Kubernetes lets them have."""
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


def _expect_json(request: Request) -> None:
    """Refuse what does not claim to be JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise HTTPException(
            415,
            f"Content-Type is {quoted(media_type) or 'missing'}; reviews are application/json.",
        )
