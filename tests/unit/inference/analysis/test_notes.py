"""What is noted for the journal, and that a replay of it tells what was told."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from smartcam.contract.event import EventKind
from smartcam.contract.ids import EventId
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import NS_PER_S
from smartcam.edge.memory_file import MemoryFile
from smartcam.inference.analysis.notes import TrackNotes
from smartcam.inference.analysis.objects import ObjectAnalysis
from smartcam.inference.analysis.record import SceneObject, take_over
from smartcam.inference.events import Trigger
from smartcam.inference.settings import AnalysisSettings
from smartcam.model.scoring import Detections
from smartcam.vision.journal import JournalRow, replay
from smartcam.vision.line import Direction, Line
from smartcam.vision.rule import MOTION, Rule
from smartcam.vision.zone import Zone
from tests.fakes.clock import SOME_DAY
from tests.unit.inference.stage import EVERYWHERE, START, YARD, Found, frame, maker, object_model, seen

NOBODY = seen()
FIRST = SOME_DAY // NS_PER_S
LEFT = Zone("left", ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
MIDDLE = Line("middle", (0.5, 0.0), (0.5, 1.0))


def person(x: float, score: float = 0.8, label: str = "person") -> Found:
    return label, score, (x, 10.0, x + 20.0, 50.0)


def walk(start: float, end: float, looks: int, label: str = "person") -> list[Detections]:
    return [seen(person(start + (end - start) * look / looks, label=label)) for look in range(looks)]


class Watch:
    """An analysis of five frames a second, and what it has noted."""

    def __init__(self, script: Sequence[Detections], settings: AnalysisSettings | None = None) -> None:
        self.rows: list[JournalRow] = []
        self.told: set[EventId] = set()
        self.settings = settings or AnalysisSettings()
        self.analysis = ObjectAnalysis(object_model(script), maker(), self.settings, journal=self.rows.extend)
        self._looks = 0

    def run(self, motion: Sequence[Sequence[PixelBox]]) -> None:
        for boxes in motion:
            changes = self.analysis.update(frame(self._looks / 5, boxes))
            self.told |= {change.event.event_id for change in changes if change.event is not None}
            self._looks += 1

    @property
    def raised(self) -> int:
        return len(self.told)


def played(
    script: Sequence[Detections], settings: AnalysisSettings | None = None, motion: Sequence[PixelBox] = EVERYWHERE
) -> Watch:
    watch = Watch(script, settings)
    watch.run([motion] * len(script))
    watch.analysis.keep()
    return watch


def replayed(watch: Watch, *rules: Rule) -> int:
    return len(replay(watch.rows, rules or watch.settings.effective_rules()))


def test_each_object_has_one_row_in_each_second_in_which_it_was_seen() -> None:
    watch = played([*walk(0, 40, 10), *[NOBODY] * 15, *walk(70, 30, 10)])
    assert [row.second - FIRST for row in watch.rows] == [0, 1, 5, 6]
    assert len({row.number for row in watch.rows}) == 2
    assert {(row.camera, row.kind, row.label) for row in watch.rows} == {(YARD, EventKind.PERSON, "person")}
    assert all(abs(row.score - 0.8) < 0.01 for row in watch.rows)


def test_each_frame_shows_the_objects_that_are_seen_in_it_where_they_are_then_and_nobody_who_is_gone() -> None:
    frames: list[Sequence[JournalRow]] = []
    script = [*walk(0, 40, 5), NOBODY, NOBODY]
    show = frames.append
    analysis = ObjectAnalysis(object_model(script), maker(), AnalysisSettings(), journal=lambda _: None, show=show)
    for look in range(len(script)):
        analysis.update(frame(look / 5))
    people = [[row for row in rows if row.kind is EventKind.PERSON] for rows in frames]
    assert [len(rows) for rows in people] == [1, 1, 1, 1, 1, 0, 0]
    assert [round(100 * rows[0].box.x1) for rows in people if rows] == [0, 8, 16, 24, 32]
    assert len({row.number for rows in people for row in rows}) == 1
    assert [rows[0].is_on for rows in people if rows] == [False, False, True, True, True]


def test_the_rows_of_an_object_are_its_whole_way_from_the_first_look_to_the_last() -> None:
    watch = played(walk(0, 60, 15))
    assert [round(100 * row.box.x1) for row in watch.rows] == [0, 36, 56]


def test_a_second_is_handed_over_with_the_next_or_when_the_camera_is_lost_or_the_process_ends() -> None:
    watch = Watch(walk(0, 40, 10))
    watch.run([EVERYWHERE] * 5)
    assert watch.rows == []
    watch.run([EVERYWHERE] * 2)
    assert len(watch.rows) == 1
    watch.analysis.end(SOME_DAY)
    assert len(watch.rows) == 2
    watch.analysis.keep()
    assert len(watch.rows) == 2


def test_a_row_says_whether_there_was_an_episode_and_whether_there_could_have_been_one() -> None:
    watch = played(walk(0, 40, 10))
    assert [(row.is_on, row.is_sure, row.is_settled) for row in watch.rows] == [(True, True, False)] * 2
    disarmed = played(walk(0, 40, 10), AnalysisSettings(armed=False))
    assert disarmed.raised == 0
    assert [(row.is_on, row.is_sure) for row in disarmed.rows] == [(False, True)] * 2
    faint = played([seen(person(4.0 * look, score=0.5)) for look in range(10)])
    assert [(row.is_on, row.is_sure) for row in faint.rows] == [(False, False)] * 2


def test_what_has_always_stood_there_is_settled_and_so_is_what_has_stood_for_long() -> None:
    parked = played([seen(person(40, label="car"))] * 10, motion=())
    assert [(row.is_settled, row.is_sure) for row in parked.rows] == [(True, False)] * 2
    comes = Watch([*walk(0, 40, 10, "car"), *[seen(person(40, label="car"))] * 200])
    comes.run([EVERYWHERE] * 10 + [()] * 200)
    comes.analysis.keep()
    assert [row.is_settled for row in comes.rows][:3] == [False] * 3
    assert comes.rows[-1].is_settled


def test_what_was_settled_while_it_was_sure_is_settled_though_it_stirred_while_it_was_not() -> None:
    watch = Watch([NOBODY])
    notes = watch.analysis._notes
    assert notes is not None
    row = played(walk(0, 40, 10)).rows[0]
    looks = [(True, True), (False, False), (True, True)]
    for is_sure, is_settled in looks:
        notes._add(replace(row, is_sure=is_sure, is_settled=is_settled))
    notes.close()
    assert [(each.is_sure, each.is_settled) for each in watch.rows] == [(True, True)]
    for is_sure, is_settled in [(True, True), (True, False), (False, True)]:
        notes._add(replace(row, is_sure=is_sure, is_settled=is_settled))
    notes.close()
    assert [(each.is_sure, each.is_settled) for each in watch.rows[1:]] == [(True, False)]


def test_a_second_box_of_a_body_is_no_object_of_its_own() -> None:
    body, half = ("person", 0.8, (30.0, 5.0, 60.0, 55.0)), ("person", 0.7, (34.0, 5.0, 56.0, 30.0))
    watch = played([seen(body)] * 5 + [seen(body, half)] * 10)
    assert (watch.raised, replayed(watch), len({row.number for row in watch.rows})) == (1, 1, 1)


def test_a_device_that_does_not_know_the_time_says_so_in_each_row() -> None:
    rows: list[JournalRow] = []
    unsure = replace(maker(), synced=lambda: False)
    analysis = ObjectAnalysis(object_model(walk(0, 40, 10)), unsure, AnalysisSettings(), journal=rows.extend)
    for look in range(10):
        analysis.update(frame(look / 5))
    assert [row.is_dated for row in rows] == [False]


def a_mover(looks: int) -> list[list[PixelBox]]:
    return [[PixelBox(4 * look, 10, 4 * look + 20, 50)] for look in range(looks)]


def test_what_moves_with_purpose_and_has_no_label_is_noted_as_motion_and_a_leaf_is_not() -> None:
    watch = Watch([NOBODY] * 20)
    watch.run(a_mover(20))
    watch.analysis.keep()
    assert (watch.raised, {row.label for row in watch.rows}, {row.is_on for row in watch.rows}) == (1, {MOTION}, {True})
    leaf = Watch([NOBODY] * 20)
    leaf.run([[PixelBox(40 + look % 2, 10, 60 + look % 2, 50)] for look in range(20)])
    leaf.analysis.keep()
    assert leaf.rows == []


def test_what_moves_where_somebody_is_who_was_told_of_is_no_object_of_its_own() -> None:
    """The detector has lost them for a moment, and something comes to where they are."""
    watch = Watch([*walk(0, 40, 10), *[seen(person(40))] * 20, *[NOBODY] * 8])
    arm = [(PixelBox(x, 15, x + 12, 45),) for x in (20, 25, 30, 35, 40, 42, 44, 46)]
    watch.run([*[EVERYWHERE] * 10, *[()] * 20, *arm])
    watch.analysis.keep()
    assert (watch.raised, {row.label for row in watch.rows}) == (1, {"person"})


def test_what_moves_while_the_detector_is_about_to_name_it_could_raise_nothing_yet() -> None:
    watch = Watch([*[NOBODY] * 4, *[seen(person(4.0 * look, score=0.65)) for look in range(4, 12)]])
    watch.run(a_mover(12))
    watch.analysis.keep()
    assert watch.raised == replayed(watch) == 1


def test_two_at_once_are_two_objects_with_rows_of_their_own() -> None:
    watch = played([seen(person(0 + look), person(70 - look, label="car")) for look in range(10)])
    assert [(row.second - FIRST, row.label) for row in watch.rows] == [
        (second, label) for second in (0, 1) for label in ("person", "car")
    ]
    numbers = {(row.label, row.number) for row in watch.rows}
    assert len(numbers) == len({number for _, number in numbers}) == 2


@pytest.mark.parametrize("armed", [True, False])
def test_motion_is_as_sure_as_its_event_or_as_it_takes_for_one(*, armed: bool) -> None:
    watch = Watch([NOBODY] * 20, AnalysisSettings(armed=armed))
    watch.run(a_mover(20))
    peaks = [episode.peak for episode in watch.analysis.episodes()]
    watch.analysis.keep()
    last = watch.rows[-1]
    assert (last.kind, last.is_dated, last.is_settled, last.is_on) == (EventKind.MOTION, True, False, armed)
    assert last.score == (peaks[0] if armed else 0.5)
    assert not armed or peaks[0] > 0.5


def test_what_moved_first_and_was_named_then_is_one_object() -> None:
    watch = Watch([*[NOBODY] * 10, *[seen(person(4.0 * look)) for look in range(10, 20)]])
    watch.run(a_mover(20))
    watch.analysis.keep()
    assert [row.label for row in watch.rows][-1] == "person"
    assert {row.label for row in watch.rows} == {MOTION, "person"}
    assert len({row.number for row in watch.rows}) == 1
    assert replayed(watch) == watch.raised == 1


def test_a_car_that_is_told_of_again_when_it_drives_off_has_another_number_then() -> None:
    parked = [seen(person(40, label="car"))]
    leaves = [*walk(40, 80, 15, "car"), *[seen(person(80, label="car"))] * 10]
    watch = Watch([*walk(0, 40, 10, "car"), *parked * 200, *[NOBODY] * 20, *parked * 20, *leaves])
    watch.run([EVERYWHERE] * 10 + [()] * 240 + [EVERYWHERE] * 25)
    watch.analysis.keep()
    assert watch.raised == 2
    assert replayed(watch) == 2


def test_the_numbers_of_a_process_are_not_those_of_the_process_before() -> None:
    one = played(walk(0, 40, 10))
    other = Watch(walk(0, 40, 10))
    other._looks = 1000
    other.run([EVERYWHERE] * 10)
    assert not {row.number for row in one.rows} & {row.number for row in other.rows}


def test_a_clock_that_is_set_back_makes_no_two_objects_one() -> None:
    rows: list[JournalRow] = []
    script = [*walk(0, 40, 10), *[NOBODY] * 20, *walk(0, 40, 10)]
    analysis = ObjectAnalysis(object_model(script), maker(), AnalysisSettings(), journal=rows.extend)
    for look in range(len(script)):
        now = frame(look / 5)
        analysis.update(now if look < 20 else replace(now, captured_at=frame(look / 5 - 6).captured_at))
    analysis.keep()
    assert len({row.number for row in rows}) == 2


RULES = [
    (Rule(),),
    (Rule("left", zones=(LEFT,)),),
    (Rule("over", line=MIDDLE, direction=Direction.BOTH),),
    (Rule("waits", loiter_s=4.0),),
    (Rule("cars", ("car",)), Rule("waits on the left", ("person",), zones=(LEFT,), loiter_s=3.0)),
]


def visits(*ways: tuple[tuple[int, int], str]) -> list[Detections]:
    """One after the other: somebody walks in, stays for six seconds, and is gone for more than a minute."""
    script: list[Detections] = []
    for (start, end), label in ways:
        script += [*walk(start, end, 20, label), *[seen(person(end, label=label))] * 30, *[NOBODY] * 310]
    return script


@cache
def visited(number: int | None) -> Watch:
    """Three visits, watched with the rules of a number, or with the one that every camera has."""
    script = visits(((0, 80), "person"), ((80, 30), "car"), ((0, 24), "person"))
    return played(script, None if number is None else AnalysisSettings(rules=RULES[number]))


@pytest.mark.parametrize(("number", "raised"), list(enumerate((3, 3, 2, 3, 2))))
def test_a_replay_with_the_rules_that_were_live_tells_of_as_many(number: int, raised: int) -> None:
    assert (visited(number).raised, replayed(visited(number))) == (raised, raised)


@pytest.mark.parametrize("number", range(len(RULES)))
def test_a_replay_with_other_rules_than_were_live_tells_of_as_many_as_they_would_have_told_of(number: int) -> None:
    assert replayed(visited(None), *RULES[number]) == visited(number).raised


def test_who_was_told_of_before_a_restart_is_told_of_in_no_replay_of_what_came_after_it(tmp_path: Path) -> None:
    script, memory = [*walk(0, 40, 10), *[seen(person(40))] * 60], MemoryFile(tmp_path / "stays")
    rows: list[JournalRow] = []
    for start in (0, 70):
        model = object_model(script if start == 0 else [seen(person(40))])
        analysis = ObjectAnalysis(model, maker(), AnalysisSettings(), memory, journal=rows.extend)
        for look in range(start, start + 70):
            analysis.update(frame(look / 5))
        analysis.keep()
    assert len({row.number for row in rows}) == 2
    assert [event.row.second - FIRST for event in replay(rows, (Rule(),))] == [0]


def test_who_goes_on_with_the_event_of_an_earlier_track_has_its_number() -> None:
    one = SceneObject(())
    other = SceneObject(())
    notes = TrackNotes(maker(), lambda _: None)
    one.episode, _ = maker().raised(Trigger(EventKind.PERSON, 0.8, 0.6), SOME_DAY, START)
    number = notes._number(("track", 1), one, SOME_DAY).number
    assert notes._number(("track", 2), other, SOME_DAY).number != number
    take_over(other, one)
    assert notes._number(("track", 2), other, SOME_DAY).number == number


def test_a_thousand_passers_leave_no_more_numbers_in_memory_than_fit_into_a_picture() -> None:
    notes, passer = TrackNotes(maker(), lambda _: None), SceneObject(())
    numbers = [notes._number(("track", number), passer, SOME_DAY).number for number in range(5000)]
    assert len(set(numbers)) == 5000
    assert len(notes._numbers) == 1024
    assert [notes._number(("track", number), passer, SOME_DAY).number for number in range(4500, 5000)] == numbers[4500:]
