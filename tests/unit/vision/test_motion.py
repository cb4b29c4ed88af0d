import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from measure import probe
from smartcam.contract.notice import PixelBox
from smartcam.vision.motion import Cells, MotionGate, MotionSettings, united
from smartcam.vision.shrink import WORKING_WIDTH, Shrinker, shrunk_shape
from smartcam.vision.zone import Zone

Grey = NDArray[np.uint8]
DATA = Path(__file__).parents[3].parent / "shared/data"
ONE_BY_ONE = DATA / "video/intel_one-by-one-person-detection.mp4"
FIRST_FRAMES = 30


def room(width: int = 640, height: int = 480) -> Grey:
    return np.asarray(cv2.resize(probe.background(1), (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def with_square(grey: Grey, x: int, y: int, side: int = 60, level: int = 250) -> Grey:
    changed = grey.copy()
    changed[y : y + side, x : x + side] = level
    return changed


def noisy(pictures: Iterable[Grey], sigma: float = 2.0) -> Iterator[Grey]:
    rng = np.random.default_rng(0)
    for grey in pictures:
        noise = rng.standard_normal(grey.shape, np.float32) * np.float32(sigma)
        yield np.asarray(np.clip(grey + noise, 0, 255), np.uint8)


def settled(grey: Grey, settings: MotionSettings | None = None) -> MotionGate:
    gate = MotionGate(settings or MotionSettings())
    for picture in noisy([grey] * FIRST_FRAMES):
        gate.update(picture)
    return gate


def covers(box: PixelBox, x: int, y: int, side: int) -> bool:
    return box.x1 <= x and box.y1 <= y and box.x2 >= x + side and box.y2 >= y + side


@pytest.mark.parametrize(
    ("scene", "seed", "most"),
    [("night noise", 1, 0), ("step", 2, 5), ("drift", 1, 2), ("flicker", 2, 0), ("rain", 1, 2), ("shake", 2, 5)],
)
def test_the_probe_finds_no_false_alarm_in(scene: str, seed: int, most: int) -> None:
    gate = MotionGate(MotionSettings())
    assert probe.flagged(gate.update, probe.SCENES[scene], probe.background(seed)) <= most


@pytest.mark.parametrize(("scene", "seed"), [("person", 1), ("person x0.7", 2)])
def test_the_probe_sees_in_every_frame_a(scene: str, seed: int) -> None:
    gate = MotionGate(MotionSettings())
    assert probe.flagged(gate.update, probe.SCENES[scene], probe.background(seed)) == probe.FRAMES - probe.SETTLING


def test_people_are_seen_from_their_entry_to_their_exit_and_empty_rooms_are_still() -> None:
    if not ONE_BY_ONE.exists():
        pytest.skip(f"no footage at {ONE_BY_ONE}")
    labels = json.loads((DATA / "labels.json").read_text())["video/intel_one-by-one-person-detection.mp4"]
    clip = cv2.VideoCapture(str(ONE_BY_ONE))
    gate = MotionGate(MotionSettings(frames_per_second=labels["fps"]))
    seen: list[bool] = []
    while (read := clip.read())[0]:
        seen.append(bool(gate.update(np.asarray(cv2.cvtColor(read[1], cv2.COLOR_BGR2GRAY), np.uint8))))
    empty = [True] * len(seen)
    for first, last in labels["person"]:
        assert any(seen[first : first + 3])
        assert sum(seen[first : last + 1]) >= 0.98 * (last + 1 - first)
        empty[first - 2 : last + 8] = [False] * (last + 10 - first)
    assert sum(flag for flag, is_empty in zip(seen, empty, strict=True) if is_empty) <= 0.02 * sum(empty)


def test_a_box_covers_what_moves_in_pixels_of_the_full_picture() -> None:
    gate, grey = settled(room(1280, 720)), room(1280, 720)
    for i in range(6):
        boxes = gate.update(with_square(grey, 400 + 8 * i, 300))
    assert len(boxes) == 1
    assert covers(boxes[0], 440, 300, 60)
    assert boxes[0].x2 - boxes[0].x1 < 150


def test_motion_is_seen_in_the_very_frame_in_which_something_large_appears() -> None:
    gate, grey = settled(room()), room()
    assert gate.update(with_square(grey, 300, 200))


def test_what_appears_for_one_frame_and_is_small_is_no_motion() -> None:
    gate, grey = settled(room()), room()
    looks = [gate.update(with_square(grey, 300, 200, 12)), gate.update(grey), gate.update(grey)]
    assert looks == [(), (), ()]


def test_a_person_who_stands_still_for_ten_seconds_stays_seen_and_leaves_nothing_behind() -> None:
    grey = room()
    gate = settled(grey)
    standing = [gate.update(picture) for picture in noisy([with_square(grey, 300, 200)] * 100)]
    after = [gate.update(picture) for picture in noisy([grey] * 20)]
    assert all(standing)
    assert not any(after)


def test_a_car_that_has_parked_is_still_after_two_minutes() -> None:
    grey = room(240, 180)
    gate = settled(grey)
    parked = [gate.update(picture) for picture in noisy([with_square(grey, 100, 80, 30, 180)] * 1200)]
    assert parked[0]
    assert not any(parked[-100:])


def test_another_scene_is_learnt_at_once_and_is_no_motion() -> None:
    gate = settled(room())
    other = np.asarray(255 - room(), np.uint8)
    assert not any(gate.update(picture) for picture in noisy([other] * 20))
    assert gate.update(with_square(other, 300, 200, level=128))


def test_at_most_sixteen_boxes_are_given_and_they_cover_everything_that_moves() -> None:
    grey = room(1280, 720)
    gate = settled(grey)
    crowded = grey.copy()
    places = [(60 + 150 * column, 60 + 140 * row) for column in range(8) for row in range(5)]
    for x, y in places:
        crowded[y : y + 40, x : x + 40] = 255 - crowded[y : y + 40, x : x + 40] // 2
    for _ in range(3):
        boxes = gate.update(crowded)
    assert 1 <= len(boxes) <= 16
    assert all(0 <= box.x1 < box.x2 <= 1280 and 0 <= box.y1 < box.y2 <= 720 for box in boxes)
    assert all(any(covers(box, x + 8, y + 8, 24) for box in boxes) for x, y in places)


def test_sensitivity_is_the_least_contrast_that_counts() -> None:
    grey = np.full((480, 640), 100, np.uint8)
    seen = {}
    for sensitivity in (0.0, 0.5, 1.0):
        for contrast in (6, 16, 40):
            gate = settled(grey, MotionSettings(sensitivity))
            for i in range(4):
                boxes = gate.update(with_square(grey, 300 + 2 * i, 200, 60, 100 + contrast))
            seen[sensitivity, contrast] = bool(boxes)
    assert [seen[0.0, contrast] for contrast in (6, 16, 40)] == [False, False, True]
    assert [seen[0.5, contrast] for contrast in (6, 16, 40)] == [False, True, True]
    assert [seen[1.0, contrast] for contrast in (6, 16, 40)] == [True, True, True]


@pytest.mark.parametrize(
    ("sensitivity", "rate"), [(-0.1, 10), (1.1, 10), (0.5, 0), (0.5, -1), (float("nan"), 10), (0.5, float("nan"))]
)
def test_settings_out_of_range_are_refused(sensitivity: float, rate: float) -> None:
    with pytest.raises(ValueError, match="sensitivity must be 0 to 1"):
        MotionSettings(sensitivity, rate)


def test_a_picture_of_another_size_starts_the_gate_afresh() -> None:
    gate = settled(room())
    assert gate.update(room(320, 240)) == ()
    assert not any(gate.update(picture) for picture in noisy([room(320, 240)] * 5))


@pytest.mark.parametrize("size", [(2, 2), (128, 64), (242, 2), (2, 400), (1278, 718), (8192, 4)])
def test_pictures_of_any_size_can_be_looked_at(size: tuple[int, int]) -> None:
    width, height = size
    rng = np.random.default_rng(0)
    gate = MotionGate(MotionSettings(1.0))
    for level in (50, 50, 50, 50, 60, 200, 60):
        picture = np.full((height, width), level, np.uint8)
        picture[: height // 2] = rng.integers(0, 256, (height // 2, width), dtype=np.uint8)
        for box in gate.update(picture):
            assert 0 <= box.x1 < box.x2 <= width
            assert 0 <= box.y1 < box.y2 <= height


def test_the_same_pictures_give_the_same_answers() -> None:
    pictures = list(probe.frames(probe.SCENES["person"], probe.background(1)))[:80]
    first, second = MotionGate(MotionSettings()), MotionGate(MotionSettings())
    assert [first.update(grey) for grey in pictures] == [second.update(grey) for grey in pictures]


def test_rows_with_padding_are_looked_at_like_others() -> None:
    wide = np.zeros((480, 704), np.uint8)
    tight, padded = settled(room()), settled(room())
    for i in range(5):
        grey = with_square(room(), 300 + 4 * i, 200)
        wide[:, :640] = grey
        assert padded.update(wide[:, :640]) == tight.update(grey)


@pytest.mark.parametrize(
    ("width", "height", "cells"), [(640, 480, (120, 160)), (1280, 720, (90, 160)), (128, 64, (64, 128))]
)
def test_a_cell_is_the_mean_of_its_pixels_of_each_second_row_where_they_are_many(
    width: int, height: int, cells: tuple[int, int]
) -> None:
    grey = room(width, height)
    small = Shrinker().shrink(grey)
    scale = width // cells[1]
    looked_at = grey[::2] if scale > 4 else grey
    means = looked_at.reshape(cells[0], -1, cells[1], scale).mean((1, 3))
    assert small.shape == cells
    assert small.shape[1] <= WORKING_WIDTH
    assert float(np.abs(small - means).max()) <= 1.5


@given(st.integers(1, 2600), st.integers(1, 1500))
@settings(max_examples=60, deadline=None)
def test_pictures_of_any_size_have_the_shape_that_is_announced_after_shrinking(width: int, height: int) -> None:
    ramp = np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))
    small = Shrinker().shrink(ramp)
    assert small.shape == shrunk_shape(height, width)
    assert float(np.abs(small[0] - np.linspace(0, 255, small.shape[1])).max()) <= 3


boxes_of_cells = st.tuples(st.integers(0, 90), st.integers(0, 50), st.integers(1, 10), st.integers(1, 10)).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)


@given(st.lists(boxes_of_cells, max_size=60), st.integers(1, 16))
def test_united_boxes_are_few_and_cover_all(boxes: list[Cells], most: int) -> None:
    joined = united(boxes, (60, 100), most)
    assert len(joined) <= max(most, 0 if not boxes else 1)
    for x1, y1, x2, y2 in boxes:
        assert any(a <= x1 and b <= y1 and c >= x2 and d >= y2 for a, b, c, d in joined)


def test_what_lies_in_an_ignored_zone_changes_nothing_at_all() -> None:
    zones = (Zone("left", ((0.0, 0.0), (0.4, 0.0), (0.3, 1.0), (0.0, 1.0))),)
    one, other = (MotionGate(MotionSettings(ignored=zones)) for _ in range(2))
    rng = np.random.default_rng(3)
    for i, grey in enumerate(noisy([with_square(room(), 330 + 6 * i, 200) for i in range(30)])):
        spoilt = grey.copy()
        spoilt[:, :190] = rng.integers(0, 256, (480, 190), dtype=np.uint8)
        boxes = one.update(grey)
        assert other.update(spoilt) == boxes, i
    assert boxes
    assert one.remember() == other.remember()


def test_motion_in_an_ignored_zone_is_none_and_beside_it_is_some() -> None:
    zones = (Zone("tree", ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))),)
    gate = settled(room(), MotionSettings(ignored=zones))
    assert not any(gate.update(with_square(room(), 100 + 5 * i, 200)) for i in range(10))
    assert gate.update(with_square(room(), 450, 200))


