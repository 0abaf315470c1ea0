"""``POST /mutate`` over verified TLS: answers, refusals, and what is counted."""

import http.client
import json
import socket
import ssl

import pytest

from tests.reviews import recorded, review
from tests.second_mutation import registered
from tests.server.running import DEADLINE, Running
from tests.situations import ENABLED, MODE, SITUATIONS, Situation, pod
from webhook.server import rejections

LIMIT = 20 * 1024 * 1024


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda row: row.says)
def test_situation_is_answered(server: Running, situation: Situation) -> None:
    """Over the wire each situation gets the outcome and the reason of the table."""
    server.namespaces.answer = server.namespaces.confirmed = situation.namespace
    server.webhook.reviews.options = situation.options
    server.webhook.reviews.sidecars = situation.known_sidecars()
    answer = server.post(situation.review())
    response = answer.json()["response"]

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert response["allowed"] is True
    assert response["auditAnnotations"]["reason"].split(", ")[situation.place] == situation.reason


def test_recorded_review_is_answered_with_its_uid(server: Running) -> None:
    """What the API server compares first, the uid, comes back."""
    body = recorded("pod_create_generateName.json")

    assert server.post(body).json()["response"]["uid"] == json.loads(body)["request"]["uid"]


def test_decision_is_counted(server: Running) -> None:
    """Kind, operation, outcome, reason and dry run are labels of the counter; time is observed."""
    labels = {
        "kind": "Pod",
        "operation": "CREATE",
        "outcome": "patched",
        "reason": "added",
        "dry_run": "true",
    }
    server.post(review("Pod", pod(), dryRun=True))

    assert server.count("source_ip_webhook_admission_total", **labels) == 1
    assert server.count("source_ip_webhook_admission_duration_seconds_count", kind="Pod") == 1


def test_unknown_kind_is_counted_as_other(server: Running) -> None:
    """A kind that a caller makes up does not become a label of its own."""
    server.post(review("Whatever", {}))

    assert server.count("source_ip_webhook_admission_duration_seconds_count", kind="other") == 1


def test_contradiction_is_confirmed(server: Running) -> None:
    """A namespace that memory says has not opted in is looked at again: its label may be new."""
    server.namespaces.answer = {}
    response = server.post(review("Pod", pod())).json()["response"]

    assert response["auditAnnotations"]["reason"] == "added"
    assert server.namespaces.confirmations == 1


def test_contradiction_that_nobody_can_settle_widens_nothing(server: Running) -> None:
    """Where memory says no and the API server cannot be asked, memory stands: it is not trust."""
    server.namespaces.answer = {}
    server.namespaces.confirmed = None
    response = server.post(review("Pod", pod())).json()["response"]

    assert response["auditAnnotations"]["reason"] == "namespace-not-opted-in"
    assert server.namespaces.confirmations == 1


def test_agreement_costs_nothing(server: Running) -> None:
    """A namespace that has opted in is never looked at again."""
    server.post(review("Pod", pod()))

    assert server.namespaces.answer == ENABLED
    assert server.namespaces.confirmations == 0


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "says"),
    [
        ("POST", "/", {}, b"{}", 404, "Nothing is served at /"),
        ("POST", "/mutate/", {}, b"{}", 404, "Nothing is served at /mutate/"),
        ("GET", "/mutate", {}, b"", 405, "GET is not allowed"),
        ("GET", "/docs", {}, b"", 404, "Nothing is served"),
        ("GET", "/%7Bpath%7D", {}, b"", 404, "Nothing is served at /{path}"),
        ("GET", "/%1b[31m%00", {}, b"", 404, "Nothing is served at /\\u001b[31m\\u0000;"),
        ("GET", "/" + "x" * 50_000, {}, b"", 404, "x" * 99 + ";"),
        ("POST", "/mutate", {"Content-Type": "x" * 50_000}, b"", 415, "x" * 100 + ";"),
        ("POST", "/mutate", {}, b"{}", 415, "Content-Type is missing"),
        ("POST", "/mutate", {"Content-Type": "text/plain"}, b"{}", 415, "is text/plain"),
        # Characters that cannot be seen: a space that does not break, one that has no width.
        ("POST", "/mutate", {"Content-Type": "a/\xed\xa0\xad"}, b"{}", 415, r"a/í\u00a0\u00ad;"),
        ("POST", "/mutate", {"Content-Type": "application/json"}, b"", 400, "not an admission"),
        ("POST", "/mutate", {"Content-Type": "application/json"}, b"{}", 400, "apiVersion"),
        (
            "POST",
            "/mutate",
            {"Content-Type": "application/json"},
            review("Pod", None),
            400,
            "object is a Pod",
        ),
    ],
)
def test_what_is_no_review_is_refused(  # noqa: PLR0917  the columns of the table
    server: Running,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    status: int,
    says: str,
) -> None:
    """A request that is no review gets a 4xx with one sentence, and is counted."""
    url = f"https://localhost:{server.webhook.port}{path}"
    answer = server.client.request(method, url, body=body, headers=headers, redirect=False)
    text = answer.json()["message"]

    assert answer.status == status
    assert says in text
    assert text.endswith(".")
    assert "\n" not in text
    assert (answer.json()["kind"], answer.json()["code"]) == ("Status", status)
    assert server.count("source_ip_webhook_rejected_requests_total", code=str(status)) == 1


def test_media_type_may_have_parameters(server: Running) -> None:
    """``application/json; charset=utf-8`` is JSON as well."""
    body = review("Pod", pod())
    answer = server.client.request(
        "POST", server.url, body=body, headers={"content-type": "Application/JSON; charset=utf-8"}
    )

    assert answer.status == 200


