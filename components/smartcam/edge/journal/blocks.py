"""The track journal's bytes: blocks whose body is compressed.

It is a line of JSON with the camera, kind and label of each number that stands for them in the rows, and then rows of
24 bytes, little-endian.
"""

import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.ids import camera_id
from smartcam.edge import blocks
from smartcam.vision.journal import JournalRow

_MARK: Final = b"jrn1"
_ROW: Final = struct.Struct("<IQH4HBB")
"""Second, number, what it is, box, score, and a bit for each answer."""
_LARGEST: Final = 4 << 20
"""Bytes of a body, unpacked: nothing that we have written is larger."""
_LATEST: Final = 2**32 - 1
_SIDE: Final = 2**16 - 1
"""The picture's size in a box; a 65536th of a picture is less than a pixel."""
_SCORE: Final = 2**8 - 1
_ON, _SURE, _SETTLED, _DATED = 1, 2, 4, 8


def pack_block(rows: Sequence[JournalRow]) -> bytes:
    """At most 65,536 rows."""
    subjects = sorted({_subject(row) for row in rows})
    number_of = {subject: number for number, subject in enumerate(subjects)}
    packed = b"".join(_packed(row, number_of[_subject(row)]) for row in rows)
    return blocks.pack(_MARK, zlib.compress(json.dumps(subjects, separators=(",", ":")).encode() + b"\n" + packed))


def unpack_blocks(content: bytes) -> Iterator[list[JournalRow]]:
    """The rows of each block that is as it was written; an empty list for each damaged place between them."""
    return (rows or [] for rows, _ in blocks.unpack(content, _MARK, _rows))


def _rows(body: bytes) -> list[JournalRow] | None:
    try:  # it may be another version's, or nobody's
        return _unpacked(body)
    except (zlib.error, struct.error, ContractError, ValueError, TypeError, IndexError, RecursionError):
        return None


def _subject(row: JournalRow) -> tuple[str, str, str]:
    return row.camera, str(row.kind), row.label


def _packed(row: JournalRow, subject: int) -> bytes:
    x1, y1 = (min(round(side * _SIDE), _SIDE - 1) for side in (row.box.x1, row.box.y1))
    x2, y2 = (max(round(far * _SIDE), near + 1) for far, near in ((row.box.x2, x1), (row.box.y2, y1)))
    answers = _ON * row.is_on | _SURE * row.is_sure | _SETTLED * row.is_settled | _DATED * row.is_dated
    second = min(max(row.second, 0), _LATEST)
    score = min(max(0.0, row.score), 1.0)  # in this order, NaN is 0
    return _ROW.pack(second, row.number, subject, x1, y1, x2, y2, round(score * _SCORE), answers)


def _unpacked(body: bytes) -> list[JournalRow]:
    """Raises one of many errors if a body is none of this version."""
    text, _, rows = zlib.decompressobj().decompress(body, _LARGEST).partition(b"\n")
    subjects = [(camera_id(camera, "camera"), EventKind(kind), str(label)) for camera, kind, label in json.loads(text)]
    return [
        JournalRow(
            subjects[subject][0],
            second,
            number,
            subjects[subject][1],
            subjects[subject][2],
            NormalBox(x1 / _SIDE, y1 / _SIDE, x2 / _SIDE, y2 / _SIDE),
            score / _SCORE,
            bool(answers & _ON),
            bool(answers & _SURE),
            bool(answers & _SETTLED),
            bool(answers & _DATED),
        )
        for second, number, subject, x1, y1, x2, y2, score, answers in _ROW.iter_unpack(rows)
    ]
