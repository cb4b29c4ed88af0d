import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from smartcam.capture.cameras import CameraSupervisor
from smartcam.capture.settings import CaptureSettings, ClipSettings, SourceSettings
from smartcam.contract.errors import SmartcamError
from smartcam.contract.ids import CameraId
from smartcam.contract.topics import settings_topic
from smartcam.contract.wish import (
    SettingsOwner,
    SettingsWish,
    WishAnswer,
    decode_wish_message,
    encode_wish_message,
)
from smartcam.edge.lifecycle import StopToken
from tests.fakes.bus import FakeNucleus

CAPTURE = "smartcam.Capture"
PATIENCE_S = 60.0


def document(**paths: str) -> dict[str, object]:
    return {"cameras": {name: {"path": path} for name, path in paths.items()}}


@dataclass
class Stage:
    """CameraSupervisor that only note when they run."""

    nucleus: FakeNucleus = field(default_factory=FakeNucleus)
    running: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    error: list[SmartcamError] = field(default_factory=list)
    dies: bool = False
    folder: Path | None = None
    tended: list[bool] = field(default_factory=list)
    told: list[tuple[ClipSettings, tuple[str, ...]]] = field(default_factory=list)
    """What was said about all cameras, and which were running then."""
    stop: StopToken = field(default_factory=StopToken)

    def build(self, settings: SourceSettings) -> "NotingService":
        return NotingService(self, f"{settings.camera}:{settings.path}")

    def tell(self, settings: CaptureSettings) -> None:
        self.told.append((settings.clips, tuple(self.running)))

    def tend(self) -> None:
        self.tended.append(True)

    def loops(self) -> list[str]:
        """The cameras that a watchdog would see."""
        return sorted(pulse.name for pulse in self.stop.loops.pulses())

    @contextmanager
    def play(self) -> Iterator[None]:
        cameras = CameraSupervisor(
            self.nucleus.bus(CAPTURE), self.build, lambda: 0.0, self.folder, self.tell, self.tend
        )
        self.stop = stop = StopToken()

        def run() -> None:
            try:
                cameras.run(stop)
            except SmartcamError as error:
                self.error.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(PATIENCE_S)
        assert not thread.is_alive()
        assert self.running == []


@dataclass
class NotingService:
    stage: Stage
    name: str

    def run(self, stop: StopToken) -> None:
        self.stage.started.append(self.name)
        if self.stage.dies:
            return
        self.stage.running.append(self.name)
        while not stop.wait(0.05):
            pass
        self.stage.running.remove(self.name)


def soon(is_true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not is_true() and time.monotonic() < deadline:
        time.sleep(0.01)
    return is_true()


def test_every_camera_of_the_configuration_runs_until_the_end() -> None:
    stage = Stage()
    stage.nucleus.configure(CAPTURE, document(yard="a", door="b"))
    with stage.play():
        assert soon(lambda: sorted(stage.running) == ["door:b", "yard:a"])
        assert stage.loops() == ["camera-door", "camera-yard"]
    assert stage.loops() == []


def test_only_a_camera_whose_settings_have_changed_begins_again() -> None:
    stage = Stage()
    stage.nucleus.configure(CAPTURE, document(yard="a", door="b", gate="c"))
    with stage.play():
        assert soon(lambda: len(stage.running) == 3)
        stage.nucleus.configure(CAPTURE, document(yard="a", door="new", hall="d"))
        assert soon(lambda: sorted(stage.running) == ["door:new", "hall:d", "yard:a"])
        assert sorted(stage.started) == ["door:b", "door:new", "gate:c", "hall:d", "yard:a"]


def test_a_wrong_configuration_is_said_once_and_the_old_one_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.nucleus.configure(CAPTURE, document(yard="a"))
    with caplog.at_level(logging.INFO), stage.play():
        assert soon(lambda: stage.running == ["yard:a"])
        for _ in range(2):
            stage.nucleus.configure(CAPTURE, {"cameras": {"yard": {"path": "b", "analyse_fsp": 3}}})
            assert soon(lambda: "configuration_wrong" in caplog.text)
        time.sleep(0.5)
        assert stage.running == ["yard:a"]
        assert caplog.text.count("configuration_wrong") == 1
        assert "cameras.yard.analyse_fsp = 3: is not a setting; did you mean analyse_fps?" in caplog.text.replace(
            "\\", ""
        )


def test_a_wrong_configuration_at_the_start_is_waited_on() -> None:
    stage = Stage()
    stage.nucleus.configure(CAPTURE, {"cameras": {"yard": {}}})
    with stage.play():
        time.sleep(0.3)
        assert stage.started == []
        stage.nucleus.configure(CAPTURE, document(yard="a"))
        assert soon(lambda: stage.running == ["yard:a"])
    assert stage.error == []


def test_a_process_that_starts_with_a_wrong_configuration_goes_on_with_the_last_right_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = Stage(folder=tmp_path)
    before.nucleus.configure(CAPTURE, document(yard="a"))
    with before.play():
        assert soon(lambda: before.running == ["yard:a"])
    # As a version with other keys, which was not to be, has left it.
    stage = Stage(folder=tmp_path)
    stage.nucleus.configure(CAPTURE, {**document(yard="a"), "novelty": 1})
    with stage.play():
        assert soon(lambda: stage.running == ["yard:a"])
        assert soon(lambda: "configuration_wrong" in caplog.text)
        assert "novelty" in caplog.text
        stage.nucleus.configure(CAPTURE, document(yard="b"))
        assert soon(lambda: stage.running == ["yard:b"])


def test_a_nucleus_that_is_away_at_the_start_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.nucleus.configure(CAPTURE, document(yard="a"))
    stage.nucleus.away = True
    with stage.play():
        assert soon(lambda: "configuration_unavailable" in caplog.text)
        stage.nucleus.away = False
        assert soon(lambda: stage.running == ["yard:a"])


def test_no_cameras_is_said_with_the_remedy(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), Stage().play():
        assert soon(lambda: "no_cameras" in caplog.text)
    assert "set cameras in the configuration of smartcam.Capture" in caplog.text


def test_a_camera_thread_that_ends_by_itself_ends_the_component() -> None:
    stage = Stage(dies=True)
    stage.nucleus.configure(CAPTURE, document(yard="a"))
    with stage.play():
        assert soon(lambda: bool(stage.error))
    assert "the thread of camera yard has ended" in str(stage.error[0])


def test_what_is_of_all_cameras_is_said_while_none_runs_that_has_to_end_and_also_where_there_are_none() -> None:
    stage = Stage()
    kept = {**document(yard="a.mp4"), "clips": {"keep": True}}
    stage.nucleus.configure(CAPTURE, kept)
    with stage.play():
        assert soon(lambda: stage.running == ["yard:a.mp4"])
        stage.nucleus.configure(CAPTURE, {"cameras": {}, "clips": {"keep": False}})
        assert soon(lambda: len(stage.told) == 2)
    assert stage.told == [(ClipSettings(keep=True), ()), (ClipSettings(keep=False), ())]


def test_what_is_of_all_cameras_is_tended_again_and_again_also_where_there_is_no_camera() -> None:
    stage = Stage()
    stage.nucleus.configure(CAPTURE, {"cameras": {}})
    with stage.play():
        assert soon(lambda: len(stage.tended) > 1)
    assert stage.told


LEFT = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]


