import threading

from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.ids import CameraId
from smartcam.contract.notice import CameraState, FrameNotice, StatusNotice
from smartcam.contract.times import UtcNs
from smartcam.inference.frames.mailbox import Mailbox
from tests.unit.inference.stage import GATE, YARD, notice


def status(state: CameraState, camera: CameraId = YARD) -> StatusNotice:
    return StatusNotice(camera, state, "", 5.0, 1, 1, UtcNs(0), UtcNs(0))


def test_the_newest_frame_wins_and_the_older_ones_are_counted() -> None:
    mailbox = Mailbox()
    for seq in range(1, 5):
        mailbox.put(notice(seq=seq))
    assert mailbox.take(0) == notice(seq=4)
    assert mailbox.take(0) is None
    assert (mailbox.received, mailbox.dropped) == (4, 3)


def test_an_empty_mailbox_gives_nothing_when_the_time_is_over() -> None:
    assert Mailbox().take(0.01) is None


def test_a_busy_camera_does_not_push_in_before_a_quiet_one() -> None:
    mailbox = Mailbox()
    mailbox.put(notice(YARD, 1))
    mailbox.put(notice(GATE, 1))
    mailbox.put(notice(YARD, 2))
    taken = [mailbox.take(0)]
    mailbox.put(notice(YARD, 3))
    taken += [mailbox.take(0), mailbox.take(0)]
    assert taken == [notice(YARD, 2), notice(GATE, 1), notice(YARD, 3)]


def test_a_state_neither_replaces_a_frame_nor_counts_as_one() -> None:
    mailbox = Mailbox()
    mailbox.put(notice(seq=7))
    mailbox.put(status(CameraState.RUNNING))
    mailbox.put(status(CameraState.ENDED))
    assert mailbox.take(0) == notice(seq=7)
    assert mailbox.take(0) == status(CameraState.ENDED)
    assert mailbox.take(0) is None
    assert (mailbox.received, mailbox.dropped) == (1, 0)


def test_a_state_that_came_before_a_frame_is_taken_before_it() -> None:
    mailbox = Mailbox()
    mailbox.put(status(CameraState.LOST))
    mailbox.put(notice(seq=8))
    assert mailbox.take(0) == status(CameraState.LOST)
    assert mailbox.take(0) == notice(seq=8)


def test_a_frame_comes_with_the_notices_that_it_has_replaced_and_no_others() -> None:
    mailbox = Mailbox()
    mailbox.put(notice(seq=1))
    mailbox.take(0)
    told = [mailbox.skipped]
    for camera, seq in ((YARD, 2), (GATE, 1), (YARD, 3), (YARD, 4), (GATE, 2)):
        mailbox.put(notice(camera, seq))
    mailbox.put(status(CameraState.RUNNING, YARD))
    assert mailbox.take(0) == notice(YARD, 4)
    told.append(mailbox.skipped)
    while mailbox.take(0) != notice(GATE, 2):
        pass
    told.append(mailbox.skipped)
    assert told == [(), (notice(YARD, 2), notice(YARD, 3)), (notice(GATE, 1),)]


def test_of_replaced_notices_the_newest_are_kept() -> None:
    mailbox = Mailbox()
    for seq in range(1, 100):
        mailbox.put(notice(seq=seq))
    mailbox.take(0)
    assert mailbox.skipped == tuple(notice(seq=seq) for seq in range(67, 99))


def test_who_waits_is_woken_by_a_notice() -> None:
    mailbox, taken = Mailbox(), []
    reader = threading.Thread(target=lambda: taken.append(mailbox.take(60)))
    reader.start()
    mailbox.put(notice())
    reader.join(60)
    assert taken == [notice()]


@given(st.lists(st.tuples(st.sampled_from([YARD, GATE]), st.booleans())))
def test_every_frame_is_either_taken_or_dropped(steps: list[tuple[CameraId, bool]]) -> None:
    mailbox, taken = Mailbox(), 0
    for seq, (camera, take) in enumerate(steps):
        mailbox.put(notice(camera, seq))
        taken += take and mailbox.take(0) is not None
    while isinstance(mailbox.take(0), FrameNotice):
        taken += 1
    assert mailbox.received == len(steps) == taken + mailbox.dropped
