"""Finds out whose labels a file holds, and reads them."""

from pathlib import Path

from smartcam.contract.written import UnreadableText, json_of, read_text
from tools.score.foreign.coco import read_coco
from tools.score.foreign.cvat import read_cvat_json, read_cvat_xml
from tools.score.foreign.mot import read_mot
from tools.score.foreign.rows import PictureSize, TakenOver
from tools.score.intervals import ScoreError
from tools.score.labels import MOST_BYTES


def read_foreign(file: Path, clip: str, size: PictureSize) -> TakenOver:
    """The objects of a clip in another program's file: XML is CVAT's, JSON is COCO's or CVAT's, other text MOT's.

    Raises:
        ScoreError: the file cannot be read or holds something else; the message names the file and the place.
    """
    try:
        return _read(read_text(file, MOST_BYTES), clip, size)
    except OSError as error:
        raise ScoreError(f"labels {file}: {error.strerror or error}") from error
    except UnreadableText as error:
        raise ScoreError(f"labels {error.within(file)}") from error
    except ScoreError as error:
        raise ScoreError(f"labels {file}: {error}") from error


def _read(text: str, clip: str, size: PictureSize) -> TakenOver:
    start = text.lstrip()[:1]
    if start == "<":
        return read_cvat_xml(text, size)
    if start not in {"{", "["}:
        return read_mot(text, size)
    document = json_of(text)
    if isinstance(document, dict) and "annotations" in document:
        return read_coco(document, clip, size)
    return read_cvat_json(document, size)
