"""What goes out comes back; garbage gives one ContractError that names the field."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.ack import Acknowledgement
from smartcam.contract.errors import ContractError
from smartcam.contract.event import LARGEST_EVENT_BYTES, Event
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import (
    LONGEST_REFUSAL,
    CameraState,
    FrameNotice,
    StatusNotice,
    decode_notice,
    encode_notice,
)
from smartcam.contract.reading import DEEPEST
from smartcam.contract.times import UtcNs
from tests.strategies import (
    acknowledgements,
    events,
    frame_notices,
    hostile_numbers,
    integers,
    status_notices,
    with_a_hostile_number,
)

DECODERS: list[Callable[[bytes], object]] = [Event.from_json, Acknowledgement.from_json, decode_notice]
json_values = st.recursive(
    st.none() | st.booleans() | integers | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=8,
)


@given(frame_notices() | status_notices)
def test_a_notice_that_goes_out_comes_back(notice: FrameNotice | StatusNotice) -> None:
    assert decode_notice(encode_notice(notice)) == notice


@given(frame_notices() | status_notices, integers)
def test_what_capture_of_a_later_version_says_besides_is_passed_over(
    notice: FrameNotice | StatusNotice, value: int
) -> None:
    assert decode_notice(json.dumps(json.loads(encode_notice(notice)) | {"novel": value})) == notice


@given(frame_notices(), st.integers(2**62 + 1, 2**64))
def test_a_time_near_the_end_of_64_bits_is_refused(notice: FrameNotice, at: int) -> None:
    """What comes of it, such as when an event expires, could not be read again."""
    with pytest.raises(ContractError):
        decode_notice(_spoil(json.loads(encode_notice(notice)), "captured_at_ns", at))


def test_an_event_that_nobody_could_read_again_is_not_written() -> None:
    event = Event.from_document(_a_document())
    with pytest.raises(ContractError, match="expires_at: must be a time from 1970 to 2262"):
        replace(event, expires_at=UtcNs(2**63)).to_json()


@given(frame_notices())
def test_a_notice_fits_into_a_kilobyte(notice: FrameNotice) -> None:
    assert len(encode_notice(notice)) < 1024


def test_the_longest_status_notice_of_capture_fits_into_a_kilobyte() -> None:
    longest = StatusNotice(
        camera_id=CameraId("c" * 64),
        state=CameraState.RUNNING,
        reason="r" * 256,
        frames_per_second=1e6 / 3,
        frames_read=2**63 - 1,
        frames_announced=2**63 - 1,
        opened_at=UtcNs(2**63 - 1),
        sent_at=UtcNs(2**63 - 1),
        version="v" * 64,
        release_refused="r" * LONGEST_REFUSAL,
        collects_footage=True,
        clip_key="f" * 64,
    )
    assert decode_notice(encode_notice(longest)) == longest
    assert len(encode_notice(longest)) < 1024


def test_capture_of_an_earlier_version_does_not_say_which_one_it_is() -> None:
    status = StatusNotice(CameraId("yard"), CameraState.RUNNING, "", 1.0, 1, 1, UtcNs(1), UtcNs(1))
    assert b"version" not in encode_notice(status)
    assert b"footage" not in encode_notice(status)
    assert b"clip_key" not in encode_notice(status)
    assert decode_notice(encode_notice(status)) == status


@pytest.mark.parametrize("key", ["f" * 63, "F" * 64, 7])
def test_a_key_that_is_none_is_refused(key: object) -> None:
    status = StatusNotice(CameraId("yard"), CameraState.RUNNING, "", 1.0, 1, 1, UtcNs(1), UtcNs(1))
    with pytest.raises(ContractError, match="clip_key"):
        decode_notice(_spoil(json.loads(encode_notice(status)), "clip_key", key))


@given(events())
def test_an_event_that_goes_out_comes_back(event: Event) -> None:
    assert Event.from_json(event.to_json()) == event


@given(acknowledgements)
def test_an_acknowledgement_that_goes_out_comes_back(acknowledgement: Acknowledgement) -> None:
    assert Acknowledgement.from_json(acknowledgement.to_json()) == acknowledgement


@pytest.mark.parametrize("decode", DECODERS)
@given(payload=st.binary(max_size=64) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_garbage_gives_a_contract_error(decode: Callable[[bytes], object], payload: bytes) -> None:
    with pytest.raises(ContractError) as caught:
        decode(payload)
    assert caught.value.field


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize(
    "payload", [b"[" * 100_000, b'{"schema": NaN}', b"\xff\xfe", b"", b"null", b'{"schema": 1e999}']
)
def test_hostile_json_gives_a_contract_error(decode: Callable[[bytes], object], payload: bytes) -> None:
    with pytest.raises(ContractError):
        decode(payload)


@given(st.data())
def test_a_number_that_nobody_can_reckon_with_is_refused_wherever_it_stands(drawn: st.DataObject) -> None:
    codecs: list[tuple[bytes, Callable[[bytes], object]]] = [
        (drawn.draw(events()).to_json(), Event.from_json),
        (drawn.draw(acknowledgements).to_json(), Acknowledgement.from_json),
        (encode_notice(drawn.draw(frame_notices() | status_notices)), decode_notice),
    ]
    for payload, decode in codecs:
        with pytest.raises(ContractError, match="is not JSON") as caught:
            decode(drawn.draw(with_a_hostile_number(json.loads(payload))))
        assert len(str(caught.value)) < 200


@given(hostile_numbers, st.text("xyz", min_size=1, max_size=5))
def test_whatever_document_a_number_comes_in_it_is_a_contract_error(number: str, key: str) -> None:
    """The same where somebody else has parsed the JSON, as in a function of the cloud."""
    try:
        value = json.loads(number)
    except ValueError:  # Python itself reads no more than 4,300 digits
        value = 10**5000
    for field, wrong in (("score", value), ("age_ms", value), ("box", [0, 0, 1, value]), ("suppressed", value)):
        with pytest.raises(ContractError) as caught:
            Event.from_document(_a_document() | {field: wrong, key: 1})
        assert caught.value.field == field


@given(st.integers(0, 400), st.booleans())
def test_what_is_nested_too_deeply_to_be_written_again_is_not_read(depth: int, is_list: bool) -> None:  # noqa: FBT001
    opening, closing = ("[", "]") if is_list else ('{"a":', "}")
    payload = json.dumps(_a_document())[:-1] + f', "later": {opening * depth}1{closing * depth}}}'
    if depth < DEEPEST:
        assert Event.from_json(Event.from_json(payload).to_json()) == Event.from_json(payload)
    else:
        with pytest.raises(ContractError, match="event: is not JSON"):
            Event.from_json(payload)


@given(st.integers(1, 400))
def test_many_lists_beside_one_another_are_not_deep(count: int) -> None:
    payload = json.dumps(_a_document() | {"later": [[]] * count})
    assert Event.from_json(payload).more == {"later": [[]] * count}


@given(integers)
def test_every_integer_of_64_bits_is_read_and_written_again(number: int) -> None:
    event = Event.from_json(json.dumps(_a_document() | {"later": number}))
    assert Event.from_json(event.to_json()).more == {"later": number}


@pytest.mark.parametrize("year", ["0001", "1969", "2263", "9999"])
def test_a_time_that_does_not_fit_into_64_bits_is_refused(year: str) -> None:
    with pytest.raises(ContractError, match="started_at: must be a time from 1970 to 2262"):
        Event.from_document(_a_document() | {"started_at": f"{year}-12-31T23:59:59.999Z"})


@given(events())
def test_only_utf_8_is_read(event: Event) -> None:
    for encoding in ("utf-16", "utf-32"):
        with pytest.raises(ContractError):
            Event.from_json(event.to_json().decode().encode(encoding))


@pytest.mark.parametrize("value", ["1e999", "-1e999", r'"\ud800"', r'{"\uDFFF": 1}', r'"\ud800\u0041"'])
def test_what_could_not_be_written_again_is_not_read(value: str) -> None:
    payload = json.dumps(_a_document())[:-1] + f', "later": {value}}}'
    with pytest.raises(ContractError, match="event: is not JSON"):
        Event.from_json(payload)


def test_a_whole_surrogate_pair_is_a_character() -> None:
    payload = json.dumps(_a_document() | {"later": "\N{CAT FACE}"})
    assert Event.from_json(Event.from_json(payload).to_json()).more == {"later": "\N{CAT FACE}"}


def _spoil(document: dict[str, object], key: str, value: object) -> bytes:
    return json.dumps(document | {key: value}).encode()


@given(event=events(), key_and_value=st.data())
def test_a_wrong_field_of_an_event_is_named(event: Event, key_and_value: st.DataObject) -> None:
    document = json.loads(event.to_json())
    key = key_and_value.draw(st.sampled_from(sorted(set(document) - set(event.more))))
    wrong = key_and_value.draw(st.sampled_from([{"not": "this"}, [True], "\x00", -1]))
    with pytest.raises(ContractError) as caught:
        Event.from_json(_spoil(document, key, wrong))
    assert caught.value.field.removesuffix("[0]") == key  # of a list whose first item is wrong


@given(notice=frame_notices() | status_notices, key_and_value=st.data())
def test_a_wrong_field_of_a_notice_is_named(notice: FrameNotice | StatusNotice, key_and_value: st.DataObject) -> None:
    document = json.loads(encode_notice(notice))
    key = key_and_value.draw(st.sampled_from(sorted(document)))
    wrong = key_and_value.draw(st.sampled_from([{"not": "this"}, [[0, 0, 0, 0]], "\x00", -1]))
    with pytest.raises(ContractError) as caught:
        decode_notice(_spoil(document, key, wrong))
    assert caught.value.field.split("[")[0] == key


@given(notice=frame_notices())
def test_a_missing_field_of_a_notice_is_named(notice: FrameNotice) -> None:
    for key in json.loads(encode_notice(notice)):
        document = json.loads(encode_notice(notice))
        del document[key]
        with pytest.raises(ContractError) as caught:
            decode_notice(json.dumps(document))
        assert caught.value.field == key


@given(events())
def test_an_unknown_schema_version_is_refused_by_name(event: Event) -> None:
    document = json.loads(event.to_json())
    with pytest.raises(ContractError, match="schema: must be 1"):
        Event.from_json(_spoil(document, "schema", 2))


@given(events(), st.text("xyz", min_size=1, max_size=5), json_values)
def test_fields_of_a_newer_version_are_kept(event: Event, key: str, value: object) -> None:
    plain = json.loads(json.dumps(value).replace("Infinity", "0").replace("NaN", "0").replace("-0", "0"))
    again = Event.from_json(_spoil(json.loads(event.to_json()), key, plain))
    assert again.more[key] == plain


def test_an_event_over_four_kilobytes_is_refused() -> None:
    event = Event.from_document(_a_document() | {"story": "x" * LARGEST_EVENT_BYTES})
    with pytest.raises(ContractError, match="event: has"):
        event.to_json()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"phase": "cleared"}, "ended_at"),
        ({"ended_at": "2026-03-01T12:00:01.000Z"}, "ended_at"),
        ({"phase": "cleared", "ended_at": "2026-03-01T11:00:00.000Z"}, "ended_at"),
        ({"expires_at": "2026-03-01T11:00:00.000Z"}, "expires_at"),
        ({"started_at": "2026-02-30T11:00:00.000Z"}, "started_at"),
        ({"started_at": "yesterday"}, "started_at"),
        ({"box": [0.5, 0.5, 0.5, 0.6]}, "box"),
        ({"box": [0, 0, 1]}, "box"),
        ({"kind": "ghost"}, "kind"),
        ({"camera_id": "../etc"}, "camera_id"),
        ({"event_id": "01890a5d-ac96-474b-bcce-b302099a8057"}, "event_id"),
        ({"score": True}, "score"),
    ],
)
def test_fields_that_contradict_or_break_a_rule_are_named(change: dict[str, object], field: str) -> None:
    with pytest.raises(ContractError) as caught:
        Event.from_document(_a_document() | change)
    assert caught.value.field == field


def _a_document() -> dict[str, object]:
    return {
        "schema": 1,
        "event_id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "thing": "porch",
        "camera_id": "door",
        "kind": "person",
        "phase": "raised",
        "severity": "warning",
        "started_at": "2026-03-01T12:00:00.000Z",
        "expires_at": "2026-03-01T13:00:00.000Z",
        "score": 0.9,
        "threshold": 0.6,
        "clock_synced": True,
    }
