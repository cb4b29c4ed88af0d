"""What each place usually looks like: learnt, forgotten slowly, and what a person excused."""

import numpy as np
import pytest
from numpy.typing import NDArray

from smartcam.vision.normal.look import PLACES
from smartcam.vision.normal.place import LONGEST, MOST_EXCUSED, PlaceMemory


def filled(
    width: int = 6, looks: int = 400, seed: int = 0
) -> tuple[PlaceMemory, NDArray[np.float32], np.random.Generator]:
    rng = np.random.default_rng(seed)
    usual = rng.normal(0, 1, (PLACES, width)).astype(np.float32)
    memory = PlaceMemory(width)
    for _ in range(looks):
        memory.learn(usual + rng.normal(0, 0.2, usual.shape).astype(np.float32))
    return memory, usual, rng


def test_what_was_learnt_is_near_and_something_else_is_far_where_it_is_and_nowhere_else() -> None:
    memory, usual, rng = filled()
    again = usual + rng.normal(0, 0.2, usual.shape).astype(np.float32)
    near = memory.distances(again)
    again[40] += 3
    far = memory.distances(again)
    assert near.max() < 6
    assert far[40] > 15
    assert np.array_equal(np.delete(far, 40), np.delete(near, 40))


def test_mean_and_covariance_are_those_of_the_looks() -> None:
    rng = np.random.default_rng(3)
    looks = rng.normal(2, 1, (300, PLACES, 4)).astype(np.float32)
    memory = PlaceMemory(4)
    for look in looks:
        memory.learn(look)
    assert np.allclose(memory.mean, looks.mean(0), atol=1e-4)
    assert np.allclose(memory.spread[7], np.cov(looks[:, 7].T, bias=True), atol=1e-3)


@pytest.mark.parametrize("width", [1, 6, 36])
def test_distances_are_those_of_mahalanobis_however_the_numbers_go_together(width: int) -> None:
    rng = np.random.default_rng(4)
    memory, mixed = PlaceMemory(width), rng.normal(0, 1, (PLACES, width, width))
    for _ in range(200):
        memory.learn(np.einsum("pi,pij->pj", rng.normal(0, 1, (PLACES, width)), mixed).astype(np.float32))
    look = rng.normal(0, 3, (PLACES, width)).astype(np.float32)
    spread = memory.spread.astype(np.float64)
    least = 0.1 * np.trace(spread, axis1=1, axis2=2).mean() / width + 1e-3
    apart = look - memory.mean
    expected = np.einsum("pi,pij,pj->p", apart, np.linalg.inv(spread + least * np.eye(width)), apart) ** 0.5
    assert np.allclose(memory.distances(look), expected, rtol=1e-4)


def test_the_spread_stays_symmetric_to_the_last_bit() -> None:
    memory, _, _ = filled(looks=1000)
    assert np.array_equal(memory.spread, memory.spread.transpose(0, 2, 1))


def test_forgetting_is_bounded_so_that_slow_change_is_followed() -> None:
    memory, usual, _ = filled()
    memory.looks = 10 * LONGEST
    before = memory.mean.copy()
    memory.learn(usual + 1)
    assert np.allclose(memory.mean - before, (usual + 1 - before) / LONGEST, rtol=1e-2, atol=1e-7)


def test_what_was_excused_is_near_although_it_was_seen_once() -> None:
    memory, usual, _ = filled()
    odd = usual.copy()
    odd[40] += 3
    assert memory.distances(odd)[40] > 15
    memory.excuse(odd)
    assert memory.distances(odd)[40] < 1
    odd[41] += 3
    assert memory.distances(odd)[41] > 15, "excused in its place only"


def test_no_more_is_excused_than_fits() -> None:
    memory, usual, _ = filled()
    for number in range(MOST_EXCUSED + 5):
        memory.excuse(usual + np.float32(number))
    assert memory.excused.shape == (MOST_EXCUSED, PLACES, 6)
    assert np.array_equal(memory.excused[-1], usual + np.float32(MOST_EXCUSED + 4))


def test_a_memory_of_nothing_judges_nothing() -> None:
    with pytest.raises(ValueError, match="nothing was learnt"):
        PlaceMemory(6).distances(np.zeros((PLACES, 6), np.float32))


def test_looks_that_never_change_give_finite_distances() -> None:
    memory = PlaceMemory(6)
    for _ in range(200):
        memory.learn(np.ones((PLACES, 6), np.float32))
    assert np.isfinite(memory.distances(np.zeros((PLACES, 6), np.float32))).all()
