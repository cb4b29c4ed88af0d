import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from smartcam.contract.event import NormalBox
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.vision.shading import Backdrop, is_shade

Light = NDArray[np.float32]
INSIDE = slice(5, 35), slice(5, 45)


def ground(seed: int = 0, contrast: float = 40.0) -> Light:
    """A patch of 40 by 50 cells: rough, or flat where the contrast is 0."""
    rng = np.random.default_rng(seed)
    rough = cv2.resize(rng.standard_normal((14, 17)).astype(np.float32), (50, 40), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(110 + contrast * rough, 10, 245), np.float32)


def noisy(light: Light, seed: int = 1) -> Light:
    return np.asarray(light + np.random.default_rng(seed).normal(0, 0.8, light.shape), np.float32)


def lit(before: Light, share: float, soft: float = 0.0) -> Light:
    mask = np.zeros_like(before)
    mask[INSIDE] = 1
    if soft:
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), soft), np.float32)
    return np.asarray(before * (1 - (1 - share) * mask), np.float32)


def with_object(before: Light, thing: Light | float) -> Light:
    now = before.copy()
    now[INSIDE] = thing
    return now


@pytest.mark.parametrize("contrast", [0.0, 15.0, 40.0])
@pytest.mark.parametrize(
    ("share", "soft"),
    [(0.6, 0.0), (0.6, 2.0), (0.75, 0.0), (0.75, 2.0), (0.85, 0.0), (1.4, 0.0), (1.4, 2.0), (2.0, 0.0)],
)
def test_the_same_ground_darker_or_brighter_is_a_shade(contrast: float, share: float, soft: float) -> None:
    before = ground(contrast=contrast) * np.float32(0.5)
    assert is_shade(noisy(lit(before, share, soft)), noisy(before, 2))


@pytest.mark.parametrize("contrast", [0.0, 15.0, 40.0])
def test_a_thing_with_an_inside_of_its_own_is_no_shade(contrast: float) -> None:
    before = ground(contrast=contrast)
    assert not is_shade(noisy(with_object(before, ground(9)[INSIDE] * np.float32(0.8))), noisy(before, 2))


def test_a_plain_thing_hides_rough_ground() -> None:
    before = ground(contrast=40)
    assert not is_shade(noisy(with_object(before, 80.0)), noisy(before, 2))


def test_what_is_darker_than_shadows_are_is_a_thing_even_on_flat_ground() -> None:
    before = ground(contrast=0)
    assert not is_shade(noisy(with_object(before, 30.0)), noisy(before, 2))


def test_too_little_to_tell_is_taken_for_a_thing() -> None:
    before = ground()
    assert not is_shade(before.copy(), before)


def luma(small: Light) -> NDArray[np.uint8]:
    return np.asarray(np.clip(small, 0, 255), np.uint8)


def at(seconds: float) -> MonotonicNs:
    return MonotonicNs(round(seconds * NS_PER_S))


WHERE = NormalBox(5 / 50, 5 / 40, 45 / 50, 35 / 40)


def test_a_backdrop_tells_a_shadow_from_a_thing_once_it_has_seen_the_ground() -> None:
    backdrop, before = Backdrop(), ground()
    assert backdrop.is_object(luma(lit(before, 0.7)), WHERE)
    backdrop.learn(at(0), luma(before), ())
    assert not backdrop.is_object(luma(lit(before, 0.7)), WHERE)
    assert backdrop.is_object(luma(with_object(before, ground(9)[INSIDE])), WHERE)


def test_what_moves_is_not_learnt_and_what_stays_is() -> None:
    moving, still = Backdrop(), Backdrop()
    before, shaded = luma(ground()), luma(lit(ground(), 0.7))
    for second in range(30):
        moving.learn(at(second), before if not second else shaded, (PixelBox(0, 0, 50, 40),))
        still.learn(at(second), before if not second else shaded, ())
    assert not moving.is_object(shaded, WHERE)
    assert still.is_object(shaded, WHERE)


def test_it_learns_once_a_second_at_most() -> None:
    backdrop, before = Backdrop(), luma(ground())
    backdrop.learn(at(0), before, ())
    for look in range(100):
        backdrop.learn(at(0.009 * look), luma(ground(9)), ())
    assert not backdrop.is_object(luma(lit(ground(), 0.7)), WHERE)


def test_a_picture_of_another_size_is_learnt_afresh() -> None:
    backdrop = Backdrop()
    backdrop.learn(at(0), luma(ground()), ())
    larger = np.asarray(cv2.resize(luma(ground()), (100, 80)), np.uint8)
    assert backdrop.is_object(larger, WHERE)
    backdrop.learn(at(2), larger, ())
    assert not backdrop.is_object((larger * 0.7).astype(np.uint8), WHERE)
