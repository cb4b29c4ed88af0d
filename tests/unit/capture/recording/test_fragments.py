"""What can be played of a file that broke off."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.capture.recording.fragments import playable_bytes
from smartcam.edge.muxing import ClipWriter
from tests.encoded import encoded, played, video_packets


class _Written(io.BytesIO):
    def seekable(self) -> bool:
        return False


def clip() -> bytes:
    packets = video_packets(encoded(24))
    file = _Written()
    writer = ClipWriter(file, packets[0], "", "")
    for packet in packets[1:]:
        writer.write(packet)
    writer.close()
    return file.getvalue()


WHOLE = clip()


def test_a_whole_clip_is_playable_to_its_end() -> None:
    assert playable_bytes(io.BytesIO(WHOLE)) == len(WHOLE)


@given(st.integers(0, len(WHOLE)))
def test_wherever_it_breaks_off_what_is_left_plays_without_a_fault(at: int) -> None:
    size = playable_bytes(io.BytesIO(WHOLE[:at]))
    assert size <= at
    if size:
        shown = played(WHOLE[:size])
        assert shown.numbers == list(range(len(shown.numbers)))
    assert len(WHOLE) - size < 8000 or at < len(WHOLE) - 1000


@pytest.mark.parametrize("junk", [b"", b"\0" * 100, b"\0\0\0\1mdat", b"\0\0\0\1mdat" + b"\xff" * 8, b"\0\0\0\x04free"])
def test_what_is_no_clip_has_nothing_to_play(junk: bytes) -> None:
    assert playable_bytes(io.BytesIO(junk)) == 0
    assert playable_bytes(io.BytesIO(WHOLE + junk)) in {len(WHOLE), len(WHOLE) + len(junk)}


@given(st.binary(max_size=300))
def test_no_bytes_are_read_for_ever(junk: bytes) -> None:
    assert 0 <= playable_bytes(io.BytesIO(junk)) <= len(junk)
