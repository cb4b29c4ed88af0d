"""A scene in which something red comes, stays and goes, and a bundle whose tiny model sees red."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from smartcam.contract.event import EventKind
from smartcam.model.manifest import ModelKind, Thresholds
from smartcam.model.packing import Draft, write_bundle
from smartcam.vision.picture import Picture
from tests.clips import write_clip
from tests.fakes import models

WIDTH, HEIGHT, FPS = 320, 240, 20
SIDE, SEAT, STEP = 180, 60, 20
COMING = (SEAT + SIDE) // STEP
"""Pictures from the first red pixel until the visitor stands."""


def visits(empty: int, stays: int, then_empty: int, count: int = 1) -> Iterator[Picture]:
    """So many pictures of an empty scene, of somebody who has come, and of nobody again."""
    for _ in range(count):
        for _ in range(empty):
            yield _scene(None)
        for place in range(COMING):
            yield _scene(place * STEP - SIDE)
        for _ in range(stays):
            yield _scene(SEAT)
        for _ in range(then_empty):
            yield _scene(None)


def visit_clip(path: Path, empty: int = 20, stays: int = 60, then_empty: int = 10, count: int = 1) -> Path:
    """The clip of such visits, at 20 pictures a second; a machine that stands still for three seconds misses none."""
    return write_clip(path, visits(empty, stays, then_empty, count), fps=FPS)


def red_bundle(folder: Path, min_frames: int = 3) -> Path:
    """A classifier whose intruder is whatever is red."""
    draft = Draft(
        name="red",
        version="1.0.0",
        kind=ModelKind.CLASSIFIER,
        labels=("normal", "intruder"),
        events={"intruder": EventKind.ANOMALY},
        thresholds=Thresholds(raise_at=0.6, clear_at=0.4),
        min_frames=min_frames,
        licence="none",
    )
    write_bundle(folder, models.classifier(), draft)
    return folder


def _scene(x: int | None) -> Picture:
    bgr = np.full((HEIGHT, WIDTH, 3), 70, np.uint8)
    bgr[:, ::16] = 90
    if x is not None:
        bgr[30 : 30 + SIDE, max(x, 0) : max(x + SIDE, 0)] = (20, 20, 250)
    return Picture.from_bgr(bgr)
