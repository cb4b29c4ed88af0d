"""The journal's bytes."""

import math
import zlib
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.ids import CameraId
from smartcam.edge.journal.blocks import pack_block, unpack_blocks
from smartcam.vision.journal import JournalRow
from tests.strategies import camera_ids, shares

SIDE, SCORE = 1 / 65535, 1 / 255


@st.composite
def boxes(draw: st.DrawFn) -> NormalBox:
    x1, x2, y1, y2 = (draw(st.floats(0, 0.999)) for _ in range(4))
    return NormalBox(min(x1, x2), min(y1, y2), max(x1, x2) + 1e-3, max(y1, y2) + 1e-3)


@st.composite
def rows(draw: st.DrawFn) -> JournalRow:
    return JournalRow(
        camera=draw(camera_ids),
        second=draw(st.integers(0, 2**32 - 1)),
        number=draw(st.integers(0, 2**63)),
        kind=draw(st.sampled_from(EventKind)),
        label=draw(st.text(max_size=30)),
        box=draw(boxes()),
        score=draw(shares),
        is_on=draw(st.booleans()),
        is_sure=draw(st.booleans()),
        is_settled=draw(st.booleans()),
        is_dated=draw(st.booleans()),
    )


def a_row(second: int = 0) -> JournalRow:
    return JournalRow(CameraId("yard"), second, 7, EventKind.PERSON, "person", NormalBox(0, 0.25, 0.5, 1), 0.8)


def exact(row: JournalRow) -> tuple[object, ...]:
    """What of a row is kept to the bit."""
    answers = row.is_on, row.is_sure, row.is_settled, row.is_dated
    return row.camera, row.second, row.number, row.kind, row.label, answers


def numbers(row: JournalRow) -> tuple[float, ...]:
    return row.box.x1, row.box.y1, row.box.x2, row.box.y2


@given(st.lists(rows(), max_size=20))
def test_rows_come_back_as_they_were_and_places_within_less_than_a_pixel(written: list[JournalRow]) -> None:
    read = [row for block in unpack_blocks(pack_block(written)) for row in block]
    assert [exact(row) for row in read] == [exact(row) for row in written]
    for there, here in zip(written, read, strict=True):
        assert all(abs(one - other) <= SIDE for one, other in zip(numbers(there), numbers(here), strict=True))
        assert abs(there.score - here.score) <= SCORE
        assert 0 <= here.box.x1 < here.box.x2 <= 1
        assert 0 <= here.box.y1 < here.box.y2 <= 1


def test_a_box_thinner_than_a_pixel_is_still_a_box_also_at_the_edge() -> None:
    thin = JournalRow(CameraId("y"), 1, 1, EventKind.MOTION, "motion", NormalBox(1 - 1e-9, 0, 1, 1e-9), 1.0)
    ((row,),) = unpack_blocks(pack_block([thin]))
    assert (row.box.x1 < row.box.x2 == 1, 0 == row.box.y1 < row.box.y2) == (True, True)


def test_a_time_before_1970_or_after_2106_is_kept_as_the_nearest_that_can_be() -> None:
    ((early, late),) = unpack_blocks(pack_block([a_row(-5), a_row(2**40)]))
    assert (early.second, late.second) == (0, 2**32 - 1)


def test_a_score_that_is_none_is_kept_as_the_least() -> None:
    ((row,),) = unpack_blocks(pack_block([replace(a_row(), score=math.nan)]))
    assert row.score == 0


@given(st.data())
def test_damage_to_a_block_costs_no_row_of_another_and_is_told(data: st.DataObject) -> None:
    blocks = [pack_block([a_row(number)]) for number in range(5)]
    hurt = data.draw(st.integers(0, 4))
    place = data.draw(st.integers(0, len(blocks[hurt]) - 1))
    how = data.draw(st.sampled_from(["flipped", "cut", "overwritten"]))
    block = bytearray(blocks[hurt])
    if how == "flipped":
        block[place] ^= 1 << data.draw(st.integers(0, 7))
    elif how == "cut":
        del block[place:]
    else:
        block[place:] = data.draw(st.binary(max_size=100))
    content = b"".join([*blocks[:hurt], bytes(block), *blocks[hurt + 1 :]])
    found = list(unpack_blocks(content))
    others = [number for number in range(5) if number != hurt]
    assert [row.second for rows in found for row in rows if row.second != hurt] == others
    assert bytes(block) == blocks[hurt] or not block or [] in found


@given(st.binary(max_size=300))
def test_whatever_else_lies_in_a_file_is_one_damaged_place_and_ends(noise: bytes) -> None:
    found = list(unpack_blocks(noise + b"jrn1" + noise + b"jrn1"))
    assert found == [[]]


def test_a_row_takes_at_most_24_bytes_and_a_block_of_ten_seconds_less_than_half_of_that() -> None:
    stay = [a_row(second) for second in range(1_764_000_000, 1_764_000_010)]
    assert len(pack_block(stay)) < 10 * 24 / 2


def test_a_whole_block_of_somebody_else_is_a_damaged_place_however_it_is_made() -> None:
    for body in (b"[" * 100_000, b"[[]]\n", b"5\n", b"[]\n" + b"x" * 24, b"1" * 5000, b"\xff\n"):
        packed = zlib.compress(body)
        block = b"jrn1" + len(packed).to_bytes(4, "little") + zlib.crc32(packed).to_bytes(4, "little") + packed
        found = list(unpack_blocks(block + pack_block([a_row(1)])))
        assert found[0] == []
        assert [row.second for row in found[-1]] == [1]
