from pathlib import Path

import numpy as np
import pytest

from measure.cutouts import Bgr, Cutout, View, cut_out, paste, view_of

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "video"


def ground(level: int = 120) -> Bgr:
    noise = np.random.default_rng(1).integers(-6, 7, (120, 200, 3))
    return np.asarray(np.clip(level + noise, 0, 255), np.uint8)


def with_object(x: int, y: int, level: int = 30) -> Bgr:
    picture = ground()
    picture[y : y + 60, x : x + 30] = level
    return picture


def test_an_object_is_cut_out_as_wide_and_high_as_it_is() -> None:
    view = view_of(with_object(80, 40), ground())
    assert view is not None
    assert abs(view.alpha.shape[0] - 60) <= 4
    assert abs(view.alpha.shape[1] - 30) <= 4
    assert np.median(view.colours[view.alpha > 0.9]) == 30
    assert view.alpha.sum() == pytest.approx(60 * 30, rel=0.15)


@pytest.mark.parametrize("place", [(0, 30), (180, 30), (80, 0), (80, 70)], ids=["left", "right", "top", "bottom"])
def test_an_object_that_the_picture_cuts_off_is_no_view(place: tuple[int, int]) -> None:
    assert view_of(with_object(*place), ground()) is None


def test_another_light_and_the_noise_of_a_sensor_are_no_object() -> None:
    noisy = np.random.default_rng(2).integers(-6, 7, ground().shape) + ground()
    assert view_of(np.asarray(np.clip(noisy * 0.7, 0, 255), np.uint8), ground()) is None


def test_a_shadow_on_a_coloured_floor_is_not_part_of_who_throws_it() -> None:
    floor = np.asarray(ground() * np.array([0.3, 0.8, 1.5]), np.uint8)
    picture = floor.copy()
    picture[90:105, 60:140] = floor[90:105, 60:140] * 0.6
    picture[40:100, 80:110] = 30
    view = view_of(picture, floor)
    assert view is not None
    assert view.alpha.shape[1] <= 34


def test_a_view_is_pasted_where_it_stands_and_nothing_else_changes() -> None:
    view = View(np.full((60, 30, 3), 250, np.uint8), np.ones((60, 30), np.float32))
    picture = ground()
    paste(picture, view, left=-10, foot=100, height=40)
    assert (picture[60:100, :10] == 250).all()
    picture[60:100, :10] = ground()[60:100, :10]
    np.testing.assert_array_equal(picture, ground())


def test_a_view_outside_the_picture_changes_nothing() -> None:
    view = View(np.full((60, 30, 3), 250, np.uint8), np.ones((60, 30), np.float32))
    picture = ground()
    for left, foot in ((-50, 100), (200, 100), (50, 0), (50, 200)):
        paste(picture, view, left=left, foot=foot, height=60)
    np.testing.assert_array_equal(picture, ground())


def test_views_are_shown_to_and_fro_so_that_no_step_is_a_jump() -> None:
    views = tuple(View(np.full((2, 2, 3), n, np.uint8), np.ones((2, 2), np.float32)) for n in range(4))
    shown = [int(Cutout("clip", "person", 10, views).at(n / 10 + 0.01).colours[0, 0, 0]) for n in range(9)]
    assert shown == [0, 1, 2, 3, 2, 1, 0, 1, 2]


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the shared footage is not at {SHARED}")
def test_six_people_and_three_vehicles_are_cut_out_of_the_shared_clips() -> None:
    footage = cut_out(SHARED)
    assert (len(footage.of("person")), len(footage.of("vehicle"))) == (6, 3)
    for cutout in footage.cutouts:
        for view in cutout.views:
            assert 0.3 < view.alpha.mean() < 0.95
    assert len(footage.backgrounds) == 4
