"""Where a detector looks."""

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


def test_a_small_box_becomes_a_square_of_half_the_height_about_it() -> None:
    assert plan(PixelBox(600, 300, 620, 320)) == (PixelBox(430, 130, 790, 490),)


def test_a_region_is_never_smaller_than_what_the_model_takes() -> None:
    assert plan_regions([PixelBox(300, 200, 310, 210)], 640, 360, POLICY) == (PixelBox(155, 55, 455, 355),)


def test_a_region_at_the_edge_is_pushed_into_the_picture() -> None:
    assert plan(PixelBox(0, 700, 20, 720)) == (PixelBox(0, 360, 360, 720),)


def test_a_tall_person_has_air_on_both_sides() -> None:
    assert plan(PixelBox(600, 100, 700, 600)) == (PixelBox(325, 25, 975, 675),)


def test_two_far_apart_are_looked_at_one_by_one() -> None:
    assert len(plan(PixelBox(50, 50, 80, 80), PixelBox(1000, 500, 1030, 530))) == 2


def test_what_overlaps_is_looked_at_once() -> None:
    (region,) = plan(PixelBox(600, 300, 620, 320), PixelBox(700, 300, 720, 320))
    assert contains(region, PixelBox(600, 300, 720, 320))


def test_three_far_apart_are_cheaper_in_the_whole_picture() -> None:
    assert plan(PixelBox(0, 0, 10, 10), PixelBox(640, 0, 650, 10), PixelBox(1270, 710, 1280, 720)) == (WHOLE,)


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
