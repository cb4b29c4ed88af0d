"""Where a detector looks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.notice import PixelBox
from smartcam.model.regions import RegionPolicy, plan_regions
from tests.strategies import pixel_boxes

WIDTH, HEIGHT = 1280, 720
WHOLE = PixelBox(0, 0, WIDTH, HEIGHT)
POLICY = RegionPolicy(least_pixels=300)


def plan(*motion: PixelBox) -> tuple[PixelBox, ...]:
    return plan_regions(motion, WIDTH, HEIGHT, POLICY)


def contains(outer: PixelBox, inner: PixelBox) -> bool:
    return outer.x1 <= inner.x1 and outer.y1 <= inner.y1 and inner.x2 <= outer.x2 and inner.y2 <= outer.y2


def test_without_motion_the_whole_picture_is_looked_at() -> None:
    assert plan() == (WHOLE,)


@pytest.mark.parametrize(("width", "height"), [(640, 360), (1280, 720), (1920, 1080), (3840, 2160)])
def test_somebody_far_away_is_seen_half_again_as_large_as_they_are_in_any_picture(width: int, height: int) -> None:
    (region,) = plan_regions([PixelBox(300, 200, 310, 220)], width, height, POLICY)
    assert region == PixelBox(205, 110, 405, 310)  # 200 pixels, which the model sees as 300


def test_nothing_is_enlarged_further_however_small_it_is() -> None:
    (region,) = plan(PixelBox(600, 300, 601, 301))
    assert (region.x2 - region.x1, region.y2 - region.y1) == (200, 200)


@pytest.mark.parametrize(
    ("box", "region"),
    [
        (PixelBox(0, 700, 20, 720), PixelBox(0, 420, 300, 720)),
        (PixelBox(0, 300, 20, 340), PixelBox(0, 170, 300, 470)),
        (PixelBox(1260, 300, 1280, 340), PixelBox(980, 170, 1280, 470)),
        (PixelBox(600, 0, 620, 40), PixelBox(460, 0, 760, 300)),
    ],
    ids=["corner", "left", "right", "top"],
)
def test_who_is_coming_in_is_not_enlarged_and_the_region_lies_in_the_picture(box: PixelBox, region: PixelBox) -> None:
    assert plan(box) == (region,)


def test_who_has_come_in_is_enlarged() -> None:
    assert plan(PixelBox(1, 300, 21, 340)) == (PixelBox(0, 220, 200, 420),)


def test_a_tall_person_has_air_on_both_sides() -> None:
    assert plan(PixelBox(600, 100, 700, 600)) == (PixelBox(325, 25, 975, 675),)


def test_two_far_apart_are_looked_at_one_by_one() -> None:
    assert len(plan(PixelBox(50, 50, 80, 80), PixelBox(1000, 500, 1030, 530))) == 2


def test_what_overlaps_is_looked_at_once() -> None:
    (region,) = plan(PixelBox(600, 300, 620, 320), PixelBox(700, 300, 720, 320))
    assert contains(region, PixelBox(600, 300, 720, 320))


def test_what_moves_in_all_corners_is_cheaper_in_the_whole_picture() -> None:
    corners = [PixelBox(x, y, x + 10, y + 10) for x in (0, WIDTH - 10) for y in (0, HEIGHT - 10)]
    assert plan(*corners) == (WHOLE,)


def test_of_three_small_ones_the_two_nearest_share_a_region() -> None:
    near, beside, far = PixelBox(175, 300, 185, 330), PixelBox(540, 300, 550, 330), PixelBox(1200, 300, 1210, 330)
    regions = plan(near, far, beside)
    assert len(regions) == 2
    shared, other = sorted(regions, key=lambda region: region.x1)
    assert contains(shared, near)
    assert contains(shared, beside)
    assert contains(other, far)


def test_motion_everywhere_is_the_whole_picture() -> None:
    assert plan(PixelBox(0, 0, 1200, 700)) == (WHOLE,)


@given(st.lists(pixel_boxes(WIDTH, HEIGHT), max_size=16))
def test_every_motion_lies_in_a_region_and_no_regions_overlap(motion: list[PixelBox]) -> None:
    regions = plan(*motion)
    assert 1 <= len(regions) <= POLICY.most
    assert all(contains(WHOLE, region) for region in regions)
    assert all(any(contains(region, box) for region in regions) for box in motion)
    if len(regions) == 2:
        a, b = regions
        assert a.x1 >= b.x2 or b.x1 >= a.x2 or a.y1 >= b.y2 or b.y1 >= a.y2
