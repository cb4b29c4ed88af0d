"""What a look says of places: their content, not the exposure; by day and by infrared apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.vision.normal.look import BY_HAND, PLACES, Regime, look_at, movement
from smartcam.vision.shrink import Shrinker
from tests.unit.vision.normal.drawn_looks import HEIGHT, WIDTH, room, seen, with_thing


def test_a_look_says_the_same_of_each_place_under_another_exposure() -> None:
    rng = np.random.default_rng(1)
    usual, darker = seen(room(), rng), seen(room(), rng, light=0.7)
    other = seen(with_thing(room()), rng)
    assert usual.features.shape == (PLACES, BY_HAND)
    apart = np.linalg.norm(usual.features - darker.features, axis=1)
    changed = np.linalg.norm(usual.features - other.features, axis=1)
    there = np.zeros((8, 16), bool)
    there[2:5, 10:13] = True
    assert np.median(changed[there.reshape(-1)]) > 4 * np.median(apart)


def test_a_look_at_a_large_picture_is_that_at_the_same_picture_shrunk() -> None:
    small = room()
    large = small.repeat(10, 0).repeat(10, 1)
    colour = np.full((HEIGHT // 2, WIDTH // 2), 140, np.uint8)
    one = look_at(small, colour, colour)
    other = look_at(Shrinker().shrink(large), colour.repeat(10, 0).repeat(10, 1), colour)
    assert np.abs(one.features - other.features).mean() < 0.1


def test_a_picture_without_colours_is_infrared_and_one_between_is_what_it_was() -> None:
    luma = room()
    for level, before, found in (
        (0, None, Regime.INFRARED),
        (12, None, Regime.DAY),
        (12, Regime.INFRARED, Regime.DAY),
        (0, Regime.DAY, Regime.INFRARED),
        (2.5, Regime.DAY, Regime.DAY),
        (2.5, Regime.INFRARED, Regime.INFRARED),
    ):
        colour = np.full((32, 64), 128, np.float32) + np.float32(level)
        rounded = np.round(colour + np.tile([-0.5, 0.5], 32) * (level % 1 > 0)).astype(np.uint8)
        assert look_at(luma, rounded, rounded, before=before).regime is found, (level, before)


def test_what_an_encoder_says_stands_beside_what_is_measured_here() -> None:
    colour = np.full((32, 64), 140, np.uint8)
    encoded = np.arange(PLACES * 3, dtype=np.float32).reshape(PLACES, 3)
    look = look_at(room(), colour, colour, encoded)
    assert np.array_equal(look.features[:, BY_HAND:], encoded)
    with pytest.raises(ValueError, match="encoded must be"):
        look_at(room(), colour, colour, encoded[:5])


def test_movement_is_where_something_moves_and_nowhere_when_only_the_light_changes() -> None:
    rng = np.random.default_rng(2)
    still, brighter, moved = seen(room(), rng), seen(room(), rng), seen(with_thing(room()), rng)
    assert movement(still, brighter).max() < 4
    found = movement(still, moved).reshape(8, 16)
    assert found[2:5, 10:13].min() > 15
    assert found[:, :8].max() < 4


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 255), st.integers(0, 255), st.integers(1, 40), st.integers(1, 40))
def test_every_picture_has_a_look_of_finite_numbers(luma: int, colour: int, rows: int, columns: int) -> None:
    flat = np.full((2 * rows, 2 * columns), luma, np.uint8)
    chroma = np.full((rows, columns), colour, np.uint8)
    look = look_at(flat, chroma, chroma)
    assert np.isfinite(look.features).all()