def test_light_is_judged_without_the_ignored_zones() -> None:
    zones = (Zone("most", ((0.0, 0.0), (0.6, 0.0), (0.6, 1.0), (0.0, 1.0))),)
    gate = settled(room(), MotionSettings(ignored=zones))
    brighter = np.asarray(np.clip(room() * 1.4, 0, 255), np.uint8)
    seen = [gate.update(picture) for picture in noisy([brighter] * 20)]
    assert sum(map(bool, seen)) <= 2


def test_everything_may_be_ignored() -> None:
    everywhere = (Zone("all", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))),)
    gate = settled(room(), MotionSettings(ignored=everywhere))
    assert gate.update(with_square(room(), 300, 200)) == ()


def test_a_gate_that_remembers_sees_at_once_what_has_changed_meanwhile() -> None:
    earlier = settled(room())
    later = MotionGate(MotionSettings())
    assert later.recall(earlier.remember())
    shown = [later.update(with_square(room(), 300, 200)) for _ in range(2)]
    assert all(shown)
    again = MotionGate(MotionSettings())
    again.recall(earlier.remember())
    assert not any(again.update(picture) for picture in noisy([room()] * 20))


def test_people_in_the_first_pictures_leave_no_ghost_where_the_background_is_remembered() -> None:
    gate = MotionGate(MotionSettings())
    gate.recall(settled(room()).remember())
    assert gate.update(with_square(room(), 300, 200))
    assert not any(gate.update(picture) for picture in noisy([room()] * 20))


