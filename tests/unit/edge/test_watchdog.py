"""Who is called stuck, and what comes of it: with real threads that hang, and on a clock that a test moves."""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.capture import main as capture
from smartcam.console import main as console
from smartcam.contract.errors import BusUnavailable
from smartcam.contract.ids import ThingName
from smartcam.edge.lifecycle import EXIT_STUCK, Leave, StopToken
from smartcam.edge.loops import RunningLoops, WatchedThread
from smartcam.edge.outbox.outbox import Outbox
from smartcam.edge.replaced import last_replacement
from smartcam.edge.starts import WINDOW_S
from smartcam.edge.watchdog import FROZEN_S, LONGEST_S, LOOK_S, LoopSign, Stillness, Watchdog, judge, longest_s
from smartcam.inference import main as inference
from tests.fakes.bus import FakeNucleus
from tests.fakes.clock import FakeClock
from tests.waiting import until
from tools.command_line import ROOT

PATIENCE_S = 60.0
LONGEST = {"camera": 10.0, "sender": 20.0, "bus": 30.0}


@dataclass
class Nucleus:
    errored: int = 0
    is_away: bool = False
    loops: RunningLoops = field(default_factory=RunningLoops)

    def report_errored(self) -> None:
        if self.is_away:
            raise BusUnavailable("the nucleus is away")
        self.errored += 1


@dataclass
class Device:
    """A watchdog on a clock, and loops in real threads."""

    folder: Path
    starts: tuple[int, ...] = (0,)
    clock: FakeClock = field(default_factory=FakeClock)
    nucleus: Nucleus = field(default_factory=Nucleus)
    armed: list[float] = field(default_factory=list)
    stop: StopToken = field(default_factory=StopToken)

    def __post_init__(self) -> None:
        self.watchdog = Watchdog(self.nucleus, self.clock, self.starts, self.folder, LONGEST, self.armed.append)
        self.watchdog.step(self.stop.loops)

    @contextmanager
    def loop(self, name: str, body: Callable[[StopToken], object]) -> Iterator[StopToken]:
        """Runs in a thread of its own, and has begun."""
        its_own, began = self.stop.branch(), threading.Event()

        def run() -> None:
            began.set()
            body(its_own)

        thread = threading.Thread(target=its_own.follow, args=(name, run), daemon=True)
        thread.start()
        assert began.wait(PATIENCE_S)
        try:
            yield its_own
        finally:
            its_own.set()

    def watch(self, seconds: float) -> float | None:
        """The second at which it left, None if it stayed."""
        for look in range(round(seconds / LOOK_S)):
            self.clock.advance(LOOK_S)
            try:
                self.watchdog.step(self.stop.loops)
            except Leave as leave:
                return (look + 1) * LOOK_S if (leave.code, leave.despite_stuck) == (EXIT_STUCK, True) else None
        return None


@pytest.fixture
def hang() -> Iterator[threading.Event]:
    """What never comes, before the end of the test."""
    released = threading.Event()
    yield released
    released.set()


