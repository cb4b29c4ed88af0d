"""Waits for what becomes true in another thread or process."""

import time
from collections.abc import Callable

PATIENCE_S = 180.0
"""How long a busy machine may take for what it does in seconds: who waits for a condition loses nothing by more."""
_LOOK_S = 0.01


def until(condition: Callable[[], object], patience_s: float = PATIENCE_S) -> bool:
    """True as soon as the condition is; AssertionError where it is not in time."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(_LOOK_S)
    return True
