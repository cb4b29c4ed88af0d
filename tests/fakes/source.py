"""A source that plays a script, and a stop token that lets simulated time go by instead of waiting."""

from collections.abc import Callable, Iterable, Iterator

from smartcam.capture.sources.source import TimedPicture
from smartcam.contract.errors import CameraEnded
from smartcam.contract.times import NS_PER_S
from smartcam.edge.lifecycle import StopToken
from smartcam.vision.picture import Picture
from tests.fakes.clock import FakeClock

Step = Picture | Exception | str | None | Callable[[], None]


class SimulatedStop(StopToken):
    """Waiting advances the clock at once; the token sets itself `for_s` seconds of that clock after it was made."""

    def __init__(self, clock: FakeClock, for_s: float = 1e9) -> None:
        super().__init__()
        self.waits: list[float] = []
        self._clock = clock
        self._until = clock.monotonic() + round(for_s * NS_PER_S)

    def is_set(self) -> bool:
        return super().is_set() or self._clock.monotonic() >= self._until

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None, "a wait without an end is no wait of the suite"
        self.waits.append(timeout)
        left_s = (self._until - self._clock.monotonic()) / NS_PER_S
        self._clock.advance(max(min(timeout, left_s), 0.0))
        return self.is_set()


class FakeSource:
    """Plays its script: a picture takes `1 / frames_per_second`, None one second; a call is made; an error is raised.

    A text is what it waits for from then on. After the script the source has ended.
    """

    def __init__(self, script: Iterable[Step], clock: FakeClock, frames_per_second: float = 10.0) -> None:
        self.frames_per_second = frames_per_second
        self.late = 0
        self.waiting_for = ""
        self.is_closed = False
        self._script: Iterator[Step] = iter(script)
        self._clock = clock
        self._count = 0

    def read(self) -> TimedPicture | None:
        for step in self._script:
            if step is None:
                self._clock.advance(1.0)
                return None
            if isinstance(step, Exception):
                raise step
            if isinstance(step, Picture):
                return self._timed(step)
            if isinstance(step, str):
                self.waiting_for = step
            else:
                step()
        raise CameraEnded("the script is over")

    def close(self) -> None:
        self.is_closed = True

    def _timed(self, picture: Picture) -> TimedPicture:
        position = round(self._count * NS_PER_S / self.frames_per_second)
        if self._count:
            self._clock.advance(1 / self.frames_per_second)
        self._count += 1
        return TimedPicture(picture, position, position, self._clock.utc(), self._clock.monotonic())


class FakeOpener:
    """Opens one script after the other, the last one again and again; a script that is an error is raised."""

    def __init__(self, clock: FakeClock, *scripts: Iterable[Step] | Exception) -> None:
        self.opened_at_s: list[float] = []
        self.sources: list[FakeSource] = []
        self._clock = clock
        self._scripts = list(scripts)

    def __call__(self, _stop: StopToken) -> FakeSource:
        self.opened_at_s.append(self._clock.monotonic() / NS_PER_S)
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        if isinstance(script, Exception):
            raise script
        source = FakeSource(script, self._clock)
        self.sources.append(source)
        return source