@dataclass
class MaskService:
    """Notes the masks that it runs with."""

    stage: "MaskStage"
    settings: SourceSettings

    def run(self, stop: StopToken) -> None:
        self.stage.masks.append([mask.name for mask in self.settings.masks])
        stop.wait(PATIENCE_S)


class MaskStage:
    """A supervisor whose cameras note their masks, and a console beside it."""

    def __init__(self, folder: Path) -> None:
        self.nucleus = FakeNucleus()
        self.nucleus.configure(CAPTURE, document(yard="a"))
        self.masks: list[list[str]] = []
        self.console = self.nucleus.bus("smartcam.Console")
        self.supervisor = CameraSupervisor(
            self.nucleus.bus(CAPTURE), lambda settings: MaskService(self, settings), lambda: 0.0, folder
        )
        self.stop = StopToken()
        self.thread = threading.Thread(target=self.supervisor.run, args=(self.stop,))
        self.thread.start()

    def wish(self, settings: dict[str, object], camera: str = "yard", *, trial: bool = False) -> WishAnswer:
        before = len(self.answers())
        message = SettingsWish("1", CameraId(camera), SettingsOwner.CAPTURE, settings, trial=trial)
        self.console.publish_local(settings_topic(message.camera_id), encode_wish_message(message))
        assert soon(lambda: len(self.answers()) > before)
        return self.answers()[-1]

    def answers(self) -> list[WishAnswer]:
        said = [decode_wish_message(payload) for payload in self.nucleus.local_payloads("smartcam/settings/+")]
        return [one for one in said if isinstance(one, WishAnswer)]

    def end(self) -> None:
        self.stop.set()
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()


@pytest.fixture
def masked(tmp_path: Path) -> Iterator[MaskStage]:
    stage = MaskStage(tmp_path)
    assert soon(lambda: stage.masks == [[]])
    yield stage
    stage.end()


def test_a_mask_that_is_drawn_covers_the_camera_before_it_is_answered_and_still_does_after_a_restart(
    masked: MaskStage, tmp_path: Path
) -> None:
    answer = masked.wish({"masks": {"window": LEFT}})
    assert (answer.applied, answer.errors) == (True, ())
    assert answer.holds is not None
    assert answer.holds.settings == {"masks": {"window": LEFT}}
    assert soon(lambda: masked.masks == [[], ["window"]])
    masked.end()
    again = MaskStage(tmp_path)
    assert soon(lambda: again.masks == [["window"]])
    again.end()


def test_a_mask_that_cannot_be_is_refused_in_the_readers_words_and_the_camera_goes_on(masked: MaskStage) -> None:
    answer = masked.wish({"masks": {"all": [[0, 0], [1, 0], [1, 1], [0, 1]]}, "ignored": {"tree": LEFT}})
    assert (answer.applied, answer.errors[0].key) == (False, "cameras.yard.masks")
    assert "cover the whole picture" in answer.errors[0].words
    assert not masked.wish({"masks": {"window": LEFT}}, trial=True).applied
    assert "cannot be set here" in masked.wish({"url": "rtsp://x"}).errors[0].words
    assert "is no camera of this device" in masked.wish({"masks": {}}, "shed").errors[0].words
    assert masked.masks == [[]]
