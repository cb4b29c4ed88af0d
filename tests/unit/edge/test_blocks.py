"""Blocks that stand for themselves."""

from hypothesis import given
from hypothesis import strategies as st

from smartcam.edge import blocks

MARK = b"tst1"
bodies = st.lists(st.binary(max_size=60), max_size=6)


def whole(body: bytes) -> bytes:
    return body


@given(bodies)
def test_bodies_come_back_as_they_were_each_with_the_end_of_its_block(written: list[bytes]) -> None:
    content = b"".join(blocks.pack(MARK, body) for body in written)
    found = list(blocks.unpack(content, MARK, whole))
    assert [body for body, _ in found] == written
    ends = [end for _, end in found]
    assert [content[:end] for end in ends] == [
        b"".join(blocks.pack(MARK, body) for body in written[: place + 1]) for place in range(len(written))
    ]


@given(bodies.filter(bool), st.integers(1, 10_000))
def test_whoever_reads_while_a_block_is_being_written_finds_it_the_next_time(written: list[bytes], cut: int) -> None:
    content = b"".join(blocks.pack(MARK, body) for body in written)
    part = content[: cut % len(content)]
    found, end = [], 0
    for body, place in blocks.unpack(part, MARK, whole):
        if body is not None:
            found.append(body)
            end = place
    found += [body for body, _ in blocks.unpack(content[end:], MARK, whole) if body is not None]
    assert found == written


@given(st.binary(max_size=200))
def test_whatever_lies_before_a_block_is_at_most_one_damaged_place(noise: bytes) -> None:
    found = [body for body, _ in blocks.unpack(noise + blocks.pack(MARK, b"whole"), MARK, whole)]
    assert found in ([b"whole"], [None, b"whole"])


def test_a_body_of_which_nothing_can_be_made_is_a_damaged_place() -> None:
    content = blocks.pack(MARK, b"odd") + blocks.pack(MARK, b"whole")
    read = blocks.unpack(content, MARK, lambda body: None if body == b"odd" else body)
    assert [body for body, _ in read] == [None, b"whole"]
