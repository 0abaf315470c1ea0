"""Children of a process, by /proc."""

from pathlib import Path


def children(pid: int) -> list[int]:
    """Return the process ids of a process' children; none if it has ended."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except FileNotFoundError:
        return []
    return [int(word) for word in text.split()]
