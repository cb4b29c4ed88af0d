import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from smartcam.contract.event import NormalBox
from smartcam.vision.picture import Picture
from smartcam.vision.snapshot import LARGEST_BYTES, draw, worth
from tests.strategies import normal_boxes

MIDDLE = NormalBox(0.4, 0.4, 0.6, 0.8)


def picture(width: int = 320, height: int = 180, seed: int = 0, blur: float = 0.0) -> Picture:
    bgr = np.random.default_rng(seed).integers(0, 255, (height, width, 3)).astype(np.uint8)
    return Picture.from_bgr(np.asarray(cv2.GaussianBlur(bgr, (0, 0), blur) if blur else bgr, np.uint8))


def opened(jpeg: bytes) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def test_the_box_and_the_label_are_drawn_on_the_whole_picture() -> None:
    plain = Picture.from_bgr(np.full((180, 320, 3), 128, np.uint8))
    shown = opened(draw(plain, MIDDLE, "person"))
    assert shown.shape == (180, 320, 3)
    assert abs(shown.astype(int) - 128).max(axis=2)[72:144, 125:131].max(axis=1).mean() > 60
    above = abs(shown[60:71, 128:180].astype(int) - 128).max(axis=2)
    assert above.mean() > 40
    assert abs(shown[150:, :100].astype(int) - 128).max() < 12


def test_noise_in_full_size_stays_below_a_hundred_kilobytes() -> None:
    jpeg = draw(picture(1920, 1080), MIDDLE, "person")
    assert len(jpeg) < LARGEST_BYTES
    assert opened(jpeg).shape[1] <= 1280


def test_an_ordinary_picture_keeps_its_size_up_to_1280() -> None:
    assert opened(draw(picture(1920, 1080, blur=9), MIDDLE, "car")).shape == (720, 1280, 3)
    assert opened(draw(picture(640, 480, blur=9), MIDDLE, "car")).shape == (480, 640, 3)


def test_what_was_black_before_is_black_in_the_snapshot() -> None:
    bgr = np.full((180, 320, 3), 200, np.uint8)
    bgr[:, :100] = 0
    assert opened(draw(Picture.from_bgr(bgr), MIDDLE, "person"))[:, :90].max() < 16


def test_a_label_the_font_does_not_know_is_written_as_well_as_it_can_be() -> None:
    assert opened(draw(picture(blur=3), MIDDLE, "Fußgänger")).shape == (180, 320, 3)


@settings(max_examples=30, deadline=None)
@given(normal_boxes())
def test_a_box_anywhere_can_be_drawn_and_judged(box: NormalBox) -> None:
    shown = picture(64, 48, blur=2)
    assert 0 < len(draw(shown, box, "person")) < LARGEST_BYTES
    assert worth(shown, box) > 0


def test_larger_sharper_and_wholly_inside_is_worth_more() -> None:
    sharp, soft = picture(blur=1), picture(blur=6)
    assert worth(sharp, NormalBox(0.3, 0.2, 0.7, 0.9)) > worth(sharp, MIDDLE)
    assert worth(sharp, MIDDLE) > worth(soft, MIDDLE)
    assert worth(sharp, MIDDLE) > worth(sharp, NormalBox(0.0, 0.4, 0.2, 0.8))


@given(st.sampled_from(["x1", "y1", "x2", "y2"]))
def test_each_edge_that_cuts_an_object_costs_the_same(side: str) -> None:
    flat = Picture.from_bgr(np.full((100, 100, 3), 90, np.uint8))
    inside = worth(flat, NormalBox(0.3, 0.3, 0.5, 0.5))
    cut = {
        "x1": NormalBox(0.0, 0.3, 0.2, 0.5),
        "y1": NormalBox(0.3, 0.0, 0.5, 0.2),
        "x2": NormalBox(0.8, 0.3, 1.0, 0.5),
        "y2": NormalBox(0.3, 0.8, 0.5, 1.0),
    }[side]
    assert worth(flat, cut) == pytest.approx(0.6 * inside, rel=0.01)
