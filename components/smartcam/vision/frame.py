"""A frame: a picture with its place in time."""

from dataclasses import dataclass

from smartcam.contract.ids import CameraId
from smartcam.contract.notice import FrameNotice, PixelBox
from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.vision.picture import Picture


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of one camera.

    `seq` counts the frames that capture announced. `position_ns` is the time within a clip (0 for a live
    source). `motion` holds at most 16 boxes in pixels of the full picture, none for a keep-alive frame.
    `skipped`: the frames announced since the one that was analysed last, in order, of which nobody had time to look.
    """

    camera_id: CameraId
    seq: int
    captured_at: UtcNs
    captured_mono: MonotonicNs
    position_ns: int
    picture: Picture
    motion: tuple[PixelBox, ...]
    skipped: tuple[FrameNotice, ...] = ()
