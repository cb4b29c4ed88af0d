import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from smartcam.capture.cameras import CameraSupervisor
from smartcam.capture.settings import SourceSettings
from smartcam.contract.errors import SmartcamError
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.memory_file import MemoryFile
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
    memory: MemoryFile | None = None

    def build(self, settings: SourceSettings) -> "NotingService":
        return NotingService(self, f"{settings.camera}:{settings.path}")

    @contextmanager
    def play(self) -> Iterator[None]:
        cameras = CameraSupervisor(self.nucleus.bus(CAPTURE), self.build, lambda: 0.0, self.memory)
        stop = StopToken()

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
    memory = MemoryFile(tmp_path / "understood")
    before = Stage(memory=memory)
    before.nucleus.configure(CAPTURE, document(yard="a"))
    with before.play():
        assert soon(lambda: before.running == ["yard:a"])
    # As a version with other keys, which was not to be, has left it.
    stage = Stage(memory=memory)
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
