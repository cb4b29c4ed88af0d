import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing

import pytest

from smartcam.capture.sources import live as live_module
from smartcam.capture.sources.live import LiveSource
from smartcam.contract.errors import CameraLost
from smartcam.edge.clock import SystemClock
from smartcam.edge.lifecycle import StopToken
from smartcam.vision.picture import Picture
from tests.clips import still_scene

PICTURES = list(still_scene(64, 48, 3))
Step = Picture | Exception | None | Callable[[], None]


class ScriptedStream:
    """Gives what its script holds; after it nothing comes any more."""

    frames_per_second = 25.0
    waiting_for = ""

    def __init__(self, script: Iterable[Step]) -> None:
        self.closed_by: list[str] = []
        self._script: Iterator[Step] = iter(script)

    def next(self) -> Picture | None:
        for step in self._script:
            if isinstance(step, Exception):
                raise type(step)(*step.args)
            if callable(step):
                step()
                continue
            return step
        time.sleep(0.01)
        return None

    def close(self) -> None:
        self.closed_by.append(threading.current_thread().name)


def live(stream: ScriptedStream, stop: StopToken | None = None) -> LiveSource:
    return LiveSource("yard", lambda: stream, SystemClock(), stop or StopToken())


def test_pictures_bear_the_clocks_of_their_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "READ_S", 60.0)
    before = SystemClock().monotonic()
    with closing(live(ScriptedStream(PICTURES[:1]))) as source:
        timed = source.read()
    assert timed is not None
    assert timed.picture is PICTURES[0]
    assert before <= timed.captured_mono == timed.timeline_ns <= SystemClock().monotonic()
    assert (timed.position_ns, source.frames_per_second) == (0, 25.0)


def test_the_newest_picture_wins_and_the_others_are_counted() -> None:
    all_out = threading.Event()
    with closing(live(ScriptedStream([*PICTURES, all_out.set]))) as source:
        assert all_out.wait(60)
        timed = source.read()
    assert timed is not None
    assert timed.picture is PICTURES[-1]
    assert source.late == len(PICTURES) - 1


def test_a_read_that_never_returns_shows_no_sign_of_life_and_one_that_gives_pictures_does() -> None:
    stop, began, released = StopToken(), threading.Event(), threading.Event()

    def hang() -> None:
        began.set()
        released.wait(60)

    def beats() -> int:
        [pulse] = [pulse for pulse in stop.loops.pulses() if pulse.name == "live-yard"]
        return pulse.beats

    with closing(live(ScriptedStream([*PICTURES, hang]), stop)) as source:
        assert began.wait(60)
        # Once for each picture, and before the call that hangs.
        stuck = beats()
        assert stuck > len(PICTURES)
        source.read()
        assert source.read() is None
        assert beats() == stuck
        released.set()
        deadline = time.monotonic() + 60
        while beats() == stuck:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert stop.loops.pulses() == []


def test_a_silent_camera_gives_none_about_once_a_second() -> None:
    with closing(live(ScriptedStream([]))) as source:
        began = time.monotonic()
        assert source.read() is None
        assert time.monotonic() - began >= 0.8


def test_the_last_picture_is_given_before_the_loss() -> None:
    lost = CameraLost("unplugged")
    with closing(live(ScriptedStream([PICTURES[0], lost]))) as source:
        time.sleep(0.05)
        assert source.read() is not None
        with pytest.raises(CameraLost, match="unplugged"):
            source.read()


def test_a_camera_that_cannot_be_opened_says_why() -> None:
    def fail() -> ScriptedStream:
        raise CameraLost("no such camera")

    with pytest.raises(CameraLost, match="no such camera"):
        LiveSource("yard", fail, SystemClock(), StopToken())


def test_an_error_that_nobody_expected_is_a_loss_with_its_name() -> None:
    with closing(live(ScriptedStream([ValueError("odd")]))) as source:
        assert "ValueError: odd" in read_until_it_is_lost(source)


def test_a_stop_ends_the_wait_for_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "READ_S", 60.0)
    stop = StopToken()
    with closing(live(ScriptedStream([]), stop)) as source:
        stop.set()
        began = time.monotonic()
        assert source.read() is None
        assert time.monotonic() - began < 60


def test_the_stream_is_closed_by_the_thread_that_reads_it() -> None:
    stream = ScriptedStream([])
    live(stream).close()
    assert stream.closed_by == ["live-yard"]


def test_a_camera_that_opens_after_a_stop_is_closed_again() -> None:
    stream, may_open, stop = ScriptedStream(PICTURES), threading.Event(), StopToken()

    def slow() -> ScriptedStream:
        may_open.wait(60)
        return stream

    stop.set()
    with pytest.raises(CameraLost, match="stopped"):
        LiveSource("yard", slow, SystemClock(), stop)
    may_open.set()
    deadline = time.monotonic() + 60
    while not stream.closed_by and time.monotonic() < deadline:
        time.sleep(0.01)
    assert stream.closed_by == ["live-yard"]


def test_a_camera_whose_opening_hangs_is_lost_and_not_opened_beside_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "_OPEN_LIMIT_S", 0.1)
    may_open, opened = threading.Event(), []

    def hanging() -> ScriptedStream:
        opened.append(1)
        may_open.wait(60)
        return ScriptedStream([])

    with pytest.raises(CameraLost, match=r"did not open within 0\.1 s"):
        LiveSource("yard", hanging, SystemClock(), StopToken())
    with pytest.raises(CameraLost, match="still hangs"):
        LiveSource("yard", hanging, SystemClock(), StopToken())
    assert len(opened) == 1
    monkeypatch.setattr(live_module, "_OPEN_LIMIT_S", 60.0)
    threading.Timer(0.2, may_open.set).start()
    live(ScriptedStream(PICTURES)).close()
    assert len(opened) == 1


def read_until_it_is_lost(source: LiveSource) -> str:
    try:
        while True:
            source.read()
    except CameraLost as loss:
        return str(loss)


def test_a_lost_camera_is_let_go_of_at_once_and_not_at_the_next_collection_of_garbage() -> None:
    streams = [ScriptedStream([PICTURES[0], CameraLost("unplugged")])]
    stream = weakref.ref(streams[0])
    gc.disable()
    try:
        source = LiveSource("yard", streams.pop, SystemClock(), StopToken())
        assert read_until_it_is_lost(source) == "unplugged"
        source.close()
        lost = weakref.ref(source)
        del source
        assert (stream(), lost()) == (None, None)
    finally:
        gc.enable()
