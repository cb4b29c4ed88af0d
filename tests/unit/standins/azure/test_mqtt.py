"""Packets of MQTT: what was written is read again, and whatever comes instead ends in one error."""

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standins.azure.mqtt import (
    MqttError,
    MqttKind,
    MqttPacket,
    Publish,
    connect_of,
    filters_of,
    publish_of,
    read_packet,
)


def read(content: bytes) -> MqttPacket:
    async def reading() -> MqttPacket:
        reader = asyncio.StreamReader()
        reader.feed_data(content)
        reader.feed_eof()
        return await read_packet(reader)

    return asyncio.run(reading())


@given(st.sampled_from(list(MqttKind)), st.integers(0, 15), st.integers(0, 20_000))
def test_a_packet_is_read_as_it_was_written(kind: MqttKind, flags: int, size: int) -> None:
    packet = MqttPacket(kind, flags, bytes(size))
    assert read(packet.encode()) == packet


@given(st.text(max_size=30), st.binary(max_size=40), st.integers(1, 0xFFFF))
def test_a_message_is_read_as_it_was_written(topic: str, payload: bytes, number: int) -> None:
    message = Publish(topic, payload, 1, number)
    assert publish_of(read(message.encode())) == message


@given(st.binary(max_size=60))
def test_whatever_comes_ends_in_an_error_that_closes_the_connection(content: bytes) -> None:
    with contextlib.suppress(MqttError, EOFError):
        packet = read(content)
        for understand in (connect_of, publish_of, filters_of):
            with contextlib.suppress(MqttError):
                understand(packet)


@pytest.mark.parametrize("content", [b"\x30\xff\xff\xff\xff\x01", b"\x30\xff\xff\xff\x7f", b"\x00\x00"])
def test_a_length_that_nobody_may_send_is_refused_before_it_is_read(content: bytes) -> None:
    with pytest.raises(MqttError):
        read(content)


def test_quality_of_service_2_is_refused_as_iot_hub_does() -> None:
    with pytest.raises(MqttError, match="QoS 2"):
        publish_of(MqttPacket(MqttKind.PUBLISH, 2 << 1, b"\x00\x01a\x00\x01"))
