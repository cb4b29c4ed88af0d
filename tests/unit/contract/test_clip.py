import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.clip import (
    MOST_WAITING,
    ClipHeard,
    ClipKept,
    ClipRequest,
    ClipWorth,
    decode_clip_message,
    encode_clip_message,
)
from smartcam.contract.errors import ContractError
from smartcam.contract.event import ClipPart, Event, Phase
from smartcam.contract.ids import CameraId, EventId
from smartcam.contract.times import MonotonicNs
from smartcam.contract.wanted import MOST_VERDICTS
from smartcam.edge.bus.port import fits
from tests import strategies
from tests.clip_events import YARD, event_id, event_of

TIMES = st.integers(0, 2**63 - 1)
RECORD = replace(event_of(1), phase=Phase.RECORDED, clips=(ClipPart(1, 5, "0" * 64),), revision=1)


@given(strategies.events(), TIMES, TIMES)
def test_a_message_comes_out_as_it_went_in_and_every_nucleus_carries_it(event: Event, one: int, other: int) -> None:
    first, last = sorted((one, other))
    is_record = event.phase is Phase.RECORDED
    message = ClipKept(event) if is_record else ClipRequest(event, MonotonicNs(first), MonotonicNs(last))
    assert decode_clip_message(encode_clip_message(message)) == message
    assert fits(encode_clip_message(message))
    heard = ClipHeard(event.camera_id, event.event_id, event.revision)
    assert decode_clip_message(encode_clip_message(heard)) == heard


@given(
    strategies.camera_ids,
    st.lists(strategies.event_ids(), max_size=MOST_VERDICTS).map(tuple),
    st.lists(strategies.event_ids(), max_size=MOST_WAITING).map(tuple),
)
def test_what_clips_are_worth_comes_out_as_it_went_in(
    camera: CameraId, false: tuple[EventId, ...], waiting: tuple[EventId, ...]
) -> None:
    worth = ClipWorth(camera, false, waiting)
    assert decode_clip_message(encode_clip_message(worth)) == worth


def test_as_many_events_as_can_be_weighed_fit_every_nucleus() -> None:
    waiting = tuple(event_id(number) for number in range(MOST_WAITING))
    payload = encode_clip_message(ClipWorth(CameraId("c" * 64), waiting[:MOST_VERDICTS], waiting))
    assert fits(payload)
    for name in ("false", "waiting"):
        with pytest.raises(ContractError, match=name):
            decode_clip_message(payload.replace(f'"{name}":['.encode(), f'"{name}":["../x",'.encode(), 1))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (b'"type":"clip"->"type":"notice"', "type"),
        (b'"yard"->"../x"', "camera_id"),
        (event_id(1).encode() + b"->x", "event_id"),
        (b'"from_mono_ns":5->"from_mono_ns":7', "to_mono_ns"),
        (b'"to_mono_ns":6->"to_mono_ns":-6', "to_mono_ns"),
        (b'"to_mono_ns":6->"to_mono_ns":1e99', "to_mono_ns"),
        (b'"from_mono_ns":5->"from_mono_ns":"5"', "from_mono_ns"),
        (b'"event":{->"event":5,"other":{', "event"),
    ],
)
def test_a_wrong_field_is_named(change: bytes, field: str) -> None:
    payload = encode_clip_message(ClipRequest(event_of(1), MonotonicNs(5), MonotonicNs(6)))
    old, new = change.split(b"->")
    assert old in payload
    with pytest.raises(ContractError) as caught:
        decode_clip_message(payload.replace(old, new))
    assert caught.value.field == field


def test_a_request_is_about_what_happens_and_a_record_about_what_was_filmed() -> None:
    request = encode_clip_message(ClipRequest(event_of(1), MonotonicNs(5), MonotonicNs(6)))
    record = encode_clip_message(ClipKept(RECORD))
    for wrong in (
        request.replace(b'"type":"clip"', b'"type":"kept"'),
        record.replace(b'"kept"', b'"clip","from_mono_ns":1,"to_mono_ns":2'),
    ):
        with pytest.raises(ContractError) as caught:
            decode_clip_message(wrong)
        assert caught.value.field in {"event.phase", "type"}


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"{", b"\xff", b'{"type":"clip"}', b'{"type":"heard"}', b'{"type":"kept"}']
)
def test_what_is_no_message_is_refused(payload: bytes) -> None:
    with pytest.raises(ContractError):
        decode_clip_message(payload)


def test_a_record_holds_clips_and_nothing_else_does() -> None:
    with pytest.raises(ContractError, match="clips"):
        replace(event_of(1), phase=Phase.RECORDED)
    with pytest.raises(ContractError, match="clips"):
        replace(RECORD, phase=Phase.RAISED)
    assert RECORD.camera_id == YARD


@pytest.mark.parametrize(
    "clips",
    [
        b"5",
        b"[5]",
        b"[{}]",
        b'[{"part":0,"bytes":5,"sha256":"%s"}]' % (b"0" * 64),
        b'[{"part":1,"bytes":5,"sha256":"XY"}]',
        b"[" + b",".join([b"{}"] * 17) + b"]",
        b'[{"part":1,"bytes":0,"sha256":"%s"}]' % (b"0" * 64),
    ],
)
def test_clips_that_are_none_are_refused(clips: bytes) -> None:
    document = RECORD.to_json()
    good = document[document.index(b'"clips":') + 8 : document.rindex(b"]") + 1]
    with pytest.raises(ContractError, match="clips"):
        Event.from_json(document.replace(good, clips))


def test_an_event_that_no_message_could_carry_is_refused_where_it_comes_in() -> None:
    message = ClipRequest(replace(event_of(1), more={"note": "x" * 8000}), MonotonicNs(5), MonotonicNs(6))
    document = {"type": "clip", "from_mono_ns": message.from_mono, "to_mono_ns": message.to_mono}
    event = {**json.loads(event_of(1).to_json()), **message.event.more}
    with pytest.raises(ContractError, match="at most 4096 are allowed") as caught:
        decode_clip_message(json.dumps({**document, "event": event}))
    assert caught.value.field == "event"
