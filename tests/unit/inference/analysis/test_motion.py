"""What moves with purpose and has no name, and what becomes of it when it gets one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from smartcam.contract.event import Event
from smartcam.contract.notice import FrameNotice, PixelBox
from smartcam.inference.analysis.objects import ObjectAnalysis
from smartcam.inference.events import Change, restored
from smartcam.inference.settings import AnalysisSettings
from smartcam.model.scoring import Detections
from smartcam.vision.picture import Picture
from smartcam.vision.rule import Rule
from smartcam.vision.visibility import Visibility
from smartcam.vision.zone import Zone
from tests.fakes.clock import SOME_DAY
from tests.unit.inference.stage import EVERYWHERE, frame, happened, maker, notice, object_model, seen

MOTION, PERSON = ("motion", "raised"), ("person", "raised")
NOBODY = seen()
Motion = Sequence[PixelBox]


def crossing(looks: int, step: float = 4.0, start: float = 5.0) -> list[Motion]:
    """Something of 20 by 30 pixels that goes right, five looks a second."""
    return [(box_at(start + step * look),) for look in range(looks)]


def box_at(x: float) -> PixelBox:
    return PixelBox(round(x), 15, round(x) + 20, 45)


def there(x: float, label: str = "person", score: float = 0.8) -> Detections:
    return seen((label, score, (x + 1, 15.0, x + 19, 45.0)))


def analysis_of(script: Sequence[Detections], settings: AnalysisSettings | None = None) -> ObjectAnalysis:
    return ObjectAnalysis(object_model(script), maker(), settings or AnalysisSettings())


def play(
    analysis: ObjectAnalysis, motion: Sequence[Motion], start: int = 0, visibility: Visibility = Visibility.CLEAR
) -> list[Change]:
    return [
        change
        for look, boxes in enumerate(motion, start)
        for change in analysis.update(frame(look / 5, boxes), visibility)
    ]


def events(changes: Sequence[Change]) -> list[Event]:
    return [change.event for change in changes if change.event is not None]


def test_what_goes_somewhere_without_a_name_is_a_motion_event_after_a_second() -> None:
    changes = play(analysis_of([NOBODY]), [*crossing(15), *[()] * 25])
    assert happened(changes) == [MOTION, ("motion", "cleared")]
    raised, cleared = events(changes)
    assert raised.started_at == frame(1.0).captured_at
    assert (raised.rule, raised.cause, raised.label, raised.threshold) == ("anything", "motion", None, 0.5)
    assert raised.score > 0.5
    assert cleared.event_id == raised.event_id


def in_two_parts(looks: int) -> list[Motion]:
    """A coat and legs; between them the gate sees nothing."""
    return [
        (PixelBox(x, 10, x + 20, 30), PixelBox(x, 33, x + 20, 50))
        for x in (round(5 + 4.0 * look) for look in range(looks))
    ]


def test_what_the_gate_sees_in_two_parts_is_one_event() -> None:
    changes = play(analysis_of([NOBODY]), [*in_two_parts(15), *[()] * 25])
    assert happened(changes) == [MOTION, ("motion", "cleared")]
    assert events(changes)[1].suppressed == 1


def test_two_parts_are_one_event_whatever_else_moves_there() -> None:
    beside = PixelBox(85, 2, 97, 10)
    changes = play(analysis_of([NOBODY]), [*((beside, *parts) for parts in in_two_parts(15)), *[()] * 25])
    assert happened(changes) == [MOTION, ("motion", "cleared")]


def test_who_sets_off_while_another_event_is_on_is_an_event_of_their_own() -> None:
    motion = [
        (PixelBox(x, 34, x + 20, 58), PixelBox(80 - 4 * look, 2, 100 - 4 * look, 26))
        for look, x in enumerate([5] * 8 + [5 + 5 * look for look in range(1, 13)])
    ]
    changes = play(analysis_of([NOBODY]), [*motion, *[()] * 25])
    assert happened(changes) == [MOTION, MOTION, ("motion", "cleared"), ("motion", "cleared")]


def test_what_sets_off_from_where_somebody_told_of_rests_is_no_motion_event() -> None:
    comes, goes = crossing(10, start=1), crossing(9, start=41)
    script = [*[there(1 + 4.0 * look) for look in range(10)], *[there(41)] * 60, NOBODY]
    changes = play(analysis_of(script), [*comes, *[()] * 60, *goes, *[()] * 40])
    assert happened(changes) == [PERSON, ("person", "cleared")]


def test_a_part_of_what_has_a_name_is_no_motion_event() -> None:
    settings = AnalysisSettings(labels=("person", "motion"))
    script = [seen(("car", 0.8, (5 + 4.0 * look, 10.0, 25 + 4.0 * look, 30.0))) for look in range(15)]
    assert happened(play(analysis_of(script, settings), in_two_parts(15))) == []


@pytest.mark.parametrize("walks", [0.8, 0.0])
def test_a_car_that_overtakes_somebody_with_a_name_is_told_of(walks: float) -> None:
    """As measured: the car was taken for a part of the walker beside it, for good."""
    settings, walker, motion = AnalysisSettings(labels=("person", "motion")), 30.0, []
    script = [seen(("car", 0.8, (walker + walks * look, 8.0, walker + 8 + walks * look, 14.0))) for look in range(15)]
    for look in range(15):
        person = PixelBox(round(walker + walks * look), 5, round(walker + walks * look) + 8, 15 + look % 2)
        motion.append((person, *crossing(15, step=5.0)[look]))
    assert happened(play(analysis_of(script, settings), motion)) == [MOTION]


def test_however_far_it_has_gone_it_is_no_surer_than_sure_and_its_episode_follows_it() -> None:
    analysis = analysis_of([NOBODY])
    (raised,) = events(play(analysis, crossing(8, step=9.0)))
    assert raised.score == 1.0
    (episode,) = analysis.episodes()
    assert episode.box is not None
    assert episode.box.x1 == pytest.approx(0.68)


def test_within_its_first_second_nothing_is_raised() -> None:
    assert happened(play(analysis_of([NOBODY]), [*crossing(5), *[()] * 25])) == []


def test_what_has_gone_twice_as_far_as_a_purpose_takes_waits_for_no_second_to_pass() -> None:
    assert happened(play(analysis_of([NOBODY]), crossing(4, step=8.0))) == [MOTION]
    assert happened(play(analysis_of([NOBODY]), crossing(4, step=7.0))) == []


def test_what_the_detector_names_in_time_is_one_event_under_its_name() -> None:
    script = [NOBODY, *[there(5 + 4.0 * look) for look in range(1, 15)], NOBODY]
    changes = play(analysis_of(script), [*crossing(15), *[()] * 40])
    assert happened(changes) == [PERSON, ("person", "cleared")]
    assert events(changes)[0].cause == "detected"


def test_a_later_name_upgrades_the_event_and_raises_no_second_one() -> None:
    script = [*[NOBODY] * 8, *[there(5 + 4.0 * look) for look in range(8, 18)], NOBODY]
    changes = play(analysis_of(script), [*crossing(18), *[()] * 40])
    assert happened(changes) == [MOTION, PERSON, ("person", "cleared")]
    first, better, last = events(changes)
    assert first.event_id == better.event_id == last.event_id
    assert better.started_at == first.started_at
    assert [event.revision for event in (first, better, last)] == [0, 1, 1]
    assert (better.label, better.cause, better.rule) == ("person", "detected", "anything")
    assert changes[1].episode is not None
    assert restored(changes[1].episode).event.kind == "person"


def test_the_rule_that_means_the_better_name_stands_in_the_upgraded_event() -> None:
    settings = AnalysisSettings(rules=(Rule("whatever moves", ("motion",)), Rule("people", ("person",))))
    script = [*[NOBODY] * 8, *[there(5 + 4.0 * look) for look in range(8, 18)]]
    changes = play(analysis_of(script, settings), crossing(18))
    assert [(str(event.kind), event.rule) for event in events(changes)] == [
        ("motion", "whatever moves"),
        ("person", "people"),
    ]


def test_a_name_that_no_rule_wants_upgrades_nothing() -> None:
    settings = AnalysisSettings(labels=("person", "motion"))
    script = [*[NOBODY] * 8, *[there(5 + 4.0 * look, "car") for look in range(8, 18)], NOBODY]
    assert happened(play(analysis_of(script, settings), crossing(18))) == [MOTION]


def test_what_has_a_name_that_no_rule_wants_is_no_motion_either() -> None:
    settings = AnalysisSettings(labels=("person", "motion"))
    script = [there(5 + 4.0 * look, "car") for look in range(18)]
    assert happened(play(analysis_of(script, settings), crossing(18))) == []


def test_a_camera_that_wants_persons_only_is_told_of_no_motion() -> None:
    assert happened(play(analysis_of([NOBODY], AnalysisSettings(labels=("person",))), crossing(18))) == []


def test_the_detector_about_to_name_it_is_waited_for() -> None:
    script = [*[NOBODY] * 4, *[there(5 + 4.0 * look) for look in range(4, 18)]]
    assert happened(play(analysis_of(script), crossing(18))) == [PERSON]


def test_a_detector_that_never_makes_up_its_mind_is_waited_for_no_longer_than_a_second() -> None:
    script = [there(5 + 4.0 * look) for look in range(18)]
    changes = play(analysis_of(script, AnalysisSettings(min_frames=100)), crossing(18))
    assert happened(changes) == [MOTION]
    assert events(changes)[0].started_at == frame(2.0).captured_at


def test_a_parked_car_gives_its_name_to_nothing_that_passes_before_it() -> None:
    analysis = analysis_of([seen(("car", 0.8, (30.0, 10.0, 60.0, 50.0)))])
    assert happened(play(analysis, [()] * 200)) == []
    as_large: list[Motion] = [(PixelBox(20 + 4 * look, 10, 50 + 4 * look, 50),) for look in range(12)]
    assert happened(play(analysis, as_large, start=200)) == [MOTION]


def test_a_shadow_that_goes_somewhere_is_no_event_and_an_object_on_its_way_is_one() -> None:
    ground = np.kron(np.random.default_rng(3).integers(60, 200, (20, 34)), np.ones((12, 12))).astype(np.uint8)[:, :400]
    half = np.full((120, 200), 128, np.uint8)

    def walk(darker: float, less: int) -> list[Change]:
        analysis, changes = analysis_of([seen(looked_at=[PixelBox(0, 0, 400, 240)])]), []
        for look in range(40):
            x, picture = 16 * (look - 25), ground.copy()
            if x >= 0:
                patch = picture[60:180, x : x + 80]
                patch[:] = np.maximum(patch * darker - less, 16).astype(np.uint8)
            motion = (PixelBox(x, 60, x + 80, 180),) if x >= 0 else ()
            taken = replace(frame(look / 5, motion), picture=Picture(picture, half, half))
            changes += analysis.update(taken)
        return changes

    assert happened(walk(0.7, 0)) == []
    assert happened(walk(0.05, 0)) == [MOTION]


def test_somebody_the_detector_loses_and_finds_again_is_the_same_while_they_move() -> None:
    script = [
        *[there(5 + 2.0 * look) for look in range(6)],
        *[NOBODY] * 20,
        *[there(5 + 2.0 * look) for look in range(26, 36)],
    ]
    changes = play(analysis_of(script), crossing(36, step=2.0))
    assert happened(changes) == [PERSON]


def test_somebody_else_in_the_same_motion_is_another_one() -> None:
    """Two walk side by side as one mover; the first was seen together with the second."""
    one, other = (6.0, 15.0, 20.0, 45.0), (21.0, 15.0, 34.0, 45.0)

    def right(box: tuple[float, float, float, float], look: int) -> tuple[float, float, float, float]:
        return box[0] + 2 * look, box[1], box[2] + 2 * look, box[3]

    script = [seen(("person", 0.8, right(one, look))) for look in range(4)]
    script += [seen(("person", 0.8, right(one, look)), ("person", 0.8, right(other, look))) for look in range(4, 6)]
    script += [seen(("person", 0.8, right(other, look))) for look in range(6, 14)]
    motion = [(PixelBox(5 + 2 * look, 14, 35 + 2 * look, 46),) for look in range(14)]
    assert happened(play(analysis_of(script), motion)) == [PERSON, PERSON]


def test_somebody_whom_the_detector_sees_twice_for_a_moment_is_one() -> None:
    """They set off; for two looks a box stays where they stood, and another one goes with them."""

    def at_look(look: int) -> Detections:
        left, right = (
            ("person", 0.8, (10.0, 15.0, 30.0, 45.0)),
            ("person", 0.8, (2.0 * look, 15.0, 2.0 * look + 20, 45.0)),
        )
        return seen(*([left] if look < 10 else [left, right] if look < 12 else [right]))

    motion = [
        (PixelBox(8, 14, 32, 46) if look < 9 else PixelBox(10 + 2 * (look - 9), 14, 2 * look + 21, 46),)
        for look in range(20)
    ]
    assert happened(play(analysis_of([at_look(look) for look in range(20)]), motion)) == [PERSON]


def test_what_moves_within_somebody_who_has_raised_is_a_part_of_them() -> None:
    script = [seen(("person", 0.8, (10.0, 0.0, 90.0, 58.0)))]
    motion: list[Motion] = [*[EVERYWHERE] * 4, *[(box_at(20 + 3 * look),) for look in range(15)]]
    assert happened(play(analysis_of(script), motion)) == [PERSON]


def test_a_parked_car_does_not_hide_what_crosses_before_it() -> None:
    car = ("car", 0.8, (10.0, 10.0, 90.0, 50.0))
    analysis = analysis_of([seen(car)])
    assert happened(play(analysis, [()] * 200)) == []
    assert happened(play(analysis, crossing(15), start=200)) == [MOTION]


def test_it_must_be_large_and_how_large_can_be_set() -> None:
    small = [(PixelBox(round(5 + 4 * look), 20, round(5 + 4 * look) + 7, 34),) for look in range(15)]
    assert happened(play(analysis_of([NOBODY]), small)) == []
    assert happened(play(analysis_of([NOBODY], AnalysisSettings(motion_min_size=0.01)), small)) == [MOTION]


@pytest.mark.parametrize("visibility", [Visibility.DARK, Visibility.DEFOCUSED])
def test_where_the_detector_cannot_see_motion_takes_over_and_says_so(visibility: Visibility) -> None:
    small = [(PixelBox(round(5 + 4 * look), 20, round(5 + 4 * look) + 7, 34),) for look in range(15)]
    changes = play(analysis_of([NOBODY]), small, visibility=visibility)
    assert happened(changes) == [MOTION]
    assert events(changes)[0].cause == str(visibility)


def test_rules_hold_for_motion_too() -> None:
    right = Zone("right", ((0.6, 0.0), (1.0, 0.0), (1.0, 1.0), (0.6, 1.0)))
    settings = AnalysisSettings(zones=(right,), rules=(Rule("right side", ("motion",), (right,)),))
    changes = play(analysis_of([NOBODY], settings), crossing(18))
    (raised,) = events(changes)
    assert (raised.rule, raised.zone) == ("right side", "right")
    assert raised.box is not None
    assert raised.box.x1 + raised.box.x2 >= 1.2


def test_a_disarmed_camera_raises_nothing_and_an_armed_one_no_more_than_happens_then() -> None:
    analysis = analysis_of([NOBODY], AnalysisSettings(armed=False))
    assert happened(play(analysis, crossing(10))) == []
    analysis.configure(AnalysisSettings())
    assert happened(play(analysis, [()] * 30, start=10)) == []
    assert happened(play(analysis, crossing(15), start=40)) == [MOTION]


def test_what_vanishes_for_a_moment_goes_on_with_its_event() -> None:
    motion = [*crossing(10), *[()] * 8, *crossing(8, start=50.0)]
    assert happened(play(analysis_of([NOBODY]), motion)) == [MOTION]


def test_a_second_one_elsewhere_is_a_second_event() -> None:
    motion = [(*one, *other) for one, other in zip(crossing(15, step=3.0), reversed_below(15), strict=True)]
    assert happened(play(analysis_of([NOBODY]), motion)) == [MOTION, MOTION]


def reversed_below(looks: int) -> list[Motion]:
    return [(PixelBox(75 - 3 * look, 47, 97 - 3 * look, 60),) for look in range(looks)]


def test_the_end_of_the_camera_clears_a_motion_event() -> None:
    analysis = analysis_of([NOBODY])
    play(analysis, crossing(10))
    assert happened(analysis.end(SOME_DAY)) == [("motion", "cleared")]
    assert analysis.episodes() == []


def test_of_what_moved_before_the_pictures_ended_nothing_counts_when_they_begin_again() -> None:
    analysis = analysis_of([NOBODY])
    play(analysis, crossing(10))
    analysis.end(SOME_DAY)
    assert happened(play(analysis, crossing(15)[10:], start=10)) == []


def test_a_restarted_process_goes_on_with_a_motion_event() -> None:
    changes = play(analysis_of([NOBODY]), crossing(10))
    assert changes[0].episode is not None
    left = restored(replace(changes[0].episode, age_ms=1000))
    again = analysis_of([NOBODY])
    again.resume([left])
    box = left.box
    assert box is not None
    motion = crossing(10, start=box.x1 * 100)
    assert happened(play(again, [*motion, *[()] * 25])) == [("motion", "cleared")]


def test_a_restarted_process_takes_the_motion_of_somebody_it_knows_for_them() -> None:
    script = [there(5 + 4.0 * look) for look in range(5)]
    changes = play(analysis_of(script), crossing(5))
    assert changes[0].episode is not None
    left = restored(replace(changes[0].episode, age_ms=1000))
    again = analysis_of([NOBODY])
    again.resume([left])
    assert left.box is not None
    assert happened(play(again, crossing(12, start=left.box.x1 * 100))) == []


def test_what_moves_within_the_place_of_somebody_who_is_still_looked_for_is_a_part_of_them() -> None:
    changes = play(analysis_of([seen(("person", 0.8, (10.0, 0.0, 90.0, 58.0)))]), [EVERYWHERE] * 4)
    assert changes[0].episode is not None
    again = analysis_of([NOBODY])
    again.resume([restored(replace(changes[0].episode, age_ms=1000))])
    assert happened(play(again, crossing(18))) == []


def test_other_rules_begin_with_a_clean_slate_and_keep_what_is_on() -> None:
    analysis = analysis_of([NOBODY])
    play(analysis, crossing(8))
    analysis.configure(AnalysisSettings(rules=(Rule("waits", loiter_s=100),)))
    assert happened(play(analysis, crossing(18)[8:], start=8)) == []
    assert len(analysis.episodes()) == 1


def looked_at_each_fifth(motion: Sequence[Motion], *, told_of_the_rest: bool) -> list[Change]:
    """A device that has no time for four frames of five."""
    analysis, changes, skipped = analysis_of([NOBODY]), list[Change](), list[FrameNotice]()
    for look, boxes in enumerate(motion):
        now = frame(look / 5, boxes)
        if look % 5:
            skipped.append(replace(notice(seq=now.seq), captured_mono=now.captured_mono, motion=tuple(boxes)))
            continue
        changes += analysis.update(replace(now, skipped=tuple(skipped) if told_of_the_rest else ()))
        skipped.clear()
    return changes


def test_what_moved_in_frames_that_nobody_had_time_to_look_at_counts() -> None:
    motion = [*crossing(10, step=8.0), *[()] * 25]
    assert happened(looked_at_each_fifth(motion, told_of_the_rest=True)) == [MOTION, ("motion", "cleared")]
    assert happened(looked_at_each_fifth(motion, told_of_the_rest=False)) == []


def test_of_frames_that_were_skipped_those_count_that_are_newer_than_the_last_and_older_than_this() -> None:
    """A neighbour may send notices of any time."""
    motion = [*crossing(15), *[()] * 25]
    analysis, changes = analysis_of([NOBODY]), list[Change]()
    for look, boxes in enumerate(motion):
        odd = [replace(notice(), captured_mono=frame(s).captured_mono, motion=(box_at(70),)) for s in (-5, 0, 500)]
        changes += analysis.update(replace(frame(look / 5, boxes), skipped=tuple(odd)))
    assert happened(changes) == happened(play(analysis_of([NOBODY]), motion))
