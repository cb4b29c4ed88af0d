from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.inference.frames.silence import SilenceWatch
from tests.unit.inference.stage import GATE, YARD


def at(seconds: float) -> MonotonicNs:
    return MonotonicNs(round(seconds * NS_PER_S))


def test_a_silent_camera_is_lost_once() -> None:
    watch = SilenceWatch(10)
    watch.heard(YARD, at(0))
    assert watch.overdue(at(9.9)) == []
    assert watch.overdue(at(10)) == [YARD]
    assert watch.overdue(at(100)) == []


def test_a_camera_that_is_heard_again_is_restored_once() -> None:
    watch = SilenceWatch(10)
    watch.heard(YARD, at(0))
    watch.overdue(at(10))
    assert watch.heard(YARD, at(11))
    assert not watch.heard(YARD, at(12))
    assert watch.overdue(at(14)) == watch.overdue(at(18)) == []
    assert watch.overdue(at(22)) == [YARD]


def test_being_told_of_a_loss_twice_is_no_news() -> None:
    watch = SilenceWatch(10)
    assert watch.lost(YARD)
    assert not watch.lost(YARD)
    assert watch.overdue(at(100)) == []


def test_a_clip_that_has_ended_is_not_missed() -> None:
    watch = SilenceWatch(10)
    watch.heard(YARD, at(0))
    watch.ended(YARD)
    assert watch.overdue(at(100)) == []
    assert not watch.heard(YARD, at(101))


def test_who_did_not_listen_cannot_say_that_a_camera_was_silent() -> None:
    watch = SilenceWatch(10)
    watch.heard(YARD, at(0))
    watch.heard(GATE, at(0))
    assert watch.overdue(at(1)) == []
    # The disk held the process up for half a minute; what has come meanwhile is taken camera by camera.
    assert watch.overdue(at(31)) == []
    assert not watch.heard(YARD, at(31.1))
    assert watch.overdue(at(31.1)) == []
    assert watch.overdue(at(33)) == [GATE]


def test_cameras_are_missed_each_for_itself() -> None:
    watch = SilenceWatch(10)
    watch.heard(YARD, at(0))
    watch.heard(GATE, at(5))
    assert watch.overdue(at(10)) == [YARD]
    assert watch.overdue(at(15)) == [GATE]
