"""What is known of one event, put together from its records."""

import itertools
from dataclasses import replace

import pytest

from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event, EventKind, Phase
from smartcam.edge.history.past import EventChoice, KnownEvent, PastEvent
from smartcam.edge.history.records import SaidOfEvent, document_in
from tests.unit.edge.history.sample import cleared, raised, recorded, the_id


def told(*events: Event) -> KnownEvent:
    known = KnownEvent()
    for event in events:
        line = event.to_json()
        document = document_in(line)
        assert document is not None
        known.tell(document, line)
    return known


MOTION = raised(1, EventKind.MOTION)
NAMED = replace(raised(1, EventKind.PERSON), revision=1)


@pytest.mark.parametrize("order", [*itertools.permutations([MOTION, NAMED, cleared(NAMED), recorded(NAMED, 2)])])
def test_the_newest_state_counts_in_whatever_order_its_records_come(order: tuple[Event, ...]) -> None:
    past = told(*order).past()
    assert (past.event.kind, past.event.phase, past.event.score) == (EventKind.PERSON, Phase.CLEARED, 0.9)
    assert past.clips == recorded(NAMED, 2).clips


def test_an_event_that_goes_on_is_the_last_one_that_was_raised() -> None:
    assert told(MOTION, NAMED).past() == PastEvent(NAMED)


def test_of_two_records_of_what_was_filmed_the_newest_counts() -> None:
    assert len(told(NAMED, recorded(NAMED, 3), recorded(NAMED, 1)).past().clips) == 3


def test_who_was_held_back_stays_held_back_when_it_ends_and_is_not_once_it_has_a_better_name() -> None:
    held = replace(MOTION, held_back="mine 1")
    assert told(held, cleared(MOTION)).past().event.held_back == "mine 1"
    assert told(held, NAMED, cleared(NAMED)).past().event.held_back is None


def test_a_process_that_goes_on_with_an_event_does_not_know_that_it_was_held_back_and_changes_nothing() -> None:
    held = replace(MOTION, held_back="mine 1")
    assert told(held, MOTION, cleared(MOTION)).past().event.held_back == "mine 1"


def test_an_event_of_which_only_the_record_of_its_clips_is_left_is_still_one() -> None:
    past = told(recorded(NAMED)).past()
    assert (past.event.phase, past.event.kind, len(past.clips)) == (Phase.RECORDED, EventKind.PERSON, 1)


def test_a_verdict_alone_is_no_event() -> None:
    known = KnownEvent()
    known.judge(SaidOfEvent(the_id(1), true=False))
    assert not known.is_told
    assert not known.fits(EventChoice())


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ([(True, False)], True),
        ([(False, False), (None, False)], None),
        ([(False, True), (True, False), (False, True)], True),
        ([(False, True), (None, False), (False, True)], None),
        ([(False, True), (True, False), (True, True)], True),
        ([(True, False), (False, True)], False),
        ([(False, True), (True, True)], True),
    ],
)
def test_the_last_word_counts_and_what_the_cloud_repeats_is_none(
    said: list[tuple[bool | None, bool]],
    verdict: bool | None,  # noqa: FBT001
) -> None:
    known = told(NAMED)
    for true, of_cloud in said:
        known.judge(SaidOfEvent(NAMED.event_id, true, of_cloud))
    assert known.past().verdict is verdict


@pytest.mark.parametrize(
    "change", [{"schema": 2}, {"schema": "1"}, {"phase": "dreamt"}, {"revision": -1}, {"score": 2}, {"kind": 5}]
)
def test_a_record_that_this_version_does_not_know_changes_nothing(change: dict[str, object]) -> None:
    known = told(NAMED)
    document = document_in(cleared(NAMED).to_json())
    assert document is not None
    with pytest.raises(ContractError):
        known.tell(dict(document) | change, b"{}")
    assert known.past() == PastEvent(NAMED)


def test_what_is_looked_for_is_camera_kind_zone_and_the_least_score() -> None:
    known = told(replace(NAMED, zone="gate"))
    assert known.fits(EventChoice(NAMED.camera_id, EventKind.PERSON, "gate", 0.75))
    for other in (
        EventChoice(camera=raised(1, camera="street").camera_id),
        EventChoice(kind=EventKind.ANIMAL),
        EventChoice(zone="yard"),
        EventChoice(least_score=0.76),
    ):
        assert not known.fits(other)
