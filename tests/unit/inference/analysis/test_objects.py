import math
from collections.abc import Sequence
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from smartcam.contract.ids import new_event_id
from smartcam.contract.notice import PixelBox
from smartcam.edge.memory_file import MemoryFile
from smartcam.inference.analysis.objects import ObjectAnalysis
from smartcam.inference.events import Change, OpenEpisode, restored
from smartcam.inference.settings import AnalysisSettings
from smartcam.model.scoring import Detections
from smartcam.vision.zone import Zone
from tests.fakes.clock import SOME_DAY
from tests.fakes.scorer import FakeDetector
from tests.unit.inference.stage import EVERYWHERE, HERE, PICTURE, Found, frame, happened, maker, object_model, seen

RAISED, CLEARED = ("person", "raised"), ("person", "cleared")
SOMEBODY = seen(("person", 0.8, HERE))
NOBODY = seen()


def person(x: float, score: float = 0.8, label: str = "person") -> Found:
    return label, score, (x, 10.0, x + 20.0, 50.0)


def walk(start: float, end: float, looks: int) -> list[Detections]:
    return [seen(person(start + (end - start) * look / looks)) for look in range(looks)]


def play(
    script: Sequence[Detections], settings: AnalysisSettings | None = None, motion: Sequence[PixelBox] = EVERYWHERE
) -> tuple[ObjectAnalysis, list[Change]]:
    analysis = ObjectAnalysis(object_model(script), maker(), settings or AnalysisSettings())
    return analysis, run(analysis, 0, len(script), motion)


def run(analysis: ObjectAnalysis, start: int, looks: int, motion: Sequence[PixelBox] = EVERYWHERE) -> list[Change]:
    return [change for look in range(start, start + looks) for change in analysis.update(frame(look / 5, motion))]


def left_open(age_ms: int | None = 2000, settings: AnalysisSettings | None = None) -> OpenEpisode:
    _, changes = play([SOMEBODY] * 3, settings)
    assert changes[0].episode is not None
    return restored(replace(changes[0].episode, age_ms=age_ms))


def test_somebody_who_walks_through_is_one_event_from_entry_to_exit() -> None:
    _, changes = play([NOBODY, *walk(0, 80, 20), *[NOBODY] * 20])
    assert happened(changes) == [RAISED, CLEARED]
    event = changes[0].event
    assert event is not None
    assert (event.label, event.threshold, event.started_at) == ("person", 0.6, frame(0.6).captured_at)
    assert event.score == pytest.approx(0.8)
    assert event.box is not None
    assert astuple(event.box) == pytest.approx((0.08, 1 / 6, 0.28, 5 / 6))


def test_of_a_detection_that_sticks_out_of_the_picture_only_what_is_inside_counts() -> None:
    """As large as all the motion together it would not seem to move."""
    _, changes = play([seen(("person", 0.9, (-300.0, 10.0, 30.0, 50.0)))] * 3, motion=[PixelBox(0, 10, 30, 50)])
    assert happened(changes) == [RAISED]
    event = changes[0].event
    assert event is not None
    assert event.box is not None
    assert astuple(event.box) == pytest.approx((0.0, 1 / 6, 0.3, 5 / 6))


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_a_detection_without_a_place_is_none(wrong: float) -> None:
    nowhere = seen(("person", 0.9, (wrong, wrong, wrong, wrong)), ("person", 0.9, (wrong, 10.0, wrong, 50.0)))
    analysis, changes = play([nowhere] * 5)
    assert (changes, analysis.episodes()) == ([], [])


def test_somebody_who_stands_for_a_minute_is_still_one_event() -> None:
    _, changes = play([*walk(0, 40, 10), *[seen(person(40))] * 300, *walk(40, 80, 10), *[NOBODY] * 20])
    assert happened(changes) == [RAISED, CLEARED]


def test_two_visitors_one_after_the_other_are_two_events() -> None:
    _, changes = play([*walk(0, 80, 12), *[NOBODY] * 20, *walk(0, 80, 12), *[NOBODY] * 20])
    assert happened(changes) == [RAISED, CLEARED] * 2


