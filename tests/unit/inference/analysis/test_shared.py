from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.ids import EventId
from smartcam.contract.times import MonotonicNs
from smartcam.inference.analysis.shared import SharedKnowledge, meet
from smartcam.inference.events import Oddness, OpenEpisode, Trigger
from tests import strategies
from tests.fakes.clock import SOME_DAY
from tests.unit.inference.stage import maker

REGION = NormalBox(0.5, 0.25, 0.75, 0.75)
boxes = st.none() | strategies.normal_boxes()


def unusual(box: NormalBox | None = REGION) -> OpenEpisode:
    sight = Trigger(EventKind.ANOMALY, 0.7, 0.6, box, "nowhere")
    return maker().raised(sight, SOME_DAY, MonotonicNs(0))[0]


def test_what_is_unusual_is_named_once_by_whoever_is_there() -> None:
    shared = SharedKnowledge(unusual=unusual())
    assert shared.name(Trigger(EventKind.PERSON, 0.9, 0.6, NormalBox(0.0, 0.0, 0.2, 0.5))) is None
    sight = Trigger(EventKind.PERSON, 0.9, 0.6, NormalBox(0.55, 0.3, 0.7, 0.9))
    named = shared.name(sight)
    assert named is not None
    assert shared.noted(named.event.event_id) == (0.7, "nowhere")
    assert shared.name(sight) is None


@given(boxes, boxes)
def test_two_boxes_meet_each_other_and_the_whole_picture(one: NormalBox | None, other: NormalBox | None) -> None:
    assert meet(one, other) == meet(other, one)
    assert meet(one, None)


def test_boxes_that_only_touch_are_two_things() -> None:
    assert not meet(REGION, NormalBox(0.75, 0.25, 1.0, 0.75))
    assert not meet(REGION, NormalBox(0.70, 0.25, 1.0, 0.75))


@given(st.lists(st.tuples(st.integers(0, 200), st.floats(0, 1)), max_size=300))
def test_the_highest_score_counts_and_what_is_remembered_stays_bounded(noted: list[tuple[int, float]]) -> None:
    shared = SharedKnowledge()
    for number, score in noted:
        shared.note(EventId(f"e{number}"), Oddness(score, None))
    assert len(shared._noted) <= 64
    if noted:
        odd = shared.noted(EventId(f"e{noted[-1][0]}"))
        assert odd is not None
        assert odd.score >= noted[-1][1]
    assert shared.noted(EventId("unknown")) is None


def test_the_first_reason_stays_that_of_an_event() -> None:
    shared, event = SharedKnowledge(), EventId("e")
    for odd in (Oddness(0.6, "nowhere"), Oddness(0.9, "fast"), Oddness(0.7, "looks")):
        shared.note(event, odd)
    assert shared.noted(event) == (0.9, "nowhere")


def test_what_is_unusual_now_is_so_where_it_is() -> None:
    odd = Oddness(0.6, "nowhere")
    shared = SharedKnowledge(odd=(REGION, odd))
    assert shared.odd_now(None) == shared.odd_now(REGION) == odd
    assert shared.odd_now(NormalBox(0.0, 0.0, 0.2, 0.5)) is None
    assert SharedKnowledge().odd_now(None) is None
