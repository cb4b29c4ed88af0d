"""What is said here and what the cloud says: the newest of the two counts, whichever way the words come."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import ContractError
from smartcam.contract.ids import CameraId, EventId, new_event_id
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs
from smartcam.contract.wanted import MOST_WISHES, NOTHING_WANTED, Arming, Verdict, Wanted
from smartcam.inference.said_here import MOST_VERDICTS_KEPT, NOTHING_SAID, EventVerdict, SaidHere
from tests.fakes.clock import SOME_DAY
from tests.strategies import camera_ids, event_ids, utc_ms

GATE, YARD = CameraId("gate"), CameraId("yard")


def at(seconds: float) -> UtcNs:
    return UtcNs(SOME_DAY + round(seconds * NS_PER_S))


def event(number: int) -> EventId:
    return new_event_id(at(number), bytes(10))


places = st.none() | st.sampled_from([GATE, YARD])
steps = st.lists(st.tuples(st.booleans(), places, st.booleans()), min_size=1, max_size=10)
verdict_steps = st.lists(
    st.tuples(st.booleans(), st.integers(0, 2), st.none() | st.booleans()), min_size=1, max_size=12
)
heard_of = st.builds(EventVerdict, st.none() | st.booleans(), st.none() | st.booleans())
armings = st.tuples(st.none() | camera_ids, st.booleans(), st.none() | utc_ms, st.none() | utc_ms)


@given(steps, st.booleans())
def test_of_all_that_was_ever_said_of_a_camera_or_its_device_the_newest_counts(
    said: list[tuple[bool, CameraId | None, bool]],
    by_the_clock: bool,  # noqa: FBT001  drawn
) -> None:
    cloud, here = NOTHING_WANTED, NOTHING_SAID
    for number, (is_here, place, armed) in enumerate(said):
        wish = Arming(armed, at=at(number) if by_the_clock else None)
        if is_here:
            here = here.arming(place, wish, cloud, at(number))
        else:
            news = cloud.wishing(place, wish, after=cloud.revision + 1)  # said again is said anew
            here, cloud = here.after_hearing(news), news
    here = SaidHere.from_json(here.to_json())
    for camera in (GATE, YARD):
        newest = [armed for _, place, armed in said if place in {None, camera}]
        both = here.over(cloud)
        assert both.armed(camera, configured=True) == (newest[-1] if newest else True)
        assert both.revision == cloud.revision


@given(verdict_steps)
def test_of_all_verdicts_on_an_event_the_newest_counts_and_none_takes_it_back(
    said: list[tuple[bool, int, bool | None]],
) -> None:
    cloud, here, newest = dict[EventId, bool | None](), NOTHING_SAID, dict[EventId, bool | None]()
    for is_here, number, true in said:
        if is_here:
            here = here.judging(event(number), true=true)
            assert here.judging(event(number), true=true) is here
        elif cloud.get(event(number)) is true:
            continue  # the cloud cannot be seen to say the same again
        else:
            cloud[event(number)] = true
            given = () if true is None else (Verdict(event(number), true),)
            undone = (event(number),) if true is None else ()
            here = here.after_hearing(replace(NOTHING_WANTED, verdicts=given, undone=undone))
        newest[event(number)] = true
        here = here.after_hearing(told_again(cloud, number))
    both = SaidHere.from_json(here.to_json()).over(NOTHING_WANTED).verdicts
    assert {one.event_id: one.true for one in both} == {name: true for name, true in newest.items() if true is not None}
    assert len({one.event_id for one in both}) == len(both)


def told_again(cloud: Mapping[EventId, bool | None], but: int) -> Wanted:
    """Some of what the cloud has said before, as it comes with any answer."""
    told = list(cloud.items())[but:]
    verdicts = tuple(Verdict(name, true) for name, true in told if true is not None)
    return replace(NOTHING_WANTED, verdicts=verdicts, undone=tuple(name for name, true in told if true is None))


def test_a_wish_of_the_cloud_that_was_said_before_and_comes_later_does_not_count_unless_a_clock_was_wrong() -> None:
    early = NOTHING_WANTED.wishing(GATE, Arming(armed=True, at=at(10)))
    late = NOTHING_WANTED.wishing(GATE, Arming(armed=True, at=at(30)))
    untold = NOTHING_WANTED.wishing(GATE, Arming(armed=True))
    for when, news, armed in (
        (at(20), early, False),
        (at(20), late, True),
        (at(20), untold, True),
        (None, early, True),
    ):
        here = NOTHING_SAID.arming(None, Arming(armed=False, at=when), NOTHING_WANTED, at(20))
        here = here.after_hearing(news)
        assert here.over(news).armed(GATE, configured=True) is armed
        newest = news.wishing(None, Arming(armed=True, at=at(40)))
        assert here.after_hearing(newest).over(newest).armed(GATE, configured=True)


def test_when_the_newest_ends_the_other_one_counts_if_it_still_lasts() -> None:
    cloud = NOTHING_WANTED.wishing(None, Arming(armed=False, until=at(100)))
    here = NOTHING_SAID.arming(GATE, Arming(armed=True, until=at(50)), cloud, at(0))

    def armed(now: UtcNs, camera: CameraId = GATE) -> bool:
        return here.left(now).over(cloud.at(now)).armed(camera, configured=True)

    assert (armed(at(49)), armed(at(50)), armed(at(100))) == (True, False, True)
    assert (armed(at(49), YARD), armed(at(100), YARD)) == (False, True)
    assert here.over(cloud).arming(GATE) == Arming(armed=True, until=at(50), revision=2)


def test_the_same_again_changes_nothing_and_what_ends_in_the_past_is_refused() -> None:
    wish = Arming(armed=False, until=at(60), at=at(0))
    here = NOTHING_SAID.arming(GATE, wish, NOTHING_WANTED, at(0))
    assert here.arming(GATE, replace(wish, at=at(5)), NOTHING_WANTED, at(5)) is here
    assert here.arming(GATE, wish, NOTHING_WANTED.renewed(), at(5)) is not here
    with pytest.raises(ContractError, match="until: must be later than now, "):
        here.arming(GATE, wish, NOTHING_WANTED, at(60))


def test_wishes_and_verdicts_are_bounded_and_one_for_the_whole_device_makes_room() -> None:
    here = NOTHING_SAID
    for number in range(MOST_WISHES + 1):
        here = here.arming(CameraId(f"c{number}"), Arming(armed=False), NOTHING_WANTED, at(0))
    with pytest.raises(ContractError, match="at most 32 can have wishes; arm or disarm the whole device"):
        here.arming(GATE, Arming(armed=False), NOTHING_WANTED, at(0))
    assert set(here.arming(None, Arming(armed=True), NOTHING_WANTED, at(0)).armings) == {None}
    for number in range(MOST_VERDICTS_KEPT + 9):
        here = here.judging(event(number), true=False)
    assert list(here.verdicts) == [event(number) for number in range(9, MOST_VERDICTS_KEPT + 9)]


@given(st.lists(armings, max_size=4), st.dictionaries(event_ids(), heard_of, max_size=4))
def test_it_comes_back_from_the_disk(
    wishes: list[tuple[CameraId | None, bool, UtcNs | None, UtcNs | None]], verdicts: dict[EventId, EventVerdict]
) -> None:
    here = SaidHere(verdicts=verdicts)
    for place, armed, until, said_at in wishes:
        later = None if until is None else UtcNs(until + NS_PER_MS)
        here = here.arming(place, Arming(armed, later, at=said_at), NOTHING_WANTED, UtcNs(0))
    assert SaidHere.from_json(here.to_json()) == here


@pytest.mark.parametrize(
    "changes",
    [
        {"armings": {"a b": {"armed": True, "turn": 1, "after": 0}}},
        {"armings": {"gate": {"armed": True}}},
        {"armings": 7},
        {"verdicts": {"1": "true"}},
        {"said_at": "noon"},
    ],
)
def test_what_cannot_be_read_from_the_disk_is_one_error(changes: dict[str, object]) -> None:
    with pytest.raises(ContractError):
        SaidHere.from_json(json.dumps(json.loads(NOTHING_SAID.to_json()) | changes).encode())


def test_where_nothing_was_said_here_the_cloud_counts_as_it_is() -> None:
    cloud = Wanted(7, at(0), Arming(armed=False, revision=3), {GATE: Arming(armed=True, revision=7)})
    assert NOTHING_SAID.over(cloud) is cloud
