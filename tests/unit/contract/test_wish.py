"""What the console wishes and what is answered: it comes back, garbage ends in one error, and all is bounded."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import ContractError, SettingsError
from smartcam.contract.ids import CameraId, new_event_id
from smartcam.contract.times import UtcNs
from smartcam.contract.topics import ALL_SETTINGS, settings_topic
from smartcam.contract.wish import (
    LARGEST_WISH_BYTES,
    MOST_CURVE_POINTS,
    CurvePoint,
    FilterAsk,
    FilterPreview,
    Holding,
    LocalArming,
    LocalVerdict,
    SettingsAsk,
    SettingsOwner,
    SettingsWish,
    WishAnswer,
    WishError,
    WishMessage,
    decode_wish_message,
    encode_wish_message,
    wish_errors,
)
from smartcam.edge.bus.port import LARGEST_PAYLOAD
from tests.fakes.bus import topic_matches
from tests.strategies import camera_ids, event_ids, utc_ms, with_a_hostile_number, words

YARD = CameraId("yard")
EVENT = new_event_id(UtcNs(10**18), bytes(10))

names = st.sampled_from(["zones", "rules", "Tür", "门", "x" * 64])
leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(-9, 9) | names
tables = st.dictionaries(
    names, leaves | st.lists(leaves, max_size=2) | st.dictionaries(names, leaves, max_size=2), max_size=2
)
shares, rates = st.floats(0, 1), st.floats(0, 1e6)
owners = st.sampled_from(SettingsOwner)
holdings = st.builds(
    Holding,
    revision=words,
    settings=tables,
    besides=tables,
    differs=st.none() | words,
    armed=st.none() | st.booleans(),
    armed_until=st.none() | utc_ms,
    set_aside=tables,
    curve=st.lists(st.builds(CurvePoint, shares, rates, rates, rates), max_size=3).map(tuple),
)
answers = st.builds(
    WishAnswer,
    id=words,
    camera_id=st.none() | camera_ids,
    owner=owners,
    applied=st.booleans(),
    errors=st.lists(st.builds(WishError, names, words), max_size=2).map(tuple),
    holds=st.none() | holdings,
    preview=st.none() | st.builds(FilterPreview, words, words, st.booleans(), *[st.integers(0, 1000)] * 6),
)
messages = (
    st.builds(SettingsWish, words, camera_ids, owners, tables, trial=st.booleans(), revision=st.none() | words)
    | st.builds(SettingsAsk, words, camera_ids)
    | st.builds(FilterAsk, words, st.none() | camera_ids)
    | st.builds(LocalVerdict, words, camera_ids, event_ids(), st.none() | st.booleans())
    | st.builds(LocalArming, words, st.none() | camera_ids, st.booleans(), st.none() | utc_ms)
    | answers
)


def wish(**changes: object) -> bytes:
    known = {"type": "wish", "id": "1", "camera_id": "yard", "owner": "inference", "settings": {}}
    return json.dumps({key: value for key, value in (known | changes).items() if value is not ...}).encode()


def held(**more: object) -> bytes:
    return wish(type="answer", applied=True, holds={"revision": "r", "settings": {}, "besides": {}, **more})


@given(messages)
def test_what_is_said_comes_back(message: WishMessage) -> None:
    assert decode_wish_message(encode_wish_message(message)) == message


@given(st.binary(max_size=64))
def test_any_garbage_gives_a_contract_error(payload: bytes) -> None:
    with pytest.raises(ContractError):
        decode_wish_message(payload)


@given(st.data())
def test_a_number_that_nobody_can_reckon_with_is_refused(drawn: st.DataObject) -> None:
    with pytest.raises(ContractError):
        decode_wish_message(drawn.draw(with_a_hostile_number(json.loads(wish()))))


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        (wish(type="order"), "type"),
        (wish(id=""), "id"),
        (wish(id="x" * 65), "id"),
        (wish(id="a\nb"), "id"),
        (wish(id=7), "id"),
        (wish(camera_id="*"), "camera_id"),
        (wish(camera_id="../x"), "camera_id"),
        (wish(owner="console"), "owner"),
        (wish(settings=[]), "settings"),
        (wish(settings=...), "settings"),
        (wish(trial="perhaps"), "trial"),
        (wish(type="verdict", event_id="1", verdict="true"), "event_id"),
        (wish(type="verdict", event_id=EVENT), "verdict"),
        (wish(type="verdict", event_id=EVENT, verdict=None), "verdict"),
        (wish(type="verdict", event_id=EVENT, verdict="maybe"), "verdict"),
        (wish(type="arming"), "armed"),
        (wish(type="arming", armed="no"), "armed"),
        (wish(type="arming", armed=True, until="noon"), "until"),
        (wish(type="arming", armed=True, camera_id="**"), "camera_id"),
        (wish(type="answer", applied=True, errors=[{"key": "a"}]), "errors[0].words"),
        (wish(type="answer", applied=True, holds={"settings": {}}), "holds.revision"),
        (held(curve=[{"threshold": 2}]), "holds.curve[0].threshold"),
        (held(curve=[{"threshold": 0.5, "a_day": 1, "least": 0}]), "holds.curve[0].most"),
        (held(curve=[{}] * (MOST_CURVE_POINTS + 1)), "holds.curve"),
    ],
)
def test_a_wrong_field_is_named(payload: bytes, field: str) -> None:
    with pytest.raises(ContractError) as caught:
        decode_wish_message(payload)
    assert caught.value.field == field


def test_what_is_too_large_for_a_nucleus_is_refused_on_both_sides() -> None:
    assert LARGEST_WISH_BYTES == LARGEST_PAYLOAD
    with pytest.raises(ContractError, match="at most 7000 fit into a message"):
        encode_wish_message(SettingsWish("1", YARD, SettingsOwner.CAPTURE, {"masks": "x" * LARGEST_WISH_BYTES}))
    with pytest.raises(ContractError, match="at most 7000 are allowed"):
        decode_wish_message(wish(settings={"masks": "x" * LARGEST_WISH_BYTES}))
    with pytest.raises(ContractError, match="is not JSON"):
        decode_wish_message(b'{"type":"wish","id":"1","settings":' + b"[" * 3000 + b"]" * 3000 + b"}")


@given(count=st.integers(0, 30), size=st.integers(0, 9000))
def test_an_answer_is_cut_to_what_one_message_carries_and_says_so(count: int, size: int) -> None:
    errors, holds = (WishError("zones", "门" * 300),) * count, Holding("r", {"zones": "x" * size})
    fitting = WishAnswer("1", YARD, SettingsOwner.CAPTURE, applied=False, errors=errors, holds=holds).fitting()
    assert decode_wish_message(encode_wish_message(fitting)) == fitting == fitting.fitting()
    assert fitting.holds == holds or "more than one message has room for" in fitting.errors[0].words
    assert fitting.errors or not errors


def test_the_whole_curve_fits_beside_ordinary_settings_and_goes_before_anything_else_is_left_out() -> None:
    curve = (CurvePoint(1 / 3, 123.456, 123.456, 123.456),) * MOST_CURVE_POINTS
    aside = {"zones": {"gate": [[0.125, 0.125]]}}
    for size, there in ((4000, curve), (6000, ())):
        holds = Holding("r", {"zones": "x" * size}, set_aside=aside, curve=curve)
        said = WishAnswer("1", YARD, SettingsOwner.INFERENCE, applied=False, holds=holds).fitting()
        assert said.holds == replace(holds, curve=there)


def test_an_answer_from_before_the_curve_has_none() -> None:
    answer = decode_wish_message(held())
    assert isinstance(answer, WishAnswer)
    assert answer.holds == Holding("r")


def test_what_a_reader_refuses_is_said_in_its_words_with_the_key_apart() -> None:
    first = SettingsError("cameras.yard.zones.a\nb", [1], "must be a list of three or more corners")
    first.also = (SettingsError("cameras.yard.rules", "x" * 900, "y" * 900),)
    said = wish_errors(first)
    assert said[0] == WishError("cameras.yard.zones.a?b", "[1]: must be a list of three or more corners")
    assert (said[1].key, len(said[1].words), said[1].words[-3:]) == ("cameras.yard.rules", 300, "...")
    answer = WishAnswer("1", YARD, SettingsOwner.INFERENCE, applied=False, errors=said)
    assert decode_wish_message(encode_wish_message(answer)) == answer


def test_the_whole_device_has_a_topic_that_no_camera_can_have() -> None:
    for camera in (YARD, None, CameraId("all")):
        assert topic_matches(ALL_SETTINGS, settings_topic(camera))
    assert settings_topic(None) not in {settings_topic(YARD), settings_topic(CameraId("all"))}
    assert not set("+#*?") & set(settings_topic(None))
