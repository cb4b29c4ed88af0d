import re

from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.contract.ids import CameraId, ThingName
from smartcam.homeassistant.topics import HomeTopics
from tests.fakes.bus import topic_matches

NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,5}", fullmatch=True)
THINGS = st.from_regex(r"[A-Za-z0-9:_-]{1,5}", fullmatch=True).map(ThingName)
PLACES = st.none() | NAMES.map(CameraId)


def topics(thing: ThingName) -> HomeTopics:
    return HomeTopics(thing, "smartcam", "homeassistant")


@settings(max_examples=30)
@given(THINGS, PLACES, THINGS, PLACES)
def test_no_two_cameras_or_devices_have_the_same_identity(
    thing: ThingName, place: CameraId | None, other: ThingName, elsewhere: CameraId | None
) -> None:
    one, two = topics(thing).identity(place), topics(other).identity(elsewhere)
    assert (one == two) == ((thing, place) == (other, elsewhere))
    assert re.fullmatch(r"[a-zA-Z0-9_]+", one), "what Home Assistant takes in a topic"


@settings(max_examples=30)
@given(THINGS, PLACES)
def test_each_command_has_a_filter_and_no_state_has_one(thing: ThingName, place: CameraId | None) -> None:
    mine = topics(thing)
    assert any(topic_matches(each, mine.command(place)) for each in mine.commands())
    for state in (mine.armed(place), mine.status(), mine.of(place, "person"), mine.config(place)):
        assert not any(topic_matches(each, state) for each in mine.commands())


def test_cameras_that_are_named_like_a_topic_of_the_device_have_their_own() -> None:
    mine = topics(ThingName("pi"))
    named = [mine.of(camera, "armed") for camera in (None, *map(CameraId, ("armed", "status", "set", "camera")))]
    assert len({*named, mine.status()}) == len(named) + 1
