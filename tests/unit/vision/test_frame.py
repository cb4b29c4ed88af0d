import dataclasses

import numpy as np
import pytest

from smartcam.contract.ids import CameraId
from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.vision.frame import Frame
from smartcam.vision.picture import Picture


def test_a_frame_does_not_change() -> None:
    picture = Picture.from_i420(np.zeros(48, np.uint8), 8, 4)
    frame = Frame(CameraId("yard"), 1, UtcNs(2), MonotonicNs(3), 4, picture, ())
    with pytest.raises(dataclasses.FrozenInstanceError):
        frame.seq = 2  # type: ignore[misc]
    assert frame == dataclasses.replace(frame)
