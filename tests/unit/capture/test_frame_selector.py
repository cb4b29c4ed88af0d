import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smartcam.capture.frame_selector import FrameSelector, Selection
from smartcam.capture.settings import SourceSettings
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import NS_PER_MS, NS_PER_S
from smartcam.vision.motion import MotionGate
from smartcam.vision.picture import Picture
from smartcam.vision.shrink import Luma
from smartcam.vision.turn import quarter_turn, turned
from smartcam.vision.zone import Zone
from tests.clips import moving_square, still_scene

SETTINGS = SourceSettings(CameraId("yard"), Path("unused.mp4"))
LEFT = Zone("window", ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))


def watched(selector: FrameSelector, pictures: list[Picture], from_frame: int = 0) -> list[Selection]:
    """Ten pictures a second."""
    return [selector.select(each, (from_frame + i) * 100 * NS_PER_MS) for i, each in enumerate(pictures)]


def announced(seen: list[Selection]) -> list[int]:
    return [number for number, each in enumerate(seen) if each.picture is not None]


def test_a_still_scene_is_shown_once_a_second() -> None:
    assert announced(watched(FrameSelector(SETTINGS, 10), list(still_scene(frames=25)))) == [0, 10, 20]


def test_whoever_moves_is_shown_five_times_a_second() -> None:
    seen = watched(FrameSelector(SETTINGS, 10), list(moving_square(frames=40, still_first=10)))
    assert len([number for number in announced(seen) if 18 <= number < 38]) == 10
    assert all(each.motion for each in seen[14:])


def test_whoever_is_new_is_shown_ten_times_a_second_at_first() -> None:
    seen = watched(FrameSelector(SETTINGS, 10), list(moving_square(frames=40, still_first=10)))
    first = next(number for number in announced(seen) if seen[number].motion)
    assert announced(seen)[announced(seen).index(first) :][:4] == [first, first + 1, first + 2, first + 3]


def test_nothing_of_a_masked_zone_is_seen_or_remembered_by_anybody() -> None:
    selector = FrameSelector(replace(SETTINGS, masks=(LEFT,)), 10)
    seen = watched(selector, list(moving_square(frames=30, still_first=5, step=4)))
    shown = [each.picture for each in seen if each.picture is not None]
    assert shown
    assert all((picture.y[:, :160] == 16).all() for picture in shown)
    assert all(box.x1 >= 150 for each in seen for box in each.motion)
    assert not any(each.motion for each in seen[:30])


def test_an_ignored_zone_is_shown_but_opens_nothing() -> None:
    seen = watched(FrameSelector(replace(SETTINGS, ignored=(LEFT,)), 10), list(moving_square(frames=30, still_first=5)))
    assert not any(each.motion for each in seen)
    shown = [each.picture for each in seen if each.picture is not None]
    assert all((picture.y[:, :160] != 16).any() for picture in shown)


def test_a_hand_on_the_lens_is_shown_closely_though_it_is_no_motion() -> None:
    covered = Picture(
        np.full((240, 320), 60, np.uint8), np.full((120, 160), 128, np.uint8), np.full((120, 160), 128, np.uint8)
    )
    selector = FrameSelector(SETTINGS, 10)
    watched(selector, list(still_scene(frames=20)))
    seen = watched(selector, [covered] * 40, from_frame=20)
    assert not any(each.motion for each in seen)
    assert len([number for number in announced(seen) if number < 20]) >= 9
    assert len([number for number in announced(seen) if number >= 25]) <= 2


def test_what_one_eye_has_learnt_another_goes_on_with() -> None:
    selector = FrameSelector(SETTINGS, 10)
    watched(selector, list(still_scene(frames=20)))
    (present,) = list(moving_square(frames=1, step=4))
    later = FrameSelector(SETTINGS, 10, selector.remember())
    assert watched(later, [present] * 3)[-1].motion


def test_an_eye_that_has_seen_nothing_remembers_nothing() -> None:
    assert FrameSelector(SETTINGS, 10, b"nonsense").remember() == b""


