"""A mask is drawn on the picture that a player shows; it must hide that place, however the clip is stored."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from smartcam.capture.frame_selector import FrameSelector
from smartcam.capture.settings import SourceSettings, read_settings
from smartcam.capture.sources.opening import open_source
from smartcam.edge.clock import SystemClock
from smartcam.edge.lifecycle import StopToken
from smartcam.vision.picture import Picture
from smartcam.vision.turn import quarter_turn, turned
from tests.clips import picture_of, write_clip

WIDTH, HEIGHT = 320, 240
WINDOW = [[0.0, 0.0], [0.25, 0.0], [0.25, 0.5], [0.0, 0.5]]
SHOWN = picture_of(np.full((HEIGHT, WIDTH), 120, np.uint8))


def first_picture(camera: SourceSettings) -> Picture:
    with closing(open_source(camera, SystemClock(), StopToken())) as source:
        timed = source.read()
        assert timed is not None
        seen = FrameSelector(camera, source.frames_per_second).select(timed.picture, timed.timeline_ns)
    assert seen.picture is not None
    return seen.picture


@pytest.mark.parametrize("by_the_clip", [0, 90, 180, 270])
@pytest.mark.parametrize("by_the_settings", [0, 90, 180, 270])
def test_a_mask_hides_its_place_in_the_picture_that_is_shown(
    tmp_path: Path, by_the_clip: int, by_the_settings: int
) -> None:
    stored = turned(SHOWN, quarter_turn(-(by_the_clip + by_the_settings) % 360))
    clip = write_clip(tmp_path / "a.mp4", [stored] * 2, turn=quarter_turn(by_the_clip))
    table = {"path": str(clip), "pacing": "fast", "rotate": by_the_settings, "masks": {"window": WINDOW}}
    (camera,) = read_settings({"cameras": {"yard": table}}).cameras
    luma = first_picture(camera).luma
    assert luma.shape == (HEIGHT, WIDTH)
    assert (luma[: HEIGHT // 2, : WIDTH // 4] == 16).all()
    assert (luma[HEIGHT // 2 + 4 :] > 100).all()
    assert (luma[:, WIDTH // 4 + 4 :] > 100).all()
