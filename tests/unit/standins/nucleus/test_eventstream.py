import struct
import zlib
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standins.nucleus.eventstream import (
    LONGEST_VALUE,
    EventStreamError,
    Header,
    HeaderType,
    HeaderValue,
    Packet,
    PacketTooLarge,
    Splitter,
    decode,
    encode,
    int32,
    packet_length,
    string,
)

CONNECT = bytes.fromhex(
    "0000006a00000048cea779270d3a6d6573736167652d7479706504000000040e3a6d6573736167652d666c61677304000000000a3a73"
    "747265616d2d69640400000000083a76657273696f6e070005302e312e307b2261757468546f6b656e223a202254227d3124737d"
)
CONNECT_ACK = bytes.fromhex(
    "0000004700000037374cfe3f0d3a6d6573736167652d7479706504000000050e3a6d6573736167652d666c61677304000000010a3a73"
    "747265616d2d69640400000000e237e27d"
)
CONNECT_PACKET = Packet(
    (int32(":message-type", 4), int32(":message-flags", 0), int32(":stream-id", 0), string(":version", "0.1.0")),
    b'{"authToken": "T"}',
)
CONNECT_ACK_PACKET = Packet((int32(":message-type", 5), int32(":message-flags", 1), int32(":stream-id", 0)))

VALUES: dict[HeaderType, st.SearchStrategy[HeaderValue]] = {
    HeaderType.TRUE: st.just(True),
    HeaderType.FALSE: st.just(False),
    HeaderType.INT8: st.integers(-(2**7), 2**7 - 1),
    HeaderType.INT16: st.integers(-(2**15), 2**15 - 1),
    HeaderType.INT32: st.integers(-(2**31), 2**31 - 1),
    HeaderType.INT64: st.integers(-(2**63), 2**63 - 1),
    HeaderType.BYTES: st.binary(max_size=300),
    HeaderType.STRING: st.text(max_size=100),
    HeaderType.TIMESTAMP: st.integers(-(2**63), 2**63 - 1),
    HeaderType.UUID: st.uuids(),
}
NAMES = st.text(min_size=1, max_size=60)


@st.composite
def headers(draw: st.DrawFn) -> Header:
    kind = draw(st.sampled_from(HeaderType))
    return Header(draw(NAMES), kind, draw(VALUES[kind]))


PACKETS = st.builds(Packet, st.lists(headers(), max_size=5).map(tuple), st.binary(max_size=500))


@pytest.mark.parametrize(("packet", "raw"), [(CONNECT_PACKET, CONNECT), (CONNECT_ACK_PACKET, CONNECT_ACK)])
def test_the_published_test_vectors_match_byte_for_byte(packet: Packet, raw: bytes) -> None:
    assert encode(packet) == raw
    assert decode(raw) == packet


@given(PACKETS)
def test_what_goes_out_comes_back(packet: Packet) -> None:
    assert decode(encode(packet)) == packet


@given(st.lists(PACKETS, max_size=4), st.data())
def test_packets_are_found_however_the_stream_is_cut(packets: list[Packet], draws: st.DataObject) -> None:
    raw = b"".join(encode(packet) for packet in packets)
    cuts = sorted(draws.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    splitter = Splitter()
    found: list[Packet] = []
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        found += splitter.feed(raw[start:end])
    assert found == packets


@given(PACKETS, st.data())
def test_one_wrong_byte_is_always_noticed(packet: Packet, draws: st.DataObject) -> None:
    raw = bytearray(encode(packet))
    place = draws.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= draws.draw(st.integers(1, 255))
    with pytest.raises(EventStreamError):
        decode(bytes(raw))


@given(st.binary(max_size=200))
def test_garbage_gives_the_codecs_own_error_and_no_other(raw: bytes) -> None:
    with pytest.raises(EventStreamError):
        decode(raw)


@given(st.binary(max_size=80))
def test_garbage_headers_behind_right_checksums_give_the_codecs_own_error(section: bytes) -> None:
    try:
        found = decode(packed(section))
    except EventStreamError:
        return
    assert decode(encode(found)) == found


def test_a_wrong_prelude_checksum_is_named() -> None:
    with pytest.raises(EventStreamError, match="prelude's checksum"):
        decode(CONNECT[:8] + b"\0\0\0\0" + CONNECT[12:])


def test_a_wrong_message_checksum_is_named() -> None:
    with pytest.raises(EventStreamError, match="message's checksum"):
        decode(CONNECT[:-1] + b"\0")


def test_a_cut_packet_is_named() -> None:
    with pytest.raises(EventStreamError, match="says 106 bytes, 105 are there"):
        decode(CONNECT[:-1])


def test_headers_longer_than_the_packet_are_refused() -> None:
    start = struct.pack(">II", 20, 5)
    with pytest.raises(EventStreamError, match="cannot hold 5 bytes of headers"):
        packet_length(start + struct.pack(">I", zlib.crc32(start)))


def test_a_packet_over_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(PacketTooLarge, match="94 bytes follow the prelude, at most 93"):
        list(Splitter(93).feed(CONNECT[:12]))
    assert list(Splitter(94).feed(CONNECT)) == [CONNECT_PACKET]


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (string("", "x"), "1 to 255 bytes"),
        (string("n" * 256, "x"), "1 to 255 bytes"),
        (string("n", "x" * (LONGEST_VALUE + 1)), "over 32767"),
        (int32("n", 2**31), "does not fit INT32"),
        (Header("n", HeaderType.UUID, "text"), "is not of type UUID"),
        (Header("n", HeaderType.TRUE, False), "is not of type TRUE"),
    ],
)
def test_a_header_that_cannot_be_encoded_is_named(header: Header, reason: str) -> None:
    with pytest.raises(EventStreamError, match=reason):
        encode(Packet((header,)))


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        (b"\x00", "empty or cut off"),
        (b"\x05na", "empty or cut off"),
        (b"\x01n\x0b", "no header type"),
        (b"\x01n\x04\x00\x00", "cut off"),
        (b"\x01n\x07\x00\x05ab", "cut off"),
        (b"\x01n\x07\x00\x01\xff", "not UTF-8"),
        (b"\x01n\x07\xff\xff" + b"a" * 65535, "over 32767"),
    ],
)
def test_a_malformed_header_is_named(section: bytes, reason: str) -> None:
    with pytest.raises(EventStreamError, match=reason):
        decode(packed(section))


def test_headers_are_found_in_any_case_and_only_by_their_type() -> None:
    packet = Packet((string("Operation", "x"), Header("id", HeaderType.UUID, UUID(int=1))))
    assert packet.text("operation") == "x"
    assert packet.integer("operation") is None
    assert packet.text("id") is None


def packed(section: bytes) -> bytes:
    start = struct.pack(">II", len(section) + 16, len(section))
    body = start + struct.pack(">I", zlib.crc32(start)) + section
    return body + struct.pack(">I", zlib.crc32(body))
