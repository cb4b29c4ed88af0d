"""Smaller files of a network, measured."""

import importlib.util
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.classifier.conftest import SHORT_VISITS, RedFilm
from training.classifier.compressing import (
    DISTILLED,
    PRUNED,
    SMALL,
    SPARSITY,
    Compressed,
    Pruner,
    compared,
    fitted_small,
    sparsity_at,
    variants,
)
from training.classifier.fitting import FitSettings, begin
from training.classifier.learning import gathered_for
from training.classifier.networks import NetworkName, build
from training.errors import TrainingError
from training.export import Precision
from training.footage.cutting import FootageUse
from training.footage.film import Film
from training.footage.gathering import Examples, Looks
from training.network import Network

SHORT = FitSettings(epochs=2, batch=16, seed=2)
ONCE = FitSettings(epochs=1, batch=16, seed=2)


def training(test: Callable[..., None]) -> Callable[..., None]:
    """Marks a test that only the training environment can run."""
    missing = importlib.util.find_spec("tensorflow") is None
    for mark in (
        pytest.mark.training,
        pytest.mark.filterwarnings("default"),
        pytest.mark.skipif(missing, reason="TensorFlow is only in the training environment"),
    ):
        test = mark(test)
    return test


def variant(name: str, size: int, told_apart: float, auc: float = 1.0) -> Compressed:
    return Compressed(name, np.random.default_rng(size).bytes(size), auc, told_apart)


def rows(found: list[Compressed], ms: Mapping[str, float | None]) -> Mapping[str, tuple[bool, tuple[str, ...]]]:
    measured = compared(found, lambda name: {"LiteRT": ms[name]})
    return {row.variant.name: (row.is_on_front, row.gains) for row in measured}


def test_a_variant_that_another_beats_in_everything_is_not_on_the_front() -> None:
    found = [variant("float32", 4000, 0.9), variant("int8", 1000, 0.9), variant("small, int8", 500, 0.5)]
    got = rows(found, {"float32": 2.0, "int8": 1.0, "small, int8": 0.5})
    assert [name for name, (is_on_front, _) in got.items() if is_on_front] == ["int8", "small, int8"]
    assert got["int8"][1] == ("size", "zipped", "LiteRT")


def test_what_brings_nothing_is_said_to_bring_nothing() -> None:
    found = [variant(SMALL, 500, 0.5), variant(DISTILLED, 500, 0.5)]
    assert rows(found, {SMALL: 0.5, DISTILLED: 0.5})[DISTILLED] == (True, ())


def test_a_model_that_runs_where_its_twin_does_not_beats_it_there() -> None:
    found = [variant("float32", 100, 0.9), variant("float16", 100, 0.9)]
    assert rows(found, {"float32": None, "float16": 1.0})["float16"][1] == ("LiteRT",)
    assert rows(found, {"float32": 1.0, "float16": None})["float16"][1] == ()


@given(st.lists(st.tuples(st.integers(50, 90), st.integers(0, 5), st.integers(0, 4)), min_size=1, max_size=8))
def test_there_is_a_front_and_nothing_on_it_is_beaten(points: list[tuple[int, int, int]]) -> None:
    found = [variant(f"{place}", size, told / 4) for place, (size, _, told) in enumerate(points)]
    measured = compared(found, lambda name: {"LiteRT": float(points[int(name)][1])})
    front = [row for row in measured if row.is_on_front]
    assert front
    for row in front:
        for other in measured:
            better = (
                other.variant.zipped < row.variant.zipped
                and (other.ms["LiteRT"] or 0) < (row.ms["LiteRT"] or 0)
                and other.variant.told_apart > row.variant.told_apart
            )
            assert not better


@given(st.floats(-1, 3), st.floats(0, 1))
def test_pruning_grows_to_its_end_and_stays_there(progress: float, final: float) -> None:
    assert 0 <= sparsity_at(progress, final) <= sparsity_at(progress + 0.1, final) + 1e-12
    assert sparsity_at(1.0, final) == pytest.approx(final)
    assert sparsity_at(2.0, final) == pytest.approx(final)


@pytest.fixture(scope="module")
def examples(films: list[Film]) -> list[Examples]:
    gathered = gathered_for(films, lambda _: None)
    return [gathered.examples[use] for use in FootageUse]


@pytest.fixture(scope="module")
def compressed() -> tuple[Network, dict[str, Compressed]]:
    """A network after all that is done to it, and its variants by name: their sizes, whatever they have learned."""
    gathered = gathered_for([RedFilm("short", 30.0, SHORT_VISITS)], lambda _: None)
    begin(2)
    network = build(NetworkName.SMALL)
    found = variants(network, gathered.examples, ONCE, lambda _: None)
    return network, {each.name: each for each in found}


@training
def test_every_variant_runs_and_int8_is_a_third_of_float(compressed: tuple[Network, dict[str, Compressed]]) -> None:
    _, found = compressed
    assert [*found] == [*map(str, Precision), PRUNED, SMALL, DISTILLED]
    assert len(found["int8"].model) < 0.45 * len(found["float32"].model)
    assert found[PRUNED].zipped < 0.8 * found["int8"].zipped


@training
def test_a_pruned_network_has_three_quarters_of_its_large_kernels_at_nothing(
    compressed: tuple[Network, dict[str, Compressed]],
) -> None:
    network, _ = compressed
    kernels = [np.asarray(each) for each in network.trainable_weights if each.path.endswith("kernel")]
    shares = [float((kernel == 0).mean()) for kernel in kernels if kernel.size >= 500]
    assert min(shares) == pytest.approx(SPARSITY, abs=0.02)
    assert len(shares) >= 4


@training
def test_a_student_learns_what_its_teacher_answers_and_leaves_it_able_to_learn(examples: list[Examples]) -> None:
    begin(5)
    teacher = build(NetworkName.SMALL)
    teacher.trainable_weights[-1].assign([6.0])  # it is sure of everything
    pictures = examples[2].rgb.astype(np.float32) / 255
    taught, alone = (
        float(np.asarray(fitted_small(each, examples[0], examples[1], SHORT, lambda _: None)(pictures)).mean())
        for each in (teacher, None)
    )
    assert taught > alone + 0.05
    assert len(teacher.trainable_weights) == len(teacher.weights)


@training
def test_footage_whose_held_out_time_shows_one_kind_cannot_be_measured(examples: list[Examples]) -> None:
    none = Looks.of([(False, 0.0, 0, False)])
    test = Examples(np.zeros((1, 96, 160, 3), np.uint8), none, np.zeros((1, 4), np.float32))
    with pytest.raises(TrainingError, match="only one kind of pictures"):
        variants(None, dict(zip(FootageUse, [*examples[:2], test], strict=True)), SHORT, lambda _: None)


@training
def test_small_kernels_are_not_pruned() -> None:
    begin(1)
    network = build(NetworkName.SMALL)
    before = [np.array(each) for each in network.trainable_weights]
    Pruner(network, 0.75).after_step(10, 10)
    for old, new in zip(before, network.trainable_weights, strict=True):
        if old.size < 500:
            np.testing.assert_array_equal(old, np.asarray(new))
