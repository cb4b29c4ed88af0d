import uuid

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from smartcam.contract.errors import ContractError
from smartcam.contract.ids import CameraId, ThingName, camera_id, event_id, new_event_id, thing_name
from smartcam.contract.times import NS_PER_MS, UtcNs, format_utc, parse_utc
from smartcam.contract.topics import (
    ack_topic,
    event_topic,
    frames_topic,
    health_topic,
)
from tests.strategies import utc_ms

random_bytes = st.binary(min_size=10, max_size=10)


@given(utc_ms, random_bytes)
def test_an_event_id_is_a_uuid_of_version_seven(now: UtcNs, random: bytes) -> None:
    made = uuid.UUID(event_id(new_event_id(now, random)))
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == now // NS_PER_MS


@given(utc_ms, utc_ms, random_bytes, random_bytes)
def test_event_ids_sort_by_time(first: UtcNs, second: UtcNs, one: bytes, other: bytes) -> None:
    assume(first < second)
    assert new_event_id(first, one) < new_event_id(second, other)


@pytest.mark.parametrize(("now", "random"), [(-1, bytes(10)), (0, bytes(9)), (0, bytes(11))])
def test_an_event_id_takes_ten_random_bytes_and_a_time_from_1970_on(now: int, random: bytes) -> None:
    with pytest.raises(ValueError, match="ten random bytes"):
        new_event_id(UtcNs(now), random)


@given(utc_ms)
def test_a_time_that_is_written_can_be_read(at: UtcNs) -> None:
    assert parse_utc(format_utc(at), "at") == at


@given(st.text(max_size=30))
def test_any_other_time_is_refused(text: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse_utc(text, "started_at")
    assert caught.value.field == "started_at"


@pytest.mark.parametrize(
    "text",
    [
        f"{day}T{time}.000Z"
        for day, time in [
            ("2026-02-30", "12:00:00"),
            ("2025-02-29", "12:00:00"),
            ("2026-13-01", "12:00:00"),
            ("2026-00-01", "12:00:00"),
            ("0000-01-01", "12:00:00"),
            ("2026-01-01", "24:00:00"),
            ("2026-01-01", "12:60:00"),
            ("2026-01-01", "23:59:60"),
        ]
    ],
)
def test_a_time_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse_utc(text, "started_at")
    assert caught.value.field == "started_at"


@pytest.mark.parametrize("text", ["", "a b", "a/b", "ä", "x" * 65, "a+", "..", "a\n"])
def test_a_camera_id_that_could_break_a_path_or_a_topic_is_refused(text: str) -> None:
    with pytest.raises(ContractError, match="camera_id"):
        camera_id(text)


@pytest.mark.parametrize("text", ["", "a b", "a/b", "+", "#", "x" * 129, "a\n"])
def test_a_thing_name_that_aws_would_refuse_is_refused(text: str) -> None:
    with pytest.raises(ContractError, match="thing"):
        thing_name(text)


def test_the_device_topics_are_what_the_recipes_allow() -> None:
    thing = ThingName("porch")
    assert frames_topic(CameraId("door")) == "smartcam/frames/door"
    assert event_topic(thing, CameraId("door")) == "smartcam/v1/porch/door/event"
    assert health_topic(thing) == "smartcam/v1/porch/health"
    assert ack_topic(thing) == "smartcam/v1/porch/ack"