def test_another_scene_than_the_remembered_one_is_learnt_anew() -> None:
    gate = MotionGate(MotionSettings())
    gate.recall(settled(room()).remember())
    assert not any(gate.update(picture) for picture in noisy([np.asarray(255 - room(), np.uint8)] * 20))


@given(st.binary(max_size=300))
def test_a_memory_that_is_none_is_refused_and_changes_nothing(memory: bytes) -> None:
    gate = MotionGate(MotionSettings())
    assert not gate.recall(memory)
    assert gate.remember() == b""
    assert gate.update(room(64, 48)) == ()


def test_a_memory_that_is_cut_off_or_of_another_version_is_refused() -> None:
    memory = settled(room()).remember()
    for wrong in (memory[:-1], memory + b"0", b"X" + memory[1:], memory[:8] + b"\xff" * 8 + memory[16:]):
        assert not MotionGate(MotionSettings()).recall(wrong)


def test_a_change_of_scene_is_reported_for_two_seconds() -> None:
    gate = settled(room())
    unsettled = [gate.is_unsettled]
    for picture in noisy([np.full((480, 640), 90, np.uint8)] * 30):
        gate.update(picture)
        unsettled.append(gate.is_unsettled)
    assert unsettled[:2] == [False, True]
    assert 18 <= sum(unsettled) <= 22


