"""COCO JSON of a video or a sequence of frames: `images`, `annotations` with a track id each, `categories`."""

import re
from collections.abc import Mapping
from typing import Final

from tools.score.foreign.rows import (
    MOST_ROWS,
    PictureSize,
    Row,
    TakenOver,
    frame_of,
    kind_of,
    name_of,
    number_of,
    objects_of,
)
from tools.score.intervals import ScoreError, shown

_FRAME_KEYS: Final = ("frame_id", "frame_index")
_TRACK_KEYS: Final = ("track_id", "instance_id", "object_id")
_BOX_SIDES: Final = 4

Table = Mapping[str, object]


def read_coco(document: Table, clip: str, size: PictureSize) -> TakenOver:
    """The objects of one clip. `size` counts where the images give none.

    Raises:
        ScoreError: naming the entry that is wrong, or that annotations carry no identity.
    """
    images = _of_clip(document, clip)
    frames = _frames(images)
    order = {frame: place for place, frame in enumerate(sorted(frames.values()))}
    if len(order) != len(frames):
        raise ScoreError("images: two of them are the same frame; does the file hold several videos?")
    words = {_key(each.get("id")): str(each.get("name", "")) for each in _tables(document, "categories")}
    taken, rows = TakenOver(), []
    for number, annotation in enumerate(_tables(document, "annotations")):
        where = f"annotations[{number}]: "
        frame = frames.get(_key(annotation.get("image_id")))
        if frame is None:
            continue
        word = words.get(_key(annotation.get("category_id")), "")
        kind = kind_of(word)
        if kind is None or annotation.get("iscrowd"):
            taken.left_out[(word if kind is None else "crowd") or "(no category)"] += 1
            continue
        x, y, width, height = _box(annotation, where)
        name = name_of(_track(annotation, where), f"{where}the track id")
        rows.append(Row(name, kind, frame, order[frame], (x, y, x + width, y + height)))
    taken.objects = objects_of(rows, _size(images, size))
    return taken


def _tables(document: Table, key: str) -> list[Table]:
    items = document.get(key)
    if not isinstance(items, list) or len(items) > MOST_ROWS:
        raise ScoreError(f"{key} is no list of at most {MOST_ROWS} entries")
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            raise ScoreError(f"{key}[{number}] is {shown(item, 40)} and no object")
    return items


def _of_clip(document: Table, clip: str) -> list[Table]:
    """The images of the clip: all, unless there are several videos, of which one must have its name."""
    images = _tables(document, "images")
    videos = _tables(document, "videos") if "videos" in document else []
    if len(videos) <= 1:
        return images
    stem = clip.rpartition(".")[0] or clip
    mine = [video for video in videos if stem in re.split(r"[/.]", str(video.get("name", video.get("file_name", ""))))]
    if len(mine) != 1:
        raise ScoreError(f"videos: {len(videos)} of them, and not just one is called {stem}")
    return [image for image in images if image.get("video_id") == mine[0].get("id")]


def _frames(images: list[Table]) -> dict[str, int]:
    """The frame of each image: what it says, or else its place among them by file name."""
    key = next((each for each in _FRAME_KEYS if all(each in image for image in images)), None)
    if key is not None:
        return {_key(image.get("id")): frame_of(image[key], f"images: {key}") for image in images}
    in_order = sorted(images, key=lambda image: _natural(str(image.get("file_name", ""))))
    return {_key(image.get("id")): place for place, image in enumerate(in_order)}


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts frame9 before frame10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d{1,18})", name)]


def _key(value: object) -> str:
    return shown(value, 80)


def _track(annotation: Table, where: str) -> object:
    attributes = annotation.get("attributes")
    for table in (annotation, attributes if isinstance(attributes, dict) else {}):
        for key in _TRACK_KEYS:
            if key in table:
                return table[key]
    keys = " nor ".join(_TRACK_KEYS)
    raise ScoreError(f"{where}has no {keys}: without identities nobody can tell one object from two")


def _box(annotation: Table, where: str) -> list[float]:
    box = annotation.get("bbox")
    if not isinstance(box, list) or len(box) != _BOX_SIDES:
        raise ScoreError(f"{where}bbox is {shown(box, 80)} and not [left, top, width, height]")
    return [number_of(side, f"{where}bbox") for side in box]


def _size(images: list[Table], size: PictureSize) -> PictureSize:
    stated = [(image.get("width"), image.get("height")) for image in images[:1]]
    if not stated or None in stated[0]:
        return size
    width, height = (number_of(side, "images: width or height") for side in stated[0])
    if width < 1 or height < 1:
        raise ScoreError(f"images: {width:g} by {height:g} is no size of a picture")
    return PictureSize(width, height)
