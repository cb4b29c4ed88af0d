"""A thread of a test that ends with it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from smartcam.edge.lifecycle import StopToken


@contextmanager
def in_a_thread(run: Callable[[StopToken], object]) -> Iterator[StopToken]:
    """It runs until the end of the block, and has ended then."""
    stop = StopToken()
    thread = threading.Thread(target=run, args=(stop,))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()
