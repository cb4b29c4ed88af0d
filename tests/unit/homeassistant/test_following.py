"""Which events are on, told by the real history as inference writes it."""

from dataclasses import replace
from pathlib import Path

import pytest

from smartcam.contract.event import Event, EventKind
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S
from smartcam.edge.history.reading import PastEvents
from smartcam.edge.pictures.folder import PictureFolder
from smartcam.homeassistant.following import FollowedEvents
from tests.fakes.clock import SOME_DAY, FakeClock
from tests.unit.edge.history.sample import Shelf, cleared, raised, recorded

YARD = CameraId("yard")
PERSON = frozenset({EventKind.PERSON})
NONE: frozenset[EventKind] = frozenset()


class Follower:
    def __init__(self, folder: Path) -> None:
        self.shelf = Shelf(folder / "history")
        self.pictures = PictureFolder(folder / "pictures")
        self.clock = FakeClock(SOME_DAY + 20 * NS_PER_S)
        self.followed = FollowedEvents(PastEvents(folder / "history", folder / "pictures"), self.clock)

    def step(self, *events: Event, pictures: bool = True, after_s: float = 0.5) -> frozenset[EventKind]:
        """What is on at the yard, after these have been written."""
        if events:
            self.shelf.write(*events)
        self.clock.advance(after_s)
        self.followed.step(pictures=pictures)
        return self.followed.on(YARD)

    @property
    def newest(self) -> Event | None:
        return self.followed.newest(YARD)[0]

    def picture(self) -> bytes | None:
        return self.followed.newest(YARD)[1]


@pytest.fixture
def follower(tmp_path: Path) -> Follower:
    return Follower(tmp_path)


def test_an_event_is_on_from_raise_to_clear(follower: Follower) -> None:
    assert follower.step() == NONE
    assert follower.step(raised(1)) == PERSON
    assert follower.step() == PERSON
    assert follower.step(recorded(raised(1))) == PERSON
    assert follower.step(cleared(raised(1))) == NONE
    assert follower.newest == cleared(raised(1))


def test_two_events_of_a_kind_keep_it_on_until_both_have_ended(follower: Follower) -> None:
    follower.step()
    assert follower.step(raised(1), raised(2)) == PERSON
    assert follower.step(cleared(raised(1))) == PERSON
    assert follower.step(cleared(raised(2))) == NONE


def test_an_event_that_gets_a_better_name_changes_its_kind(follower: Follower) -> None:
    follower.step()
    assert follower.step(raised(1, EventKind.MOTION)) == {EventKind.MOTION}
    assert follower.step(replace(raised(1), revision=1)) == PERSON
    assert follower.step(cleared(replace(raised(1), revision=1))) == NONE


def test_what_is_on_when_it_begins_is_on_and_what_has_ended_is_not(follower: Follower) -> None:
    assert follower.step(raised(1), cleared(raised(2, EventKind.ANIMAL)), raised(3, EventKind.TAMPER)) == {
        EventKind.PERSON,
        EventKind.TAMPER,
    }
    assert follower.followed.on(CameraId("door")) == NONE


def test_an_event_shorter_than_a_look_is_on_for_one_step(follower: Follower) -> None:
    follower.step()
    assert follower.step(raised(15), cleared(raised(15))) == PERSON
    assert follower.step() == NONE


def test_what_has_come_and_gone_while_nobody_looked_is_on_no_more(follower: Follower) -> None:
    follower.step()
    assert follower.step(cleared(raised(15)), after_s=60) == NONE
    assert follower.newest == cleared(raised(15))


def test_a_verdict_on_an_old_event_raises_nothing_and_false_ends_it(follower: Follower) -> None:
    assert follower.step(cleared(raised(1)), raised(2)) == PERSON
    follower.shelf.history.judge(raised(1).event_id, true=True)
    follower.shelf.history.judge(raised(2).event_id, true=False)
    follower.shelf.history.store()
    assert follower.step() == NONE


def test_what_a_filter_holds_back_is_no_event(follower: Follower) -> None:
    follower.step()
    assert follower.step(replace(raised(1), held_back="filter-1")) == NONE
    assert follower.newest is None


def test_an_event_whose_end_is_lost_is_not_on_for_ever(follower: Follower) -> None:
    assert follower.step(raised(1)) == PERSON
    follower.clock.advance(23 * 3600)
    assert follower.step() == PERSON
    follower.clock.advance(3600)
    assert follower.step() == NONE
    another = FollowedEvents(PastEvents(follower.shelf.folder), follower.clock)
    another.step(pictures=False)
    assert another.on(YARD) == NONE


def test_a_clock_that_is_set_changes_nothing(follower: Follower) -> None:
    follower.step()
    assert follower.step(raised(5000)) == PERSON
    follower.clock.step_utc(10 * 86_400)
    assert follower.step() == PERSON
    follower.clock.step_utc(-20 * 86_400)
    earlier = raised(5)
    assert follower.step(cleared(raised(5000)), earlier) == PERSON
    assert follower.newest == earlier, "it came later, whatever its time says"


def test_a_history_that_is_cut_and_read_anew_raises_nothing_old(follower: Follower) -> None:
    follower.step(*(cleared(raised(number)) for number in range(100)))
    follower.clock.advance(3600)
    assert follower.step() == NONE
    assert follower.step(raised(200)) == PERSON
    (file,) = follower.shelf.files()
    file.write_bytes(file.read_bytes()[:-100])
    assert follower.step() == NONE


def test_the_picture_comes_when_it_is_there_and_a_better_one_with_the_end(follower: Follower) -> None:
    follower.step()
    follower.step(raised(1))
    assert follower.picture() is None
    follower.pictures.keep(YARD, raised(1).event_id, b"first")
    follower.step()
    assert follower.picture() == b"first"
    follower.pictures.keep(YARD, raised(1).event_id, b"better")
    follower.step(cleared(raised(1)))
    assert follower.picture() == b"better"
    follower.step(raised(2))
    assert follower.picture() == b"better", "until there is a newer one"


def test_pictures_that_are_not_wanted_are_not_read_and_those_that_were_are_let_go(follower: Follower) -> None:
    follower.pictures.keep(YARD, raised(1).event_id, b"first")
    follower.step(raised(1))
    assert follower.picture() == b"first"
    follower.step(pictures=False)
    assert follower.picture() is None
    follower.step()
    assert follower.picture() == b"first"


def test_a_history_that_is_not_there_or_is_damaged_is_an_empty_one(follower: Follower, tmp_path: Path) -> None:
    absent = FollowedEvents(PastEvents(tmp_path / "gone"), follower.clock)
    absent.step(pictures=True)
    assert absent.newest(YARD) == (None, None)
    follower.step(raised(1))
    (file,) = follower.shelf.files()
    with file.open("ab") as more:
        more.write(b"hst1" + bytes(range(256)) * 20)
    assert follower.step() == PERSON


def test_of_a_long_history_the_newest_thousand_are_looked_at(
    follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smartcam.homeassistant.following._MOST_AT_ONCE", 2)
    assert follower.step(raised(1, EventKind.ANIMAL), cleared(raised(2)), raised(3)) == PERSON
    assert follower.newest == raised(3)