def test_a_camera_whose_read_never_returns_is_named_with_its_stack_and_the_component_leaves(
    tmp_path: Path, hang: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    device = Device(tmp_path)

    def read_of_a_driver(password: str) -> None:
        assert password
        hang.wait()

    with device.loop("camera-yard", lambda _: read_of_a_driver("hunter2")):
        assert device.watch(60) == 14
    [line] = [record.getMessage() for record in caplog.records if "loop_stuck" in record.getMessage()]
    assert line.startswith('loop_stuck loop=camera-yard for_s=12 longest_s=10 leaves_in_s=0 at="')
    assert "read_of_a_driver edge/test_watchdog.py:" in line
    assert "hunter2" not in line
    assert device.nucleus.errored == 1
    noted = last_replacement(tmp_path)
    assert noted is not None
    assert (noted.loop, noted.still_s, noted.times, noted.at_ns) == ("camera-yard", 12, 1, device.clock.utc())


def test_a_message_that_is_never_taken_is_seen_in_the_thread_of_the_bus_which_owes_nothing_while_none_comes(
    tmp_path: Path, hang: threading.Event
) -> None:
    device = Device(tmp_path)
    with WatchedThread("bus-callbacks", device.nucleus.loops) as thread:
        assert thread.submit(str, 7).result(PATIENCE_S) == "7"
        assert device.watch(60) is None
        thread.submit(hang.wait)
        until(device.nucleus.loops.pulses)
        assert device.watch(60) == 34
        hang.set()
    noted = last_replacement(tmp_path)
    assert noted is not None
    assert noted.loop == "bus-callbacks"


def test_a_lock_that_is_never_released_is_found_and_a_loop_beside_it_is_not_accused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    device, lock = Device(tmp_path), threading.Lock()

    def turns(stop: StopToken) -> None:
        while not stop.is_set():
            time.sleep(0.001)

    with lock, device.loop("sender", lambda _: lock.acquire()), device.loop("camera-yard", turns) as moving:
        for _ in range(15):
            beats = _beats(moving)
            until(lambda beats=beats: _beats(moving) != beats)  # type: ignore[misc]
            left = device.watch(LOOK_S)
        assert left == LOOK_S or device.watch(0) is None
    assert "loop=sender" in caplog.text
    assert "loop=camera-yard" not in caplog.text


def _beats(stop: StopToken) -> int:
    [pulse] = [pulse for pulse in stop.loops.pulses() if pulse.name == "camera-yard"]
    return pulse.beats


def test_a_loop_that_waits_for_something_to_do_is_not_stuck_however_long_it_waits(
    tmp_path: Path, hang: threading.Event
) -> None:
    device = Device(tmp_path)

    def rests(stop: StopToken) -> None:
        with stop.resting():
            hang.wait()

    with device.loop("camera-yard", lambda stop: stop.wait(3600)), device.loop("sender", rests):
        until(lambda: all(pulse.is_resting for pulse in device.stop.loops.pulses()))
        assert device.watch(3600) is None


def test_a_loop_that_has_ended_and_one_that_begins_in_its_thread_owe_nothing(tmp_path: Path) -> None:
    device = Device(tmp_path)
    for _ in range(4):
        # In this thread: nothing moves in the loop while the watchdog looks.
        device.stop.branch().follow("camera-yard", lambda: device.watch(8))
        assert device.watch(8) is None
    assert device.stop.loops.pulses() == []


def test_what_others_do_with_a_loops_token_is_no_sign_of_life(tmp_path: Path, hang: threading.Event) -> None:
    device = Device(tmp_path)
    with device.loop("camera-yard", lambda _: hang.wait()) as token:
        left = None
        for _ in range(10):
            token.is_set()
            token.wait(0)
            left = left or device.watch(LOOK_S)
        assert left == LOOK_S


def test_where_no_start_is_left_it_says_so_each_minute_and_leaves_when_there_is_one(
    tmp_path: Path, hang: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    now = FakeClock().monotonic() // 10**9
    device = Device(tmp_path, starts=(now - 100, now))
    with device.loop("camera-yard", lambda _: hang.wait()):
        assert device.watch(600) is None
        lines = [record.getMessage() for record in caplog.records if "loop_stuck" in record.getMessage()]
        assert len(lines) == 10
        assert " leaves_in_s=3586 " in lines[0]
        assert device.nucleus.errored == 0
        assert last_replacement(tmp_path) is None
        assert device.watch(WINDOW_S) == WINDOW_S - 600


def test_one_that_goes_on_before_a_start_is_left_is_forgiven(tmp_path: Path, hang: threading.Event) -> None:
    now = FakeClock().monotonic() // 10**9
    device = Device(tmp_path, starts=(now - 100, now))

    def once(stop: StopToken) -> None:
        hang.wait()
        stop.wait()

    with device.loop("camera-yard", once):
        assert device.watch(600) is None
        hang.set()
        until(lambda: all(pulse.is_resting for pulse in device.stop.loops.pulses()))
        assert device.watch(2 * WINDOW_S) is None


def test_a_process_that_was_stopped_as_a_whole_is_not_stuck(tmp_path: Path, hang: threading.Event) -> None:
    device = Device(tmp_path)
    with device.loop("camera-yard", lambda _: hang.wait()):
        device.watch(LOOK_S)
        device.clock.advance(86_400)
        assert device.watch(LOOK_S) is None


def test_a_nucleus_that_is_away_and_a_disk_that_takes_nothing_keep_nobody(
    tmp_path: Path, hang: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    device = Device(tmp_path / "nowhere", nucleus=Nucleus(is_away=True))
    with device.loop("camera-yard", lambda _: hang.wait()):
        assert device.watch(60) == 14
    assert "replacement_not_noted" in caplog.text
    assert "state_not_reported" in caplog.text


def test_a_nucleus_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, hang: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = Device(tmp_path)
    monkeypatch.setattr("smartcam.edge.watchdog._LAST_WORDS_S", 0.01)
    monkeypatch.setattr(device.nucleus, "report_errored", hang.wait)
    with device.loop("camera-yard", lambda _: hang.wait()):
        assert device.watch(60) == 14


def test_replacements_are_counted_and_a_damaged_note_is_none(tmp_path: Path, hang: threading.Event) -> None:
    for times in (1, 2):
        device = Device(tmp_path)
        with device.loop("sender", lambda _: hang.wait()):
            assert device.watch(60) == 24
        noted = last_replacement(tmp_path)
        assert noted is not None
        assert noted.times == times
    (tmp_path / "replaced").write_bytes(b"{")
    assert last_replacement(tmp_path) is None


def test_it_is_armed_against_what_stops_python_itself_and_not_once_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smartcam.edge.watchdog.LOOK_S", 0.001)
    device = Device(tmp_path)
    thread = threading.Thread(target=device.watchdog.run, args=(device.stop,))
    thread.start()
    until(lambda: len(device.armed) > 1)
    device.stop.set()
    thread.join(PATIENCE_S)
    assert set(device.armed[:-1]) == {FROZEN_S}
    assert device.armed[-1] == 0


def test_a_loop_is_known_by_what_stands_before_its_camera(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert longest_s("camera-back-yard") == LONGEST_S["camera"]
    assert longest_s("clip_uploader") == LONGEST_S["clip_uploader"]
    # Slower than any look, or a loop that goes on could be called stuck between two of them.
    assert min(LONGEST_S.values()) > 10 * LOOK_S


def test_the_documentation_has_the_table_of_times() -> None:
    text = (ROOT / "docs" / "design" / "watchdog.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", text, re.MULTILINE)
    assert {name: float(seconds) for name, seconds in rows} == LONGEST_S
    assert "looks every two seconds" in text
    assert LOOK_S == 2


def test_every_service_of_the_components_is_in_the_table(tmp_path: Path) -> None:
    nucleus = FakeNucleus()
    outbox = Outbox(tmp_path / "outbox", FakeClock())
    try:
        services = [
            *capture.build(nucleus.bus("smartcam.Capture"), tmp_path, tmp_path),
            *inference.build(ThingName("pi"), None, tmp_path, nucleus.bus("smartcam.Inference"), outbox, tmp_path),
            *console.build(nucleus.bus("smartcam.Console"), tmp_path, tmp_path),
        ]
    finally:
        outbox.close()
    assert {name for name, _ in services} <= LONGEST_S.keys()


steps = st.tuples(st.sampled_from(["beats", "stands", "rests", "is gone"]), st.floats(0, 30))


@given(st.lists(steps, max_size=60))
def test_nobody_is_called_still_for_longer_than_it_has_not_moved_nor_longer_than_was_watched(
    story: list[tuple[str, float]],
) -> None:
    known: tuple[Stillness, ...] = ()
    beats, stood_s, watched_s = 0, 0.0, 0.0
    for what, elapsed_s in story:
        beats += what == "beats"
        looks = [] if what == "is gone" else [LoopSign(7, "camera-yard", beats, what == "rests")]
        was_known = bool(known)
        known = judge(known, looks, elapsed_s)
        if what == "stands" and was_known:
            stood_s += elapsed_s
            watched_s += min(elapsed_s, 2 * LOOK_S)
        else:
            stood_s = watched_s = 0.0
        for one in known:
            assert one.still_s <= stood_s + 1e-6
            assert one.still_s == pytest.approx(watched_s)
        assert [one.look for one in known] == looks


@given(st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.booleans()), max_size=6), max_size=20))
def test_each_loop_is_judged_as_if_it_were_alone(story: list[list[tuple[int, int, bool]]]) -> None:
    together: tuple[Stillness, ...] = ()
    alone: dict[int, tuple[Stillness, ...]] = {}
    for moment in story:
        looks = list({number: LoopSign(number, "x", beats, rests) for number, beats, rests in moment}.values())
        together = judge(together, looks, LOOK_S)
        alone = {look.number: judge(alone.get(look.number, ()), [look], LOOK_S) for look in looks}
        assert together == tuple(alone[look.number][0] for look in looks)
