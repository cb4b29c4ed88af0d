import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import ContractError
from smartcam.contract.ids import CameraId
from smartcam.contract.inline import (
    LARGEST_CHUNK,
    LARGEST_INLINE,
    MOST_CHUNKS,
    Chunk,
    InlineFrame,
    InlineRequest,
    decode_chunk,
    decode_inline_request,
    encode_inline,
    encode_inline_request,
    is_chunk,
    joined,
)
from smartcam.contract.notice import CameraState, FrameNotice, PixelBox, StatusNotice, encode_notice
from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.edge.bus.port import LARGEST_PAYLOAD
from tests.strategies import hostile_numbers, with_a_hostile_number

LONGEST = CameraId("c" * 64)
BOXES = tuple(PixelBox(i, i, 1900 + i, 1900 + i) for i in range(16))


def frame(jpeg: bytes = b"\xff\xd8x", camera: CameraId = LONGEST, boxes: tuple[PixelBox, ...] = BOXES) -> InlineFrame:
    notice = FrameNotice(camera, 2**62, 0, 0, 1920, 1920, UtcNs(2**62), MonotonicNs(2**62 + 1), 2**62, boxes)
    return InlineFrame(notice, jpeg)


@given(st.binary(min_size=1, max_size=20_000))
def test_a_frame_comes_back_whole_from_chunks_that_every_nucleus_carries(jpeg: bytes) -> None:
    payloads = encode_inline(frame(jpeg))
    assert all(len(payload) <= LARGEST_CHUNK == LARGEST_PAYLOAD for payload in payloads)
    assert all(is_chunk(payload) for payload in payloads)
    assert joined([decode_chunk(payload) for payload in payloads]) == frame(jpeg)


def test_the_largest_frame_fits_and_a_larger_one_is_refused() -> None:
    head = len(encode_notice(frame().notice)) + 1
    payloads = encode_inline(frame(b"j" * (LARGEST_INLINE - head)))
    assert len(payloads) == MOST_CHUNKS
    assert max(map(len, payloads)) <= LARGEST_CHUNK
    with pytest.raises(ContractError, match=f"at most {LARGEST_INLINE} bytes"):
        encode_inline(frame(b"j" * (LARGEST_INLINE - head + 1)))


def test_a_small_frame_is_one_message() -> None:
    assert len(encode_inline(frame(b"j" * 5000))) == 1
    assert len(encode_inline(frame(b"j" * 50_000))) == 8


def test_notices_are_no_chunks() -> None:
    status = StatusNotice(LONGEST, CameraState.RUNNING, "", 1.0, 1, 1, UtcNs(1), UtcNs(1))
    assert not is_chunk(encode_notice(frame().notice))
    assert not is_chunk(encode_notice(status))


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        (b'{"type":"chunk","camera_id":"yard","frame":1,"number":0,"count":1}', "chunk"),
        (b'{"type":"chunk","camera_id":"yard","frame":1,"number":0,"count":1}\n', "chunk"),
        (b'{"type":"chunk",\npiece', "chunk"),
        (b'{"type":"chunk","camera_id":"../x","frame":1,"number":0,"count":1}\np', "camera_id"),
        (b'{"type":"chunk","camera_id":"yard","number":0,"count":1}\np', "frame"),
        (b'{"type":"chunk","camera_id":"yard","frame":1,"number":1,"count":1}\np', "number"),
        (b'{"type":"chunk","camera_id":"yard","frame":1,"number":-1,"count":1}\np', "number"),
        (b'{"type":"chunk","camera_id":"yard","frame":1,"number":0,"count":65}\np', "count"),
        (b'{"type":"chunk","camera_id":"yard","frame":1,"number":0,"count":0}\np', "count"),
        (b'{"type":"chunk",' + b"x" * LARGEST_CHUNK, "chunk"),
    ],
)
def test_a_wrong_chunk_is_refused_with_the_field(payload: bytes, field: str) -> None:
    with pytest.raises(ContractError) as caught:
        decode_chunk(payload)
    assert caught.value.field == field


@given(st.binary(max_size=300))
def test_nothing_but_a_contract_error_comes_of_rubbish(rubbish: bytes) -> None:
    for payload in (rubbish, b'{"type":"chunk",' + rubbish, b'{"type":"chunk"}\n' + rubbish):
        with pytest.raises(ContractError):
            decode_chunk(payload)


@pytest.mark.parametrize(
    "piece",
    [b"no notice", encode_notice(frame().notice), encode_notice(frame().notice) + b"\n", b"{}\njpeg"],
)
def test_chunks_that_make_no_frame_are_refused(piece: bytes) -> None:
    with pytest.raises(ContractError):
        joined([Chunk(LONGEST, 1, 0, 1, piece)])


@pytest.mark.parametrize("size", [(1922, 2), (2, 1922), (8192, 8192)])
def test_a_frame_of_more_pixels_than_capture_sends_inline_is_refused_before_it_is_decoded(
    size: tuple[int, int],
) -> None:
    notice = replace(frame(camera=CameraId("gate"), boxes=()).notice, width=size[0], height=size[1])
    with pytest.raises(ContractError, match="frame: must have at most 1920 pixels a side"):
        joined([Chunk(CameraId("gate"), 1, 0, 1, encode_notice(notice) + b"\njpeg")])


def test_a_frame_of_another_camera_than_its_chunks_is_refused() -> None:
    (payload,) = encode_inline(frame(camera=CameraId("gate")))
    with pytest.raises(ContractError, match="must be the same"):
        joined([Chunk(LONGEST, 1, 0, 1, decode_chunk(payload).piece)])


def test_a_request_is_decoded_as_it_was_encoded() -> None:
    request = InlineRequest(CameraId("yard"), "/dev/shm/smartcam-yard is not there")  # noqa: S108  a word in a message
    assert decode_inline_request(encode_inline_request(request)) == request
    assert len(encode_inline_request(InlineRequest(LONGEST, "x" * 5000))) < 1000


@given(hostile_numbers, st.sampled_from(["frame", "number", "count", "of_tomorrow"]))
def test_a_number_that_nobody_can_reckon_with_is_refused(number: str, key: str) -> None:
    header = {"type": '"chunk"', "camera_id": '"yard"', "frame": "1", "number": "0", "count": "1"} | {key: number}
    payload = b"{" + ",".join(f'"{name}":{value}' for name, value in header.items()).encode() + b"}\n"
    with pytest.raises(ContractError, match=r"chunk: is not JSON|at most 7000 bytes"):
        decode_chunk(payload + b"piece")
    with pytest.raises(ContractError, match="notice: is not JSON"):
        joined([Chunk(CameraId("yard"), 1, 0, 1, payload + b"jpeg")])


@given(st.data())
def test_a_request_with_a_number_that_nobody_can_reckon_with_is_refused(drawn: st.DataObject) -> None:
    request = json.loads(encode_inline_request(InlineRequest(CameraId("yard"), "gone")))
    with pytest.raises(ContractError, match="request: is not JSON"):
        decode_inline_request(drawn.draw(with_a_hostile_number(request)))


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"type":"frame","camera_id":"a","reason":"b"}', b"\xff"])
def test_a_wrong_request_is_refused(payload: bytes) -> None:
    with pytest.raises(ContractError):
        decode_inline_request(payload)
