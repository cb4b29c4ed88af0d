"""Each bar of the made-up scenes, on the seeds that nobody tunes on; `python -m measure.scenes` prints the table."""

import pytest

from measure.cutouts import CutFootage, cut_out
from measure.scenes.bars import misses
from measure.scenes.playing import open_detector, play_footage, play_noise
from measure.scenes.stories import LONG, STORIES
from measure.scenes.truth import StagedScene
from smartcam.inference.analysis.analysis import ObjectModel
from tests.pipeline.test_footage import MODEL, SHARED, make_stock_bundle

SEEDS = range(1, 10, 2)
A_DAY = range(1, 49, 2)
"""Of streets, an hour each."""
SHORT_S = 300.0
needs_footage = pytest.mark.skipif(not MODEL.is_file(), reason=f"the shared footage and models are not at {SHARED}")


@pytest.fixture(scope="module")
def footage() -> CutFootage:
    return cut_out(SHARED / "video")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ObjectModel:
    return open_detector(make_stock_bundle(tmp_path_factory.mktemp("coco") / "bundle"))


def short(name: str, seed: int) -> StagedScene:
    return STORIES[name](seed, SHORT_S) if name in LONG else STORIES[name](seed)


@pytest.mark.soak
@pytest.mark.parametrize("name", STORIES)
def test_with_the_noise_model_each_object_is_told_of_and_nothing_that_only_stands_there(name: str) -> None:
    seeds = A_DAY if name == "street" else SEEDS
    assert misses([play_noise(STORIES[name](seed)) for seed in seeds], real=False) == []


@pytest.mark.soak
@needs_footage
@pytest.mark.parametrize("name", STORIES)
def test_with_the_stock_detector_nearly_all_that_it_sees_in_two_looks_are_told_of(
    name: str, footage: CutFootage, model: ObjectModel
) -> None:
    assert misses([play_footage(short(name, seed), footage, model) for seed in SEEDS[:3]], real=True) == []
