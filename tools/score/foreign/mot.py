"""MOT challenge text (gt.txt): `frame, id, left, top, width, height, considered, class, visibility`, frames from 1."""

from typing import Final

from smartcam.contract.event import EventKind
from tools.score.foreign.rows import MOST_ROWS, PictureSize, Row, TakenOver, frame_of, name_of, number_of, objects_of
from tools.score.intervals import ScoreError

_FEWEST: Final = 6
_MOST: Final = 10
_CONSIDERED, _CLASS = 6, 7
_CLASSES: Final = {
    1: "person", 2: "person", 3: "car", 4: "bicycle", 5: "motorbike", 6: "non-motorised vehicle", 7: "person",
    8: "distractor", 9: "occluder", 10: "occluder on the ground", 11: "occluder", 12: "reflection", -1: "person",
}  # fmt: skip
"""As MOT16 and later number them; -1: the older ones know people only."""
_KINDS: Final = {
    "person": EventKind.PERSON,
    "car": EventKind.VEHICLE,
    "bicycle": EventKind.VEHICLE,
    "motorbike": EventKind.VEHICLE,
    "non-motorised vehicle": EventKind.VEHICLE,
}


def read_mot(text: str, size: PictureSize) -> TakenOver:
    """The objects of a ground truth. Entries that it does not consider itself are left out.

    Raises:
        ScoreError: naming the line that is none.
    """
    taken, rows = TakenOver(), []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        if number > MOST_ROWS:
            raise ScoreError(f"line {number}: more than {MOST_ROWS} lines")
        row = _row(number, line, taken)
        if row is not None:
            rows.append(row)
    taken.objects = objects_of(rows, size)
    return taken


def _row(number: int, line: str, taken: TakenOver) -> Row | None:
    cells = [cell.strip() for cell in (line.split(",") if "," in line else line.split())]
    where = f"line {number}: "
    if not _FEWEST <= len(cells) <= _MOST:
        raise ScoreError(f"{where}{line[:80]!r} is not frame, id, left, top, width, height, considered, class")
    frame = frame_of(cells[0], f"{where}the frame") - 1
    if frame < 0:
        raise ScoreError(f"{where}frames count from 1, this one is 0")
    x, y, width, height = (number_of(cell, f"{where}the box") for cell in cells[2:_FEWEST])
    considered = number_of(cells[_CONSIDERED], f"{where}column 7") if len(cells) > _CONSIDERED else 1.0
    kind_number = number_of(cells[_CLASS], f"{where}the class") if len(cells) > _CLASS + 1 else -1.0
    word = _CLASSES.get(int(kind_number), f"class {kind_number:g}")
    kind = _KINDS.get(word)
    if not considered or kind is None:
        taken.left_out[word if considered else "not considered"] += 1
        return None
    name = name_of(cells[1], f"{where}the id")
    return Row(name, kind, frame, frame, (x, y, x + width, y + height))
