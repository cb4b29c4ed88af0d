"""Boxes in pixels of a frame and in shares of its picture."""

from collections.abc import Sequence

from smartcam.contract.event import NormalBox
from smartcam.contract.notice import FrameNotice, PixelBox
from smartcam.vision.corners import Corners
from smartcam.vision.frame import Frame
from smartcam.vision.picture import Picture


def normalised(boxes: Sequence[PixelBox], of: Picture | FrameNotice) -> list[Corners]:
    """Boxes in the pixels of a picture, normalised to 0..1."""
    width, height = of.width, of.height
    return [(box.x1 / width, box.y1 / height, box.x2 / width, box.y2 / height) for box in boxes]


def corners(box: NormalBox) -> Corners:
    """The box in plain numbers."""
    return box.x1, box.y1, box.x2, box.y2


def normal(box: Corners) -> NormalBox | None:
    """The part of the box inside the picture, None if there is none."""
    inside = within(box)
    return None if inside is None else NormalBox(*inside)


def within(box: Corners) -> Corners | None:
    """The part of a normalised box inside the picture, None if there is none or a corner is NaN."""
    x1, y1, x2, y2 = box
    x1, y1, x2, y2 = min(max(x1, 0.0), 1.0), min(max(y1, 0.0), 1.0), min(max(x2, 0.0), 1.0), min(max(y2, 0.0), 1.0)
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def pixels(box: Corners, frame: Frame) -> PixelBox | None:
    """A normalised box in pixels of the frame, None if nothing of it is in the picture."""
    inside = within(box)
    if inside is None:
        return None
    width, height = frame.picture.width, frame.picture.height
    x1, x2 = round(inside[0] * width), round(inside[2] * width)
    y1, y2 = round(inside[1] * height), round(inside[3] * height)
    return PixelBox(x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None