def test_pictures_of_which_nobody_would_be_told_are_not_looked_at_while_something_moves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    skipped: list[int] = []
    update = MotionGate.update

    def counted(gate: MotionGate, luma: Luma, before: int = 0) -> tuple[PixelBox, ...]:
        skipped.append(before)
        return update(gate, luma, before)

    monkeypatch.setattr(MotionGate, "update", counted)
    selector = FrameSelector(SETTINGS, 10)
    watched(selector, list(still_scene(frames=20)))
    assert skipped == [0] * 20
    seen = watched(selector, list(moving_square(frames=40, step=4)), from_frame=20)
    assert 18 <= len(skipped) - 20 <= 24
    assert 59 <= sum(skipped) + len(skipped) <= 60
    assert all(each.motion for each in seen[2:])


@pytest.mark.parametrize("analyse_fps", [5.0, 2.0])
def test_somebody_small_is_told_of_while_something_large_sways(analyse_fps: float) -> None:
    random = np.random.default_rng(1)
    ground = random.random((270, 480)) * 20 + 90
    grey = np.full((135, 240), 128, np.uint8)
    selector = FrameSelector(replace(SETTINGS, analyse_fps=analyse_fps), 25)
    told = 0
    for number in range(250):
        luma = ground.copy()
        branch = int(90 + 30 * math.sin(number / 25 * 2 * math.pi * 0.7))
        luma[80:180, branch : branch + 40] = 200
        if number >= 100:
            walker = int(260 + 12 * (number - 100) / 25)
            luma[150:162, walker : walker + 4] = 40
        noisy = np.clip(luma + random.normal(0, 1, luma.shape), 0, 255).astype(np.uint8)
        seen = selector.select(Picture(noisy, grey, grey), number * NS_PER_S // 25)
        told += seen.picture is not None and any(box.x2 > 255 for box in seen.motion)
    assert told >= 4 * analyse_fps


def test_whoever_goes_is_noticed_at_the_next_picture_that_could_be_told_of() -> None:
    selector = FrameSelector(SETTINGS, 10)
    still, moving = list(still_scene(frames=20)), list(moving_square(frames=20, step=4))
    watched(selector, still)
    watched(selector, moving, from_frame=20)
    after = watched(selector, still, from_frame=40)
    assert not any(each.motion for each in after[2:])


TOP_LEFT = Zone("window", ((0.0, 0.0), (0.4, 0.0), (0.4, 0.3), (0.0, 0.3)))


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirror", [False, True])
def test_a_mask_blackens_the_place_where_it_was_drawn_whichever_way_the_camera_is_mounted(
    degrees: int, *, mirror: bool
) -> None:
    (upright,) = still_scene(frames=1)
    back = quarter_turn(degrees if mirror and degrees % 180 else -degrees % 360, mirror=mirror)
    hung = turned(upright, back)
    selector = FrameSelector(replace(SETTINGS, rotate=degrees, mirror=mirror, masks=(TOP_LEFT,)), 10)
    shown = selector.select(hung, 0).picture
    assert shown is not None
    assert shown.luma.shape == upright.luma.shape
    black = shown.luma == 16
    assert black[:70, :125].all()
    assert np.array_equal(shown.luma[~black], upright.luma[~black])
    assert not black[80:].any()
    assert not black[:, 140:].any()


def test_motion_is_told_where_it_is_seen() -> None:
    selector = FrameSelector(replace(SETTINGS, rotate=90), 10)
    stored = [turned(each, quarter_turn(270)) for each in moving_square(frames=30, still_first=10)]
    boxes = [box for each in watched(selector, stored)[20:] for box in each.motion]
    assert boxes
    assert all(box.x2 <= 320 and box.y1 >= 90 and box.y2 <= 150 for box in boxes)


def test_a_camera_that_is_turned_on_the_way_goes_on() -> None:
    selector = FrameSelector(replace(SETTINGS, masks=(LEFT,)), 10)
    upright = list(still_scene(frames=20))
    watched(selector, upright)
    seen = watched(selector, [turned(each, quarter_turn(90)) for each in upright], from_frame=20)
    shown = [each.picture for each in seen if each.picture is not None]
    assert shown
    assert all(each.luma.shape == (320, 240) and (each.luma[:, :120] == 16).all() for each in shown)


def test_a_picture_that_need_not_be_turned_is_handed_on_as_it_is() -> None:
    (upright,) = still_scene(frames=1)
    assert FrameSelector(SETTINGS, 10).select(upright, 0).picture is upright
