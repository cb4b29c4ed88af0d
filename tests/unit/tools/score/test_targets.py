import pytest

from smartcam.contract.event import EventKind
from smartcam.vision.corners import Corners
from tools.score.intervals import Interval
from tools.score.objects import Keyframe, Sight
from tools.score.targets import FrameTimes, SeenEvent, Target, nearness, span_of

TIMES = FrameTimes([frame / 10 for frame in range(100)], 10.0)
HERE: Corners = (0.4, 0.4, 0.6, 0.6)


@pytest.mark.parametrize(
    ("other", "is_near"),
    [
        (HERE, True),
        ((0.52, 0.4, 0.72, 0.6), True),  # a quarter of what both cover is shared
        ((0.55, 0.4, 0.75, 0.6), False),  # a seventh
        ((0.6, 0.4, 0.8, 0.6), False),
        ((0.45, 0.42, 0.53, 0.5), True),  # a sixth of it, within it
        ((0.45, 0.42, 0.5, 0.47), False),  # a sixteenth of it, within it
        ((0.36, 0.42, 0.44, 0.5), False),  # of that size, but less than half within it
        ((0.3, 0.3, 0.7, 0.7), True),
        ((0.0, 0.0, 1.0, 1.0), False),
    ],
)
def test_near_is_what_overlaps_or_is_a_part_of_it(other: Corners, is_near: bool) -> None:  # noqa: FBT001
    assert (nearness(HERE, other) > 0) == is_near
    assert nearness(HERE, other) == nearness(other, HERE)


def test_the_place_of_a_fast_object_is_that_within_a_look_and_no_longer() -> None:
    # It crosses the picture in one second: 0.16 of it in a look, and it is 0.1 wide.
    interval = Interval("vehicle", 20, 30)
    boxes = (Keyframe(20, (0.0, 0.4, 0.1, 0.5)), Keyframe(30, (0.8, 0.4, 0.9, 0.5)))
    car = Target("car", "vehicle", ((span_of(interval, TIMES), Sight(interval, boxes)),), TIMES)

    def is_fit(at_s: float, x: float) -> bool:
        box = (x, 0.4, x + 0.1, 0.5)
        return car.fit(SeenEvent(EventKind.VEHICLE, at_s, None, 0.7, box=box)) is not None

    assert is_fit(2.5, 0.4)
    assert is_fit(2.5, 0.26)
    assert is_fit(2.5, 0.54)
    assert not is_fit(2.5, 0.12)
    assert not is_fit(2.5, 0.66)


def test_a_moment_between_two_frames_is_between_their_numbers() -> None:
    uneven = FrameTimes([0.0, 0.1, 3.1, 3.2], 3.3)
    assert uneven.frame_at(0.05) == pytest.approx(0.5)
    assert uneven.frame_at(1.6) == pytest.approx(1.5)
    assert uneven.frame_at(3.2) == pytest.approx(3.0)
    assert uneven.frame_at(-1.0) == 0.0
    assert uneven.frame_at(9.0) == 4.0
    assert FrameTimes([], 0.0).frame_at(1.0) >= 0


def test_an_object_is_told_by_its_whole_time_and_how_often_it_was_in_sight() -> None:
    sights = [Sight(Interval("person", first, last)) for first, last in ((0, 9), (20, 29), (40, 44))]
    spans = tuple((span_of(sight.interval, TIMES), sight) for sight in sights)
    assert str(Target("ann", "person", spans, TIMES)) == "person in frames 0 to 44, 3 times in sight (ann)"
    assert str(Target("", "person", spans[:1], TIMES)) == "person in frames 0 to 9"
