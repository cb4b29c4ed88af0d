"""The loops of a component, each in a thread of its own, and whether they go on. No lock of theirs is taken here."""

import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")
_MOST_PLACES: Final = 30
_NUMBERS: Final = itertools.count()


class Pulse:
    """What one loop shows of itself. To be made in its thread; others only read it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.number = next(_NUMBERS)
        """Of no other loop of the process: names and threads come back."""
        self.thread = threading.get_ident()
        self.beats = 0
        self.is_resting = False

    def beat(self) -> None:
        """The loop goes on; what another thread does on its behalf says nothing."""
        if threading.get_ident() == self.thread:
            self.beats += 1

    @contextmanager
    def resting(self) -> Iterator[None]:
        """The loop waits for something to do."""
        if threading.get_ident() != self.thread:
            yield
            return
        before, self.is_resting = self.is_resting, True
        try:
            yield
        finally:
            self.is_resting = before
            self.beats += 1

    def where(self) -> str:
        """Where the loop's thread is now, the innermost place first: functions, files and lines, no values."""
        frame = sys._current_frames().get(self.thread)  # noqa: SLF001  Python's only way to another thread's stack
        places: list[str] = []
        while frame is not None and len(places) < _MOST_PLACES:
            file = "/".join(frame.f_code.co_filename.split("/")[-2:])
            places.append(f"{frame.f_code.co_qualname} {file}:{frame.f_lineno}")
            frame = frame.f_back
        return " < ".join(places) or "its thread has ended"


class RunningLoops:
    """All of a component. Safe to use from any thread."""

    def __init__(self) -> None:
        self._pulses: dict[int, Pulse] = {}

    @contextmanager
    def having(self, pulse: Pulse) -> Iterator[None]:
        """The loop runs as long as the context lasts, one in a thread."""
        self._pulses[pulse.thread] = pulse
        try:
            yield
        finally:
            del self._pulses[pulse.thread]

    def pulses(self) -> list[Pulse]:
        """Those that run now."""
        return list(self._pulses.values())


class WatchedThread(ThreadPoolExecutor):
    """One thread that does what it is handed, one after the other; it is one of the loops while it does something."""

    def __init__(self, name: str, loops: RunningLoops) -> None:
        super().__init__(1, thread_name_prefix=name)
        self._name = name
        self._loops = loops

    def submit(self, work: Callable[P, T], /, *args: P.args, **named: P.kwargs) -> Future[T]:
        """See ThreadPoolExecutor."""

        def watched() -> T:
            with self._loops.having(Pulse(self._name)):
                return work(*args, **named)

        return super().submit(watched)