def test_two_visitors_together_are_two_events() -> None:
    _, changes = play([seen(person(0 + 2 * look), person(70 - 2 * look)) for look in range(8)])
    assert happened(changes) == [RAISED] * 2


def test_a_short_gap_in_the_detections_ends_nothing() -> None:
    _, changes = play([*walk(0, 30, 8), *[NOBODY] * 6, *walk(50, 80, 8)])
    assert happened(changes) == [RAISED]


def test_a_car_that_has_always_stood_there_is_no_event_whatever_walks_by() -> None:
    car = seen(person(40, label="car"))
    analysis, changes = play([car] * 50, motion=())
    changes += run(analysis, 50, 50)
    assert happened(changes) == []


def test_a_car_that_comes_and_parks_is_one_event_even_if_it_is_not_always_seen() -> None:
    arriving = [seen(person(2.0 * look, label="car")) for look in range(20)]
    parked = [seen(person(40, label="car"))] * 200
    _, changes = play([*arriving, *parked, *[NOBODY] * 100, *parked])
    assert happened(changes) == [("vehicle", "raised"), ("vehicle", "cleared")]


def test_a_label_that_raises_nothing_is_not_followed() -> None:
    analysis, changes = play([seen(person(20 + 4 * look, label="cup")) for look in range(10)])
    assert happened(changes) == []
    assert analysis.episodes() == []


def test_a_camera_that_wants_persons_only_is_not_told_of_cats() -> None:
    script = [seen(person(4 * look, label="cat")) for look in range(10)]
    assert happened(play(script, AnalysisSettings(labels=("person",)))[1]) == []
    assert happened(play(script)[1]) == [("animal", "raised")]


def test_an_object_raises_only_while_it_stands_in_a_zone() -> None:
    right = Zone("right", ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)))
    _, changes = play(walk(0, 80, 40), AnalysisSettings(zones=(right,)))
    event = changes[0].event
    assert event is not None
    assert (happened(changes), event.zone) == ([RAISED], "right")
    assert event.box is not None
    assert event.box.x1 + event.box.x2 == pytest.approx(1.0, abs=0.05)
    assert happened(play(walk(0, 30, 40), AnalysisSettings(zones=(right,)))[1]) == []


def test_a_second_box_of_the_same_body_is_suppressed_and_counted() -> None:
    body, half = ("person", 0.8, (30.0, 5.0, 60.0, 55.0)), ("person", 0.7, (34.0, 5.0, 56.0, 30.0))
    apart = ("person", 0.7, (64.0, 5.0, 86.0, 30.0))
    looks = [seen(body, apart)] + [
        seen(body, ("person", 0.7, (64.0 - 5 * look, 5.0, 86.0 - 5 * look, 30.0))) for look in range(1, 3)
    ]
    analysis, changes = play([seen(body)] * 4 + [seen(body, half)] * 10)
    assert happened(changes) == [RAISED]
    analysis, changes = play([seen(body)] * 4 + looks + [seen(body, half)] * 10, AnalysisSettings(min_frames=4))
    assert happened(changes) == [RAISED]
    assert [episode.suppressed for episode in analysis.episodes()] == [1]


def test_it_looks_where_something_moves_and_where_somebody_is() -> None:
    model = object_model([SOMEBODY])
    assert isinstance(model.detector, FakeDetector)
    analysis = ObjectAnalysis(model, maker(), AnalysisSettings())
    corner = PixelBox(0, 0, 10, 10)
    for look, motion in enumerate([(), (corner,), ()]):
        analysis.update(frame(look / 5, motion))
    assert [regions for _, regions in model.detector.calls] == [(), (corner, PixelBox(40, 10, 60, 50)), ()]
    assert all(picture is PICTURE for picture, _ in model.detector.calls)


