"""What a camera's loop needs of the recording of clips and footage, and what takes its place where none are kept."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Protocol

from smartcam.capture.sources.source import TimedPicture
from smartcam.edge.lifecycle import StopToken
from smartcam.vision.picture import Picture


class Recording(Protocol):
    """Keeps films of one camera. Its faults never stop the camera."""

    @property
    def fault(self) -> str:
        """Why films cannot be kept at the moment; empty when all is well."""

    def running(self, stop: StopToken) -> AbstractContextManager[None]:
        """Keep films for as long as the context lasts, in threads with branches of the camera's `stop`."""

    def picture(self, timed: TimedPicture, picture: Picture) -> None:
        """What others may see of a picture: `picture` is that of `timed` with its masks, until this returns."""


class NoRecording:
    """See `Recording`; keeps nothing, for the reason in `fault`, or because nobody asked for any."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault

    def running(self, _stop: StopToken) -> AbstractContextManager[None]:
        """See `Recording`."""
        return nullcontext()

    def picture(self, timed: TimedPicture, picture: Picture) -> None:
        """See `Recording`."""


class Recordings:
    """See `Recording`; several at once."""

    def __init__(self, *each: Recording) -> None:
        self._each = each

    @property
    def fault(self) -> str:
        """See `Recording`."""
        return "; ".join(filter(None, (one.fault for one in self._each)))

    @contextmanager
    def running(self, stop: StopToken) -> Iterator[None]:
        """See `Recording`."""
        with ExitStack() as stack:
            for one in self._each:
                stack.enter_context(one.running(stop))
            yield

    def picture(self, timed: TimedPicture, picture: Picture) -> None:
        """See `Recording`."""
        for one in self._each:
            one.picture(timed, picture)
