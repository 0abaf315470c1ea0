"""The process that creates Pods answers an order before it deletes them, and says when it has."""

import io
import sys

import msgspec
import pytest

from benchmarks.cluster import creating
from benchmarks.cluster.creating import Order, Outcome
from tests.load import Sample, summarize


def test_answer_comes_before_the_pods_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """An order is answered with its outcome, then its Pods are deleted, then a line says so."""
    report = summarize([Sample(n / 100, 0.0, 0.004, "", patched=True) for n in range(50)])
    orders = [Order("shop", 1, 0.5), Order("mall", 8, 0.5)]
    stdin = io.TextIOWrapper(io.BytesIO(b"\n".join(map(msgspec.json.encode, orders))))
    stdout = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setattr(sys, "argv", ["creating", "kubeconfig"])
    monkeypatch.setattr(creating, "_access", lambda _: None)
    monkeypatch.setattr(creating, "_create", lambda *_: report)
    deleted: list[tuple[str, int]] = []
    monkeypatch.setattr(
        creating,
        "_delete",
        lambda _, namespace: deleted.append((namespace, stdout.buffer.tell())),
    )

    creating.main()

    first, gone, second, gone_too, end = stdout.buffer.getvalue().split(b"\n")
    outcome = Outcome(50, 0, 50, report.rate, 0.004, 0.004, [])
    assert [msgspec.json.decode(each, type=Outcome) for each in (first, second)] == [outcome] * 2
    assert (gone, gone_too, end) == (b"", b"", b"")
    assert deleted == [("shop", len(first) + 1), ("mall", 2 * len(first) + 3)]