@pytest.mark.parametrize(("remember_s", "looks"), [(10.0, 16), (1.0, 6)])
def test_where_nobody_was_seen_for_three_seconds_or_is_not_remembered_it_looks_no_more(
    remember_s: float, looks: int
) -> None:
    model = object_model([SOMEBODY, NOBODY])
    assert isinstance(model.detector, FakeDetector)
    analysis = ObjectAnalysis(model, maker(), AnalysisSettings(remember_s=remember_s))
    corner, there = PixelBox(0, 0, 10, 10), PixelBox(40, 10, 60, 50)
    for look in range(20):
        analysis.update(frame(look / 5, (corner,)))
    asked = [there in regions for _, regions in model.detector.calls]
    assert asked == [False] + [True] * looks + [False] * (19 - looks)


def test_somebody_in_a_part_that_was_not_looked_at_is_not_gone() -> None:
    elsewhere = seen(looked_at=[PixelBox(0, 0, 10, 10)])
    _, changes = play([SOMEBODY] * 5 + [elsewhere] * 50 + [SOMEBODY] * 5)
    assert happened(changes) == [RAISED]


def test_the_end_of_a_clip_clears_everything() -> None:
    analysis, _ = play([seen(person(2.0 * look), person(70 - 2.0 * look)) for look in range(8)])
    changes = analysis.end(frame(9).captured_at)
    assert happened(changes) == [CLEARED] * 2
    assert {change.event.ended_at for change in changes if change.event is not None} == {frame(9).captured_at}
    assert analysis.episodes() == []


def test_a_restarted_process_goes_on_with_somebody_who_stands_where_they_stood() -> None:
    analysis = ObjectAnalysis(object_model([SOMEBODY] * 20 + [NOBODY]), maker(), AnalysisSettings())
    analysis.resume([left_open()])
    changes = run(analysis, 0, 60, motion=())
    assert happened(changes) == [CLEARED]


def test_a_restarted_process_goes_on_with_somebody_of_whom_it_would_not_be_sure_by_itself() -> None:
    unsure = seen(("person", 0.5, HERE))
    analysis = ObjectAnalysis(object_model([unsure] * 70), maker(), AnalysisSettings())
    analysis.resume([left_open()])
    assert happened(run(analysis, 0, 70, motion=())) == []
    assert len(analysis.episodes()) == 1


def test_a_restarted_process_raises_nobody_twice_who_walked_on_meanwhile() -> None:
    analysis = ObjectAnalysis(object_model(walk(0, 30, 20)), maker(), AnalysisSettings())
    analysis.resume([left_open()])
    assert happened(run(analysis, 0, 20)) == []


def test_an_episode_whose_object_does_not_show_up_again_is_cleared() -> None:
    analysis = ObjectAnalysis(object_model([NOBODY]), maker(), AnalysisSettings())
    analysis.resume([left_open()])
    assert happened(run(analysis, 0, 45)) == []
    changes = run(analysis, 45, 10)
    assert happened(changes) == [CLEARED]
    assert changes[0].event is not None
    assert changes[0].event.ended_at == frame(10).captured_at


def test_of_two_episodes_at_one_place_one_goes_on_and_the_other_ends_too() -> None:
    analysis = ObjectAnalysis(object_model([SOMEBODY] * 70 + [NOBODY]), maker(), AnalysisSettings())
    left = left_open()
    other = replace(left, event=replace(left.event, event_id=new_event_id(SOME_DAY, bytes(10))))
    analysis.resume([left, other])
    changes = run(analysis, 0, 110, motion=())
    ended = [change.event.event_id for change in changes if change.event is not None]
    assert happened(changes) == [CLEARED] * 2
    assert sorted(ended) == sorted([left.event.event_id, other.event.event_id])


def test_another_kind_of_object_does_not_go_on_with_the_episode() -> None:
    car = [seen(person(3.0 * look, label="car")) for look in range(25)]
    analysis = ObjectAnalysis(object_model(car), maker(), AnalysisSettings())
    analysis.resume([left_open()])
    assert happened(run(analysis, 0, 25)) == [("vehicle", "raised")]


def test_a_car_that_stands_where_somebody_stood_does_not_go_on_with_their_episode() -> None:
    analysis = ObjectAnalysis(object_model([seen(("car", 0.8, HERE))]), maker(), AnalysisSettings())
    analysis.resume([left_open()])
    changes = run(analysis, 0, 60, motion=())
    assert happened(changes) == [CLEARED]
    assert analysis.episodes() == []


