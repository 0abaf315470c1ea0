"""What becomes of one review: read, decided upon, answered, counted and told.

There are two doors. :meth:`Reviews.answer_at_once` is a function from bytes to bytes, for a review
that needs nobody to be asked; :meth:`Reviews.mutate` is the application's endpoint, for any. Both
do the same with the same functions.

On the way no objects are compared, no body is logged, and the API server is asked for nothing but a
namespace that is not in memory or, by what is in memory, has not opted in.
"""

import dataclasses
import time
from collections.abc import Callable
from typing import Final

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from webhook import logs
from webhook.admission.answer import Admission, ReviewError, receive, respond
from webhook.admission.decision import CommonReason, Decision
from webhook.admission.options import Options
from webhook.admission.sidecars import NO_SIDECARS, Sidecars
from webhook.metrics import Metrics
from webhook.namespaces import Namespaces
from webhook.server.bodies import Body, Budget
from webhook.server.rejections import quoted, rejection_response

MEDIA_TYPE: Final = "application/json"
"""Of reviews and of their answers."""
_UID, _LABEL, _NAME = 36, 63, 253
"""Characters of a UUID, a DNS label and a DNS subdomain: no more of anybody's text is logged."""
_log = structlog.get_logger(__name__)


class _Told(logs.Event, gc=False):
    """The log's line of one decision."""

    uid: str
    kind: str
    operation: str
    namespace: str
    namespace_known: bool
    name: str
    outcome: str
    reason: str
    dry_run: bool
    milliseconds: float
    event: str = "admission"


@dataclasses.dataclass(slots=True, kw_only=True)
class Reviews:
    """Answers reviews."""

    namespaces: Namespaces
    """Tells the labels of the namespace that an object is in."""

    options: Options
    """What the admin chose."""

    body_limit: int
    """Bytes of one body."""

    metrics: Metrics
    """Of this process."""

    tell: Callable[[logs.Event], None]
    """Logs an event; gets one for each decision."""

    sidecars: Sidecars = NO_SIDECARS
    """The mesh's Sidecar resources, in memory."""

    budget: Budget = dataclasses.field(default_factory=Budget)
    """Memory for the bodies of all requests in flight."""

    def answer_at_once(self, body: bytes) -> bytes | None:
        """Answer a review, if that takes nothing but memory.

        No share of the budget is taken: nothing else is decoded meanwhile.

        Args:
            body: A small one.

        Returns:
            The answer's body. ``None``: nothing was counted nor told, and :meth:`mutate` has to
            look, because somebody has to be asked, or because the body is no review, or too large
            for one; or because something failed, which will then fail there as well, and be told.
        """
        if len(body) > self.body_limit:
            return None
        began = time.perf_counter()
        try:
            admission = receive(body)
            labels = self.namespaces.remembered(admission.request.namespace)
            if labels is None:
                return None
            decisions = admission.decide(labels, self.options, self.sidecars)
            if _to_be_confirmed(decisions):
                return None
            answer = respond(admission.request.uid, decisions)
        except Exception:  # noqa: BLE001  told by whoever looks next
            return None
        self._note(admission, decisions, time.perf_counter() - began, namespace_known=True)
        return answer

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
        except Exception:  # noqa: BLE001  told, and answered
            _log.exception("review-failed")
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
        self._note(admission, decisions, time.perf_counter() - began, namespace_known=known)
        return Response(answer, media_type=MEDIA_TYPE)

    async def _decide(self, admission: Admission) -> tuple[tuple[Decision, ...], bool]:
        """Decide, looking again before turning down an object that the API server sent us.

        Returns:
            The decisions, and whether they knew the namespace's labels or trusted the selector.
        """
        name = admission.request.namespace
        labels = await self.namespaces.labels(name)
        decisions = admission.decide(labels, self.options, self.sidecars)
        if _to_be_confirmed(decisions):
            confirmed = await self.namespaces.confirm(name)
            if confirmed is not None:  # else memory stands: trust is for what it does not know
                decisions = admission.decide(confirmed, self.options, self.sidecars)
        return decisions, labels is not None

    def _note(
        self,
        admission: Admission,
        decisions: tuple[Decision, ...],
        seconds: float,
        *,
        namespace_known: bool,
    ) -> None:
        """Count what was decided, and log each decision in one line.

        Names are logged at the length that Kubernetes lets them have. A failure here is told and
        changes no answer: what was decided is right all the same.
        """
        request = admission.request
        try:
            self.metrics.decided(request, decisions, seconds, namespace_known=namespace_known)
            for decision in decisions:
                self.tell(
                    _Told(
                        request.uid[:_UID],
                        request.kind.kind[:_LABEL],
                        request.operation,
                        request.namespace[:_LABEL],
                        namespace_known,
                        admission.name[:_NAME],
                        decision.outcome,
                        decision.reason,
                        bool(request.dry_run),
                        round(seconds * 1000, 3),
                    )
                )
        except Exception:  # noqa: BLE001  whatever it is, a Pod must not wait for it
            _log.exception("decision-not-told")


def _to_be_confirmed(decisions: tuple[Decision, ...]) -> bool:
    """Tell whether an object is turned down although the API server's selector has matched."""
    return any(each.reason is CommonReason.NAMESPACE_NOT_OPTED_IN for each in decisions)


def _expect_json(request: Request) -> None:
    """Refuse what does not claim to be JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != MEDIA_TYPE:
        raise HTTPException(
            415,
            f"Content-Type is {quoted(media_type) or 'missing'}; reviews are {MEDIA_TYPE}.",
        )
