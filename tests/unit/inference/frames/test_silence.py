from collections import defaultdict

from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.inference.frames.silence import Silence, SilenceWatch
from tests.unit.inference.stage import GATE, YARD


def at(seconds: float) -> MonotonicNs:
    return MonotonicNs(round(seconds * NS_PER_S))


class Watched:
    """Cameras of which each sign of life is told, and a watch that declares one lost after ten seconds."""

    def __init__(self) -> None:
        self.cameras: defaultdict[CameraId, Silence] = defaultdict(Silence)
        self._watch = SilenceWatch(10)

    def heard(self, camera: CameraId, seconds: float) -> bool:
        return self.cameras[camera].heard(at(seconds))

    def overdue(self, seconds: float) -> list[CameraId]:
        return self._watch.overdue(self.cameras, at(seconds))


def test_a_silent_camera_is_lost_once() -> None:
    watch = Watched()
    watch.heard(YARD, 0)
    assert watch.overdue(9.9) == []
    assert watch.overdue(10) == [YARD]
    assert watch.overdue(100) == []


def test_a_camera_that_is_heard_again_is_restored_once() -> None:
    watch = Watched()
    watch.heard(YARD, 0)
    watch.overdue(10)
    assert watch.heard(YARD, 11)
    assert not watch.heard(YARD, 12)
    assert watch.overdue(14) == watch.overdue(18) == []
    assert watch.overdue(22) == [YARD]


def test_being_told_of_a_loss_twice_is_no_news() -> None:
    watch = Watched()
    assert watch.cameras[YARD].lose()
    assert not watch.cameras[YARD].lose()
    assert watch.overdue(100) == []


def test_a_clip_that_has_ended_is_not_missed() -> None:
    watch = Watched()
    watch.heard(YARD, 0)
    watch.cameras[YARD].end()
    assert watch.overdue(100) == []
    assert not watch.heard(YARD, 101)


def test_who_is_expected_or_cannot_be_heard_has_twenty_seconds_more() -> None:
    watch = Watched()
    watch.cameras[YARD].expect(at(0))
    watch.heard(GATE, 0)
    watch.cameras[GATE].excuse(at(4))
    assert [watch.overdue(seconds) for seconds in (26, 29.9, 30, 33.9, 34)] == [[], [], [YARD], [], [GATE]]


def test_of_whom_nothing_is_awaited_nothing_is_excused() -> None:
    watch = Watched()
    watch.cameras[YARD].excuse(at(0))
    assert watch.overdue(100) == []


def test_who_did_not_listen_cannot_say_that_a_camera_was_silent() -> None:
    watch = Watched()
    watch.heard(YARD, 0)
    watch.heard(GATE, 0)
    assert watch.overdue(1) == []
    # The disk held the process up for half a minute; what has come meanwhile is taken camera by camera.
    assert watch.overdue(31) == []
    assert not watch.heard(YARD, 31.1)
    assert watch.overdue(31.1) == []
    assert watch.overdue(33) == [GATE]


def test_cameras_are_missed_each_for_itself() -> None:
    watch = Watched()
    watch.heard(YARD, 0)
    watch.heard(GATE, 5)
    assert watch.overdue(10) == [YARD]
    assert watch.overdue(15) == [GATE]