@pytest.mark.parametrize("age_ms", [None, 3_600_000])
def test_an_episode_of_long_ago_is_cleared_and_whoever_comes_now_raises(age_ms: int | None) -> None:
    analysis = ObjectAnalysis(object_model(walk(20, 60, 20)), maker(), AnalysisSettings())
    analysis.resume([left_open(age_ms)])
    assert happened(run(analysis, 0, 20)) == [CLEARED, RAISED]


def test_other_settings_apply_from_the_next_frame_on() -> None:
    analysis, changes = play(walk(0, 20, 10), AnalysisSettings(raise_at=0.95))
    analysis.configure(AnalysisSettings(raise_at=0.5))
    assert happened(changes) == []
    assert happened(run(analysis, 10, 4)) == [RAISED]


def test_the_state_of_a_long_episode_is_stored_again_and_again() -> None:
    _, changes = play([*walk(0, 40, 10), *[seen(person(40))] * 310])
    assert happened(changes) == [RAISED]
    stored = [change.episode for change in changes if change.event is None]
    assert len(stored) == 3
    assert all(episode is not None and episode.state["box"] for episode in stored)


@pytest.mark.parametrize("seconds", [0.5, 1.0])
def test_a_frame_from_the_past_or_for_the_second_time_is_not_even_looked_at(seconds: float) -> None:
    model = object_model([SOMEBODY])
    analysis = ObjectAnalysis(model, maker(), AnalysisSettings())
    analysis.update(frame(1))
    assert analysis.update(frame(seconds)) == []
    assert isinstance(model.detector, FakeDetector)
    assert len(model.detector.calls) == 1


def sitting(looks: int) -> list[Detections]:
    """Somebody at a desk, as a detector sees it: head and torso, then torso and chair, and then nobody for a while."""
    head, chair = ("person", 0.7, (40.0, 10.0, 56.0, 34.0)), ("person", 0.65, (38.0, 22.0, 60.0, 48.0))
    cycle = [seen(head)] * 6 + [seen(chair)] * 6 + [NOBODY] * 25
    return [cycle[look % len(cycle)] for look in range(looks)]


def test_somebody_who_comes_in_sits_down_and_goes_is_one_event() -> None:
    script = [*walk(0, 40, 12), *sitting(600), *walk(40, 0, 12), *[NOBODY] * 20]
    _, changes = play(script)
    assert [each for each in happened(changes) if each == RAISED] == [RAISED]


def test_a_short_absence_belongs_to_the_stay_and_a_long_one_does_not() -> None:
    there, away = [*walk(0, 40, 12), *[seen(person(40))] * 100, *walk(40, 0, 12)], [NOBODY] * 150
    _, changes = play([*there, *away, *there, *[NOBODY] * 400, *there])
    assert [each for each in happened(changes) if each == RAISED] == [RAISED] * 2


def test_a_seat_that_stirs_after_somebody_got_up_does_not_take_them_for_still_there() -> None:
    """The gate takes a while to get used to what was hidden behind them."""
    seat, sits = PixelBox(40, 34, 56, 56), ("person", 0.7, (40.0, 30.0, 56.0, 56.0))
    ways = [max(40 - 4 * look, 0) for look in range(1, 11)]
    comes = [(seen(person(x)), [PixelBox(x, 10, x + 20, 50)]) for x in reversed(ways)]
    gets_up = [(seen(person(x)), [PixelBox(x, 10, 56, 56)]) for x in ways[:2]]
    parts = [(seen(person(x)), [PixelBox(x, 34, 56, 56), PixelBox(x, 10, x + 20, 34)]) for x in ways[2:3]]
    leaves = [(seen(person(x)), [PixelBox(x, 10, x + 20, 50), seat]) for x in ways[3:]]
    script = [
        *comes,
        *[(seen(sits), [seat] if look % 20 > 9 else []) for look in range(100)],
        *gets_up,
        *parts,
        *leaves,
        *[(NOBODY, [seat])] * 40,
        *[(NOBODY, [])] * 30,
        *comes,
    ]
    analysis = ObjectAnalysis(object_model([found for found, _ in script]), maker(), AnalysisSettings())
    changes = [change for look, (_, moved) in enumerate(script) for change in analysis.update(frame(look / 5, moved))]
    assert [each for each in happened(changes) if each == RAISED] == [RAISED]