def test_somebody_is_seen_again_within_a_second_of_a_change_of_light() -> None:
    scene = probe.SCENES["person in a step"]
    gate = MotionGate(MotionSettings())
    seen = probe.seen(gate.update, scene, probe.background(1))
    after = probe.CHANGE_AT - probe.SETTLING
    assert all(seen[:after])
    assert any(seen[after : after + 10])
    assert all(seen[after + 10 :])


def test_what_was_put_down_is_no_motion_after_fifteen_seconds_nor_is_the_place_it_was_taken_from() -> None:
    grey = room(240, 180)
    with_bag = with_square(grey, 100, 80, 30, 250)
    gate = settled(grey)
    down = [gate.update(picture) for picture in noisy([with_bag] * 250)]
    assert all(down[:140])
    assert not any(down[170:])
    taken = [gate.update(picture) for picture in noisy([grey] * 250)]
    assert not any(taken[170:])


def test_somebody_who_stirs_a_little_stays_seen() -> None:
    grey = room(240, 180)
    gate = settled(grey)
    swaying = [with_square(grey, 100 + 2 * abs((i // 5) % 6 - 3), 80, 30, 250) for i in range(400)]
    assert all(gate.update(picture) for picture in noisy(swaying))


def test_pictures_that_were_skipped_count_as_time() -> None:
    grey = room(240, 180)
    bag = with_square(grey, 100, 80, 30, 250)
    every, third = settled(grey), settled(grey)
    pictures = list(noisy([bag] * 300))
    still_from = [max(i for i, boxes in enumerate(map(every.update, pictures)) if boxes)]
    looks = [(i, third.update(pictures[i], 2)) for i in range(0, 300, 3)]
    still_from.append(max(i for i, boxes in looks if boxes))
    assert abs(still_from[0] - still_from[1]) <= 25