def test_declared_size_over_the_limit_is_refused_unread(server: Running) -> None:
    """A body that says it is too large is refused before it is sent."""
    connection = http.client.HTTPSConnection(
        "localhost",
        server.webhook.port,
        timeout=DEADLINE,
        context=ssl.create_default_context(cafile=str(server.ca)),
    )
    connection.putrequest("POST", "/mutate")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(LIMIT + 1))
    connection.endheaders()
    answer = connection.getresponse()

    assert answer.status == 413
    assert answer.getheader("connection") == "close"
    assert b"larger than 20971520 bytes" in answer.read()
    connection.close()


def test_size_over_the_limit_is_refused_while_it_arrives(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body that does not say its size is read up to the limit and no further."""
    monkeypatch.setattr(rejections, "_LINGER", DEADLINE)  # the client may be slow to send the rest
    chunks = (b" " * 1024 * 1024 for _ in range(21))
    answer = server.client.request(
        "POST", server.url, body=chunks, headers={"Content-Type": "application/json"}, chunked=True
    )

    assert answer.status == 413


def test_largest_review_is_answered(server: Running) -> None:
    """A pod of the API server's largest size, every byte escaped to six, is answered."""
    body = review("Pod", pod(env="<" * 2_900_000)).replace(b"<", b"\\u003c")

    assert LIMIT > len(body) > 17_000_000
    assert server.post(body).status == 200


def half_a_request(server: Running) -> ssl.SSLSocket:
    """Send the headers of a review, and one byte of its body."""
    context = ssl.create_default_context(cafile=str(server.ca))
    plain = socket.create_connection(("127.0.0.1", server.webhook.port), DEADLINE)
    connection = context.wrap_socket(plain, server_hostname="localhost")
    connection.sendall(
        b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\n\r\n{"
    )
    return connection


def test_client_that_goes_away_is_no_error_of_ours(server: Running) -> None:
    """A connection that ends within the body counts as a bad request, not as a failure."""
    half_a_request(server).close()
    deadline = DEADLINE
    while not server.count("source_ip_webhook_rejected_requests_total", code="400"):
        server.ops("/livez")
        deadline -= 0.001
        assert deadline > 0

    assert server.count("source_ip_webhook_rejected_requests_total", code="500") == 0


def test_failure_of_our_own_is_a_500(server: Running, capfd: pytest.CaptureFixture[str]) -> None:
    """An error inside becomes a 500, so that the cluster's failurePolicy decides, and is logged."""
    server.namespaces.error = LookupError("on purpose")
    answer = server.post(review("Pod", pod()))

    assert answer.status == 500
    assert answer.json()["message"] == "The webhook failed at this review; its log says why."
    assert server.count("source_ip_webhook_rejected_requests_total", code="500") == 1
    assert "on purpose" in capfd.readouterr().out


def test_failure_leaves_its_connection_open(server: Running) -> None:
    """The review that follows a failure on the same connection is answered."""
    server.namespaces.error = LookupError("on purpose")
    server.post(review("Pod", pod()))
    server.namespaces.error = None

    assert server.post(review("Pod", pod())).status == 200
    assert server.client.connection_from_url(server.url).num_connections == 1


def test_connection_is_kept(server: Running) -> None:
    """Reviews of one client share a connection, as the API server's do."""
    for _ in range(5):
        assert "connection" not in server.post(review("Pod", pod())).headers
    pool = server.client.connection_from_url(server.url)

    assert pool.num_connections == 1


def test_trust_in_the_selector_is_counted(
    server: Running, capfd: pytest.CaptureFixture[str]
) -> None:
    """A decision without the namespace's labels is counted, and its log line says so."""
    before = server.count("source_ip_webhook_selector_trusted_total")
    server.namespaces.answer = None
    server.post(review("Pod", pod()))

    assert server.count("source_ip_webhook_selector_trusted_total") == before + 1
    assert "namespace_known=False" in capfd.readouterr().out


def test_log_has_little_of_anybodys_text(
    server: Running, capfd: pytest.CaptureFixture[str]
) -> None:
    """Names of a review that are longer than names can be are cut in the log."""
    long = "x" * 100_000
    server.post(review(long, {}, uid=long, namespace=long, name=long))

    assert len(capfd.readouterr().out) < 1000


def test_every_decision_is_counted_and_logged(
    server: Running, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of several mutations each decision has a count and a line; the time is observed once."""
    registered(monkeypatch)
    server.post(review("Pod", pod({MODE: "TPROXY"})))
    labels = {"kind": "Pod", "operation": "CREATE", "dry_run": "false"}
    lines = [line for line in capfd.readouterr().out.splitlines() if "admission" in line]

    for outcome, reason in (("unchanged", "already-set"), ("patched", "added")):
        words = {"outcome": outcome, "reason": reason}
        assert server.count("source_ip_webhook_admission_total", **labels, **words) == 1
        assert len([line for line in lines if f"reason={reason}" in line]) == 1
    assert len(lines) == 2
    assert server.count("source_ip_webhook_admission_duration_seconds_count", kind="Pod") == 1


def test_contradiction_of_several_is_confirmed_once(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several decisions that the namespace has not opted in cost one look."""
    registered(monkeypatch)
    server.namespaces.answer = {}
    response = server.post(review("Pod", pod())).json()["response"]

    assert response["auditAnnotations"]["reason"] == "added, added"
    assert server.namespaces.confirmations == 1
