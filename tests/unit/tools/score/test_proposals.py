import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.event import EventKind
from smartcam.contract.notice import PixelBox
from smartcam.model.scoring import Detections
from tools.score.detections import Look
from tools.score.foreign.rows import PictureSize
from tools.score.objects import LabelledObject, labels_entry, read_objects
from tools.score.playback import Playback
from tools.score.proposals import proposed
from tools.score.targets import SeenEvent

SIZE = PictureSize(100, 100)
WHOLE = (PixelBox(0, 0, 100, 100),)
KINDS = {"person": EventKind.PERSON, "car": EventKind.VEHICLE}
STARTS = tuple(number / 5 for number in range(2000))

Found = tuple[str, float, tuple[float, float, float, float]]


def looks(seen: dict[int, list[Found]]) -> dict[Look, Detections]:
    return {
        (number, WHOLE): Detections(
            np.array([box for _, _, box in found], np.float32).reshape(-1, 4),
            np.array([score for _, score, _ in found], np.float32),
            tuple(label for label, _, _ in found),
            WHOLE,
        )
        for number, found in seen.items()
    }


def propose(seen: dict[int, list[Found]], *events: SeenEvent) -> tuple[LabelledObject, ...]:
    return proposed(looks(seen), Playback(0, STARTS, 400.0, events, (), {}), KINDS, SIZE)


def person(x: float, score: float = 0.8) -> Found:
    return "person", score, (x, 20, x + 20, 80)


def times(one: LabelledObject) -> list[tuple[float, float]]:
    return [(sight.interval.first, sight.interval.last) for sight in one.sights]


def test_somebody_who_walks_is_one_object_with_few_boxes() -> None:
    (walker,) = propose({number: [person(number)] for number in range(10, 60)})
    assert (walker.id, walker.kind, times(walker)) == ("person-1", EventKind.PERSON, [(2.0, 11.8)])
    assert 2 <= len(walker.sights[0].boxes) <= 4
    assert walker.sights[0].box_at(6.8) is not None


def test_two_who_walk_apart_are_two_and_labels_that_raise_nothing_are_none() -> None:
    cup: Found = ("cup", 0.9, (40, 40, 60, 60))
    seen = {number: [person(number), person(78 - number / 2), cup] for number in range(10)}
    assert [one.id for one in propose(seen)] == ["person-1", "person-2"]


def test_who_is_found_again_at_the_same_place_is_the_same_stay() -> None:
    seen = {number: [person(40)] for number in (*range(20), *range(120, 140), *range(600, 620))}
    stay, later = propose(seen)
    assert times(stay) == [(0.0, 3.8), (24.0, 27.8)]
    assert times(later) == [(120.0, 123.8)]


def test_what_the_detector_was_never_sure_of_is_proposed_if_it_raised_an_event() -> None:
    seen = {number: [person(40, 0.3)] for number in range(20)}
    assert propose(seen) == ()
    raised = SeenEvent(EventKind.PERSON, 2.0, 5.0, 0.6, box=(0.4, 0.2, 0.6, 0.8))
    assert [times(one) for one in propose(seen, raised)] == [[(0.0, 3.8)]]


def test_an_event_that_no_detection_explains_is_proposed_as_it_is() -> None:
    moved = SeenEvent(EventKind.MOTION, 7.0, 9.0, 0.6, box=(0.1, 0.2, 0.3, 0.4))
    nowhere = SeenEvent(EventKind.TAMPER, 20.0, None, 0.9)
    tamper, motion = sorted(propose({}, moved, nowhere), key=lambda one: one.id, reverse=True)
    assert (motion.id, times(motion), motion.sights[0].boxes[0].box) == ("motion-1", [(7.0, 9.0)], moved.box)
    assert (tamper.id, times(tamper), tamper.sights[0].boxes) == ("tamper-1", [(20.0, 400.0)], ())


boxes = st.tuples(st.integers(0, 80), st.integers(0, 80)).map(lambda b: (b[0], b[1], b[0] + 20.0, b[1] + 20.0))
found = st.lists(st.tuples(st.sampled_from(["person", "car", "cup"]), st.floats(0.25, 1, width=16), boxes), max_size=4)


@given(
    st.dictionaries(st.integers(0, 300), found, max_size=25),
    st.lists(st.tuples(st.sampled_from([EventKind.PERSON, EventKind.MOTION]), st.floats(0, 60), boxes), max_size=3),
)
def test_whatever_was_seen_the_proposal_is_a_file_of_labels_that_can_be_read(
    seen: dict[int, list[Found]], events: list[tuple[EventKind, float, tuple[float, float, float, float]]]
) -> None:
    raised = [
        SeenEvent(kind, at, None, 0.5, box=(x1 / 100, y1 / 100, x2 / 100, y2 / 100))
        for kind, at, (x1, y1, x2, y2) in events
    ]
    made = propose(seen, *raised)
    assert read_objects("a.mp4", labels_entry(made, 5, 2000)["objects"]) == made
