"""What is odd in tested clips, and when: intervals, lists of frames, or a mask for each frame."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from smartcam.contract.written import UnreadableText, read_text
from tools.score.intervals import Interval, ScoreError, shown
from tools.score.labels import MOST_BYTES, ClipLabels, read_labels
from tools.train.films import PICTURES, LabelledTime
from training.footage.film import FilmUnusable

Truth = Callable[[str], ClipLabels | None]
"""The labels of a clip by its file's or folder's name; None if there are none. Raises FilmUnusable."""
ODD: Final = "odd"
MASKS: Final = "_gt"
"""How the name of a folder with a clip's masks ends."""
_LIST: Final = re.compile(r"gt_frame\s*=\s*\[([^\[\]]*)\]")
_RUN: Final = re.compile(r"([0-9]{1,9})(?::([0-9]{1,9}))?")


def truth_of(path: Path | None, tested: Sequence[str]) -> Truth:
    """The labels in a file or a folder, for clips of these names in order.

    A folder holds a folder of masks for each clip. A file that ends in `.m` holds a list of frames for each of the
    clips, in their order, counted from 1. Any other file is as for `smartcam score`.

    Raises:
        ScoreError: it is missing or something else.
    """
    if path is None:
        return lambda _: None
    if path.is_dir():
        return partial(_masked, path)
    if path.suffix == ".m":
        lists = _lists(path)
        if len(lists) != len(tested):
            raise ScoreError(f"labels {path}: hold {len(lists)} lists of frames, for {len(tested)} clips")
        return {name: _of_frames(name, runs) for name, runs in zip(tested, lists, strict=True)}.get
    return read_labels(path).get


def odd_time(labels: ClipLabels, words: Sequence[str]) -> LabelledTime:
    """When something odd is in sight: what any of the words label, or what anything labels if there are none."""
    odd = [each for each in labels.intervals if not words or each.word in words]
    odd += [
        sight.interval
        for each in labels.objects
        if each.raises and (not words or each.kind in words)
        for sight in each.sights
    ]
    untimed = labels.unjudged if not words else labels.in_words.keys() & set(words)
    return LabelledTime(tuple(odd), labels.unsure, bool(untimed))


def in_order(name: str | Path) -> list[tuple[int, int, str]]:
    """Sorts names as people number them: 2 comes before 10."""
    parts = re.split(r"([0-9]+)", str(name))
    return [(0, int(part), part) if part.isdecimal() and part.isascii() else (1, 0, part) for part in parts]


def runs_of(odd: Sequence[bool]) -> list[tuple[int, int]]:
    """First and last index of each run of true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(odd, np.int8), [0]]))).tolist()
    return [(first, end - 1) for first, end in zip(edges[::2], edges[1::2], strict=True)]


def _of_frames(name: str, runs: Sequence[tuple[int, int]], frames: int | None = None) -> ClipLabels:
    return ClipLabels(name, None, tuple(Interval(ODD, first, last) for first, last in runs), frames=frames)


def _lists(path: Path) -> list[list[tuple[int, int]]]:
    try:
        text = read_text(path, MOST_BYTES)
    except OSError as error:
        raise ScoreError(f"labels {path}: {error.strerror or error}") from error
    except UnreadableText as error:
        raise ScoreError(f"labels {error.within(path)}") from error
    code = "\n".join(line.partition("%")[0] for line in text.splitlines())
    lists = [_runs(path, found) for found in _LIST.findall(code)]
    if not lists:
        raise ScoreError(f"labels {path}: hold no `gt_frame = [first:last]`")
    return lists


def _runs(path: Path, text: str) -> list[tuple[int, int]]:
    """The runs of frames in a list such as `5:90, 140:200`, counted from 0."""
    words = text.replace(",", " ").replace(";", " ").split()
    found = [match.groups() for match in map(_RUN.fullmatch, words) if match is not None]
    runs = [(int(first) - 1, int(last or first) - 1) for first, last in found]
    if len(runs) != len(words) or any(not 0 <= first <= last for first, last in runs):
        raise ScoreError(f"labels {path}: gt_frame = [{shown(text)}] is no list of first:last, counted from 1")
    return runs


def _masked(folder: Path, name: str) -> ClipLabels | None:
    """A frame is odd if its mask has any pixel."""
    masks = next(
        (place for place in (folder / f"{name}{MASKS}", folder / f"{Path(name).stem}{MASKS}") if place.is_dir()), None
    )
    if masks is None:
        return None
    files = sorted((each for each in masks.iterdir() if each.suffix.lower() in PICTURES), key=in_order)
    return _of_frames(name, runs_of([_marks(file) for file in files]), len(files))


def _marks(file: Path) -> bool:
    try:
        mask = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_GRAYSCALE)
    except (OSError, cv2.error):
        mask = None
    if mask is None:
        raise FilmUnusable(f"its mask {file.name} is no picture")
    return bool(mask.any())
