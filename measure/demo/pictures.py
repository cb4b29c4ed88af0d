"""An annotated picture of each event, for a person who would rather look than read."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from smartcam.capture.sources.clip import all_pictures
from smartcam.capture.sources.file import open_clip
from smartcam.contract.errors import CameraLost
from smartcam.contract.event import Event
from smartcam.contract.times import NS_PER_S, format_utc
from smartcam.edge.files import replace_file
from smartcam.vision.picture import Picture

Bgr = NDArray[np.uint8]
"""uint8 (height, width, 3), blue first."""

_RED = (40, 40, 230)
_WHITE = (255, 255, 255)
_BLACK = (0, 0, 0)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True, slots=True)
class Moment:
    """An event and its place in the clip, in seconds."""

    event: Event
    clip_seconds: float


def annotate(picture: Bgr, moment: Moment) -> Bgr:
    """A copy of the picture with the event's box and a caption below."""
    event = moment.event
    height, width = picture.shape[:2]
    canvas = picture.copy()
    scale = max(width / 1000, 0.4)
    thickness = max(round(2 * scale), 1)
    if event.box is not None:
        first = (round(event.box.x1 * width), round(event.box.y1 * height))
        second = (round(event.box.x2 * width), round(event.box.y2 * height))
        cv2.rectangle(canvas, first, second, _RED, thickness)
    caption = f"{event.camera_id}: {event.label or event.kind} {event.score:.2f}  {moment.clip_seconds:.1f} s"
    moment_text = format_utc(event.started_at)
    band = round(64 * scale)
    strip: Bgr = np.zeros((band, width, 3), np.uint8)
    cv2.putText(strip, caption, (8, round(26 * scale)), _FONT, 0.8 * scale, _WHITE, thickness, cv2.LINE_AA)
    cv2.putText(strip, moment_text, (8, round(54 * scale)), _FONT, 0.6 * scale, (190, 190, 190), 1, cv2.LINE_AA)
    return np.vstack([canvas, strip])


def write_pictures(clip: Path, moments: Sequence[Moment], folder: Path) -> list[Path]:
    """Write one JPEG per event, for its owner's eyes, into the folder: `<clip seconds>-<kind>-<event id>.jpg`.

    Raises:
        OSError: when the clip cannot be read or a picture cannot be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    waiting = sorted(moments, key=lambda moment: moment.clip_seconds)
    written = []
    for picture, moment in _pictures_at(clip, waiting):
        name = f"{moment.clip_seconds:06.1f}s-{moment.event.kind}-{moment.event.event_id}.jpg"
        encoded, jpeg = cv2.imencode(".jpg", annotate(picture, moment), [cv2.IMWRITE_JPEG_QUALITY, 88])
        if not encoded:
            raise OSError(f"{name}: the picture could not be encoded")
        replace_file(folder / name, jpeg.tobytes())
        written.append(folder / name)
    return written


def _pictures_at(clip: Path, moments: Sequence[Moment]) -> Iterator[tuple[Bgr, Moment]]:
    """The clip's picture on screen at each moment, in order; the last picture for moments after the end.

    Read as the camera reads it: boxes and seconds are those of its pictures, turned and placed by the same code.
    """
    left = list(moments)
    if not left:
        return
    latest: Picture | None = None
    try:
        with closing(all_pictures(open_clip(clip))) as played:
            for taken in played:
                while left and latest is not None and taken.position_ns > left[0].clip_seconds * NS_PER_S:
                    yield latest.to_bgr(), left.pop(0)
                if not left:
                    return
                latest = taken.picture
    except CameraLost as error:
        raise OSError(str(error)) from error
    if latest is not None:
        for moment in left:
            yield latest.to_bgr(), moment
