"""Rules, schedules and labels on tracked objects; and what stands still for a day."""

from collections.abc import Sequence

import numpy as np
import pytest

from smartcam.contract.event import Event, NormalBox
from smartcam.contract.notice import PixelBox
from smartcam.inference.analysis import best_picture
from smartcam.inference.analysis.objects import ObjectAnalysis
from smartcam.inference.events import Change
from smartcam.inference.settings import AnalysisSettings
from smartcam.model.scoring import Detections
from smartcam.vision.line import Direction, Line
from smartcam.vision.picture import Picture
from smartcam.vision.rule import Rule
from smartcam.vision.snapshot import draw
from smartcam.vision.week import weekly_hours
from smartcam.vision.zone import Zone
from tests.fakes.scorer import FakeDetector
from tests.unit.inference.stage import EVERYWHERE, Found, frame, happened, maker, object_model, seen
from tests.unit.vision.test_week import BERLIN

LEFT = Zone("left", ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
MIDDLE = Line("middle", (0.5, 0.0), (0.5, 1.0))
"""From top to bottom: its left is the picture's right."""
NOBODY = seen()


def person(x: float, score: float = 0.8, label: str = "person") -> Found:
    return label, score, (x, 10.0, x + 20.0, 50.0)


def walk(start: float, end: float, looks: int) -> list[Detections]:
    return [seen(person(start + (end - start) * look / looks)) for look in range(looks)]


def run(analysis: ObjectAnalysis, start: int, looks: int, motion: Sequence[PixelBox] = EVERYWHERE) -> list[Change]:
    return [change for look in range(start, start + looks) for change in analysis.update(frame(look / 5, motion))]


def play(script: Sequence[Detections], settings: AnalysisSettings) -> list[Change]:
    return run(ObjectAnalysis(object_model(script), maker(), settings), 0, len(script))


def raised(changes: Sequence[Change]) -> list[Event]:
    return [change.event for change in changes if change.event is not None and change.event.ended_at is None]


def test_the_rule_that_fired_and_its_cause_stand_in_the_event() -> None:
    settings = AnalysisSettings(zones=(LEFT,), rules=(Rule("cars", ("car",)), Rule("on the left", zones=(LEFT,))))
    (event,) = raised(play(walk(0, 30, 15), settings))
    assert (event.rule, event.zone, event.cause) == ("on the left", "left", "detected")


def test_without_rules_it_is_anything_that_fired() -> None:
    (event,) = raised(play(walk(0, 30, 15), AnalysisSettings()))
    assert (event.rule, event.zone) == ("anything", None)


def test_one_object_raises_once_whatever_becomes_true_of_it_later() -> None:
    rules = (Rule("on the left", zones=(LEFT,)), Rule("stays", loiter_s=3), Rule("over the middle", line=MIDDLE))
    events = raised(play(walk(0, 80, 60), AnalysisSettings(zones=(LEFT,), lines=(MIDDLE,), rules=rules)))
    assert [event.rule for event in events] == ["on the left"]


def test_a_line_is_crossed_in_its_direction_only() -> None:
    backward = Rule("in", line=MIDDLE, direction=Direction.BACKWARD)
    forward = Rule("in", line=MIDDLE)
    rightwards, leftwards = walk(0, 80, 30), walk(80, 0, 30)
    assert len(raised(play(rightwards, AnalysisSettings(rules=(backward,))))) == 1
    assert len(raised(play(leftwards, AnalysisSettings(rules=(backward,))))) == 0
    assert len(raised(play(leftwards, AnalysisSettings(rules=(forward,))))) == 1
    (event,) = raised(play(rightwards, AnalysisSettings(rules=(backward,))))
    assert event.box is not None
    assert 0.5 < (event.box.x1 + event.box.x2) / 2 < 0.6


def test_who_passes_does_not_loiter_and_who_stays_does() -> None:
    settings = AnalysisSettings(zones=(LEFT,), rules=(Rule("loiters", zones=(LEFT,), loiter_s=5),))
    assert raised(play(walk(0, 80, 40), settings)) == []
    (event,) = raised(play([*walk(0, 10, 10), *[seen(person(10))] * 60], settings))
    assert event.started_at == frame(5.0).captured_at


def test_who_loiters_without_stirring_does_not_become_background_first() -> None:
    settings = AnalysisSettings(rules=(Rule("loiters", loiter_s=60),))
    (event,) = raised(play([*walk(0, 10, 10), *[seen(person(10))] * 400], settings))
    assert event.started_at == frame(60.0).captured_at


def test_what_stood_there_before_the_camera_was_armed_does_not_loiter() -> None:
    analysis = ObjectAnalysis(
        object_model([*walk(0, 10, 10), seen(person(10))]), maker(), AnalysisSettings(armed=False)
    )
    run(analysis, 0, 300)
    analysis.configure(AnalysisSettings(rules=(Rule("loiters", loiter_s=60),)))
    assert happened(run(analysis, 300, 400)) == []


def test_what_loitered_long_ago_is_background_for_other_rules() -> None:
    """It parks where no rule means it; when another rule begins to hold, a minute later, it has long been there."""
    evening = weekly_hours(BERLIN, {"daily": ["13:01-24:00"]}, "k")
    right = Zone("right", ((0.6, 0.0), (1.0, 0.0), (1.0, 1.0), (0.6, 1.0)))
    rules = (Rule("loiters", zones=(right,), loiter_s=60), Rule("in the evening", hours=evening))
    script = [*walk(0, 10, 10), *[seen(person(10))] * 500]
    assert raised(play(script, AnalysisSettings(zones=(right,), rules=rules))) == []


def test_what_has_parked_for_long_does_not_loiter_when_the_hours_of_the_rule_begin() -> None:
    evening = weekly_hours(BERLIN, {"daily": ["13:01-24:00"]}, "k")
    script = [*walk(0, 10, 10), *[seen(person(10))] * 500]
    assert raised(play(script, AnalysisSettings(rules=(Rule("loiters", loiter_s=10, hours=evening),)))) == []


def test_outside_of_the_schedule_nobody_raises() -> None:
    never = weekly_hours(BERLIN, {"daily": ["00:00-00:01"]}, "k")
    always = weekly_hours(BERLIN, {"daily": ["00:00-24:00"]}, "k")
    assert raised(play(walk(0, 80, 20), AnalysisSettings(schedule=never))) == []
    assert len(raised(play(walk(0, 80, 20), AnalysisSettings(schedule=always)))) == 1
    own = AnalysisSettings(schedule=never, rules=(Rule("always", hours=always),))
    assert [event.rule for event in raised(play(walk(0, 80, 20), own))] == ["always"]


def test_what_parked_while_the_camera_was_disarmed_does_not_alarm_when_it_is_armed() -> None:
    script = [*walk(0, 40, 20), *[seen(person(40, label="car"))] * 300, *walk(40, 80, 20)]
    script = [seen(*[("car", found.scores[0], tuple(found.boxes[0]))]) for found in script]
    analysis = ObjectAnalysis(object_model(script), maker(), AnalysisSettings(armed=False))
    assert happened(run(analysis, 0, 300)) == []
    analysis.configure(AnalysisSettings())
    assert happened(run(analysis, 300, 20)) == []
    assert happened(run(analysis, 320, 20)) == [("vehicle", "raised")]


def test_one_object_under_two_labels_is_one_event() -> None:
    both = [seen(person(4.0 * look, label="car"), person(4.0 * look, 0.75)) for look in range(1, 16)]
    first_car = [seen(person(0.0 + look, label="car")) for look in range(4)]
    changes = play([*first_car, *both], AnalysisSettings())
    assert [str(event.kind) for event in raised(changes)] == ["vehicle", "person"]
    assert len({event.event_id for event in raised(changes)}) == 1


def test_a_lesser_label_of_the_same_object_is_suppressed_and_counted() -> None:
    both = [seen(person(4.0 * look), person(4.0 * look, 0.75, "car")) for look in range(1, 16)]
    analysis = ObjectAnalysis(
        object_model([*[seen(person(float(look))) for look in range(4)], *both]), maker(), AnalysisSettings()
    )
    assert happened(run(analysis, 0, 19)) == [("person", "raised")]
    assert [episode.suppressed for episode in analysis.episodes()] == [1]


def test_somebody_beside_their_car_is_an_object_of_their_own() -> None:
    drives = [max(30.0 - 10 * look, 0.0) for look in range(20)]
    cars = [("car", 0.8, (10.0 + x, 20.0, 60.0 + x, 55.0)) for x in drives]
    script = [seen(car, person(25.0 + 2 * look)) for look, car in enumerate(cars)]
    assert sorted(str(event.kind) for event in raised(play(script, AnalysisSettings()))) == ["person", "vehicle"]


def test_each_event_brings_its_picture_and_a_better_one_when_it_ends() -> None:
    script = [seen(("person", 0.8, (0.0 + look, 20.0, 8.0 + look, 40.0))) for look in range(6)]
    script += [seen(("person", 0.8, (6.0 + look, 20.0 - look, 18.0 + 3 * look, 42.0 + look))) for look in range(12)]
    changes = play([*script, *[NOBODY] * 40], AnalysisSettings())
    pictures = [change.snapshot for change in changes if change.snapshot is not None]
    assert happened(changes) == [("person", "raised"), ("person", "cleared")]
    assert changes[0].event is not None
    assert [picture.event_id for picture in pictures] == [changes[0].event.event_id] * 2
    assert all(picture.jpeg.startswith(b"\xff\xd8") and len(picture.jpeg) < 100_000 for picture in pictures)
    assert pictures[0].jpeg != pictures[1].jpeg


@pytest.mark.parametrize(("sure_after_s", "events"), [(40, 1), (60, 0)])
def test_who_stands_still_is_meant_by_loitering_until_half_a_minute_after_the_time_that_it_asks_for(
    sure_after_s: int, events: int
) -> None:
    comes = [seen(person(4.0 * look, 0.5)) for look in range(10)]
    unsure, sure = [seen(person(40, 0.5))] * (5 * sure_after_s), [seen(person(40))] * 10
    settings = AnalysisSettings(rules=(Rule("loiters", loiter_s=20),))
    assert len(raised(play([*comes, *unsure, *sure], settings))) == events


def test_nothing_is_drawn_of_what_raises_no_event(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def counted(picture: Picture, box: NormalBox, label: str) -> bytes:
        drawn.append(label)
        return draw(picture, box, label)

    monkeypatch.setattr(best_picture, "draw", counted)
    parked = ("car", 0.8, (60.0, 10.0, 90.0, 40.0))
    passing = [seen(parked, person(2.0 * look)) for look in range(10)]
    others = AnalysisSettings(rules=(Rule(labels=("cat",)),))
    assert happened(play([*passing, *[seen(parked)] * 30], others)) == []
    assert drawn == []
    assert happened(play([*passing, *[seen(parked)] * 30], AnalysisSettings())) == [
        ("person", "raised"),
        ("person", "cleared"),
    ]
    assert drawn == ["person"]


def test_a_parked_car_raises_once_in_a_day_and_each_of_those_who_pass_it_raises() -> None:
    """A day of frames half a minute apart, more while somebody passes; at night the detector does not see the car."""
    rng = np.random.default_rng(4)
    analysis = ObjectAnalysis(object_model([NOBODY]), maker(), AnalysisSettings())
    detector = analysis._model.detector
    assert isinstance(detector, FakeDetector)
    changes: list[Change] = []

    def car(x: float, misses: float) -> list[Found]:
        tremble = rng.normal(0, 0.6, 4)
        box = (x + tremble[0], 20 + tremble[1], x + 40 + tremble[2], 50 + tremble[3])
        return [] if rng.random() < misses else [("car", float(rng.uniform(0.55, 0.85)), box)]

    def look(second: float, found: list[Found], motion: Sequence[PixelBox]) -> None:
        detector._script = [seen(*found)]
        changes.extend(analysis.update(frame(second, motion)))

    for step in range(25):  # it comes
        x = 50 - 2.0 * (24 - step)
        look(step / 5, car(x, 0.0), (PixelBox(max(int(x), 0), 15, int(x) + 45, 55),))
    for second in range(30, 86_400, 30):
        night = 22 * 3600 - 43_200 < second < 30 * 3600 - 43_200
        flutter = (PixelBox(0, 0, 12, 12),) if rng.random() < 0.3 else ()
        look(second, car(50, 0.97 if night else 0.15), flutter)
        if second % 7200 == 0:
            for step in range(30):  # somebody crosses before it
                x = 2.5 * step
                box = (x, 10.0, x + 20.0, 58.0)
                somebody: list[Found] = [("person", 0.8, box)]
                motion = (PixelBox(int(x), 10, int(x) + 20, 58),)
                look(second + 0.2 * (step + 1), [*car(50, 0.5), *somebody], motion)
    kinds = [str(event.kind) for event in raised(changes)]
    assert kinds.count("vehicle") == 1
    assert kinds.count("person") == 86_399 // 7200
    assert set(kinds) == {"vehicle", "person"}