@pytest.mark.parametrize(
    ("looked_at", "times"), [(EVERYWHERE, 2), ((PixelBox(0, 0, 10, 10),), 1)], ids=["in vain", "elsewhere"]
)
def test_a_place_is_empty_only_once_it_was_looked_at_in_vain_for_ten_minutes(
    looked_at: Sequence[PixelBox], times: int
) -> None:
    there = [*walk(0, 40, 12), *[SOMEBODY] * 100, *[NOBODY] * 25]
    minutes = [seen(looked_at=looked_at)] * 650
    gets_up = [*[SOMEBODY] * 10, *walk(40, 80, 12)]
    analysis = ObjectAnalysis(object_model([*there, *minutes, *gets_up]), maker(), AnalysisSettings())
    changes = run(analysis, 0, len(there))
    for look in range(len(minutes)):
        changes += analysis.update(frame(30 + look))
    changes += run(analysis, 5 * (30 + len(minutes)), len(gets_up))
    assert [each for each in happened(changes) if each == RAISED] == [RAISED] * times


@pytest.mark.parametrize(("quiet_s", "times"), [(30, 2), (70, 3)])
def test_whoever_sat_for_a_minute_after_the_last_one_walked_out_is_told_of_when_they_get_up(
    quiet_s: int, times: int
) -> None:
    """What is still there by then was taken for furniture."""
    comes = [95 - 3 * look for look in range(12)]
    visits = [3 * look - 10 for look in (*range(12), *reversed(range(12)))]
    gets_up = [60 - 3 * look for look in range(12)]
    analysis = ObjectAnalysis(
        object_model(
            [
                *[seen(person(x)) for x in comes],
                *[seen(person(60))] * 100,
                *[NOBODY] * 20,
                *[seen(("person", 0.8, (max(x, 0), 10.0, x + 20.0, 50.0))) for x in visits],
                *[NOBODY] * 5 * quiet_s,
                *[seen(person(60))] * 5,
                *[seen(person(x)) for x in gets_up],
            ]
        ),
        maker(),
        AnalysisSettings(),
    )
    moved = [*comes, *[None] * 120, *visits, *[None] * (5 * quiet_s + 5), *gets_up]
    changes = []
    for look, x in enumerate(moved):
        motion = [] if x is None else [PixelBox(max(x, 0), 10, min(x + 20, 100), 50)]
        changes += analysis.update(frame(look / 5, motion))
    assert [each for each in happened(changes) if each == RAISED] == [RAISED] * times


def test_a_second_person_who_comes_while_the_first_stays_is_an_event_of_their_own() -> None:
    both = [seen(person(70 - look * 2), person(0)) for look in range(10)]
    _, changes = play([*walk(20, 0, 8), *[seen(person(0))] * 100, *both])
    assert [each for each in happened(changes) if each == RAISED] == [RAISED] * 2


def test_a_parked_car_that_is_seen_only_while_something_passes_raises_nothing() -> None:
    """Its score hovers: its track is lost, and is born again in somebody else's motion."""
    car, still = seen(person(40, label="car")), ()
    script = [*[car] * 25, *[NOBODY] * 60, *[car] * 10]
    analysis = ObjectAnalysis(object_model(script), maker(), AnalysisSettings())
    changes = run(analysis, 0, 25, motion=still)
    changes += run(analysis, 25, 70)
    assert happened(changes) == []


def test_a_restart_tells_nobody_of_whoever_still_sits_there(tmp_path: Path) -> None:
    memory = MemoryFile(tmp_path / "stays")
    there = [*walk(0, 40, 12), *[seen(person(40))] * 100, *[NOBODY] * 20]
    analysis = ObjectAnalysis(object_model(there), maker(), AnalysisSettings(), memory)
    assert happened(run(analysis, 0, len(there))) == [RAISED, CLEARED]
    analysis.keep()
    for kept, expected in ((memory, []), (None, [RAISED])):
        later = ObjectAnalysis(object_model([SOMEBODY] * 10), maker(), AnalysisSettings(), kept)
        assert happened(run(later, len(there) + 100, 10)) == expected


def test_who_is_there_is_stored_every_ten_minutes_and_not_more_often(tmp_path: Path) -> None:
    """For a process that is killed; memory cards wear out."""
    memory = MemoryFile(tmp_path / "stays")
    analysis = ObjectAnalysis(object_model([*walk(0, 40, 12), SOMEBODY]), maker(), AnalysisSettings(), memory)
    run(analysis, 0, 13)
    stored = []
    for seconds in (599.8, 600, 1199.8, 1200):
        analysis.update(frame(seconds))
        stored.append((tmp_path / "stays").exists() and memory.load())
    assert stored[0] is False
    assert stored[1] == stored[2] != stored[3]
    assert stored[3]


def test_a_process_that_ends_before_its_first_frame_forgets_nobody(tmp_path: Path) -> None:
    memory = MemoryFile(tmp_path / "stays")
    memory.store(b"who was there")
    ObjectAnalysis(object_model([]), maker(), AnalysisSettings(), memory).keep()
    assert memory.load() == b"who was there"


def test_a_full_disk_costs_the_memory_of_stays_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    analysis = ObjectAnalysis(
        object_model([SOMEBODY] * 10), maker(), AnalysisSettings(), MemoryFile(tmp_path / "no folder" / "stays")
    )
    assert happened(run(analysis, 0, 10)) == [RAISED]
    analysis.keep()
    (told,) = [message for message in caplog.messages if message.startswith("stays_not_stored ")]
    assert "yard" in told
    assert "no folder" in told


def test_a_track_that_goes_over_from_a_chair_to_whoever_passes_it_tells_of_them_no_second_time() -> None:
    chair = person(40, 0.5)
    comes = [seen(person(float(3 * look)), chair) for look in range(12)]
    goes = [seen(person(float(40 + 3 * look))) for look in range(12)]
    analysis = ObjectAnalysis(object_model([*[seen(chair)] * 25, *comes, *goes]), maker(), AnalysisSettings())
    changes = run(analysis, 0, 25, motion=())
    changes += run(analysis, 25, 24)
    assert [each for each in happened(changes) if each == RAISED] == [RAISED]


@pytest.mark.parametrize(("people", "label", "events"), [(5, "person", 5), (8, "person", 5), (8, "car", 8)])
def test_of_more_people_than_a_handful_one_event_has_the_number(people: int, label: str, events: int) -> None:
    rows = [
        [(label, 0.8, (12.0 * n, 2.0 * look, 12.0 * n + 8, 2.0 * look + 20)) for n in range(people)]
        for look in range(20)
    ]
    _, changes = play([*[seen(*row) for row in rows], *[NOBODY] * 30])
    kinds = [word for _, word in happened(changes)]
    assert kinds == ["raised"] * events + ["cleared"] * events
    counted = [change.event.suppressed for change in changes if change.event is not None]
    assert sum(counted) == people - events
    assert sum(each > 0 for each in counted) == (people > events)


@pytest.mark.parametrize("looks", [6, 8, 12])
@pytest.mark.parametrize("minutes", [0.2, 60])
def test_whoever_sat_from_the_first_picture_is_told_of_when_they_walk_out(minutes: float, looks: int) -> None:
    sitting, step = round(minutes * 60), 50 / looks
    script = [seen(("person", 0.7, HERE))] * sitting + walk(40, -10, looks) + [NOBODY] * 20
    analysis = ObjectAnalysis(object_model(script), maker(), AnalysisSettings())
    changes = [change for look in range(sitting) for change in analysis.update(frame(look, []))]
    assert changes == []
    for look in range(looks + 20):
        x = max(round(40 - step * look), 0)
        moved = [PixelBox(x, 10, x + 20, 50)] if look < looks else []
        changes += analysis.update(frame(sitting + look / 5, moved))
    assert happened(changes) == [RAISED, CLEARED]
