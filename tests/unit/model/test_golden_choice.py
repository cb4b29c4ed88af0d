"""The golden picture: never without an answer, and the one that shows most of what could be wrong on a device."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.golden_choice import LEAST_SCORE, TOLERANCE, Rgb, choose_golden, tolerance_for
from smartcam.model.heads.answer import RegionDetections

LEFT, MIDDLE = (0.1, 0.3, 0.3, 0.9), (0.25, 0.25, 0.75, 0.75)


def plain(*colour: int) -> Rgb:
    return np.full((8, 8, 3), colour, np.uint8)


def seen(score: float, box: tuple[float, ...] = LEFT, label: int = 0) -> RegionDetections:
    return RegionDetections(np.array([box], np.float32), np.array([score], np.float32), np.array([label]))


NOTHING = RegionDetections(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))


def finds_red(box: tuple[float, ...] = LEFT) -> Callable[[Rgb], RegionDetections]:
    """As sure as the picture is red, and blind below 0.05."""

    def infer(rgb: Rgb) -> RegionDetections:
        red = float(rgb[..., 0].mean()) / 255
        return seen(red, box) if red >= 0.05 else NOTHING

    return infer


def test_a_detector_that_finds_nothing_is_refused_with_what_to_do() -> None:
    pictures = [plain(0, 200, 200), plain(0, 0, 0)]
    with pytest.raises(ModelIntegrityError, match=r"finds nothing in the 2 pictures made up .* --golden PICTURE\.jpg"):
        choose_golden(finds_red(), pictures)


def test_a_detector_that_is_only_a_little_sure_is_refused_with_the_score_that_is_needed() -> None:
    with pytest.raises(ModelIntegrityError, match=f"finds nothing surer than 0.20 in .* a score of {LEAST_SCORE}"):
        choose_golden(finds_red(), [plain(51, 0, 0), plain(0, 0, 0)])


def test_a_picture_that_is_brought_is_used_and_held_to_the_same_score() -> None:
    assert choose_golden(finds_red(), [plain(250, 0, 0)], plain(200, 9, 9)).picture[0, 0].tolist() == [200, 9, 9]
    with pytest.raises(ModelIntegrityError, match=r"finds nothing surer than 0\.08 in the picture of --golden"):
        choose_golden(finds_red(), [plain(250, 0, 0)], plain(20, 9, 9))


def test_a_picture_that_shows_exchanged_colours_is_preferred_to_a_surer_one() -> None:
    grey, red = plain(230, 230, 230), plain(180, 0, 0)
    chosen = choose_golden(finds_red(), [grey, red, grey])
    assert chosen.picture is red
    assert chosen.said == ()


def test_a_surer_answer_is_preferred_but_not_a_saturated_one() -> None:
    pictures = [plain(120, 0, 0), plain(255, 0, 0), plain(220, 0, 0)]
    assert choose_golden(finds_red(), pictures).picture is pictures[2]


def test_what_no_picture_shows_is_said() -> None:
    said = choose_golden(finds_red(MIDDLE), [plain(230, 230, 230)]).said
    assert [sentence for sentence in said if "exchanged colours" in sentence]
    assert [sentence for sentence in said if "exchanged axes" in sentence]
    assert not [sentence for sentence in said if "another scale" in sentence]


def test_a_model_that_answers_the_same_to_everything_is_told_from_one_that_sees() -> None:
    said = choose_golden(lambda _: np.array([0.1, 0.9], np.float32), [plain(250, 0, 0)]).said
    assert len(said) == 2
    assert "exchanged colours" in said[0]
    assert "another scale" in said[1]


def trembling(step: float) -> Callable[[Rgb], NDArray[np.float32]]:
    """Shares that follow the red, but where green is full tell how odd the first sample is."""

    def infer(rgb: Rgb) -> NDArray[np.float32]:
        red = float(rgb[..., 0].mean()) / 255
        odd = step * (int(rgb[0, 0, 2]) % 2) if int(rgb[..., 1].max()) > 200 else 0.0
        return np.array([red - odd, 1 - red + odd], np.float32)

    return infer


def test_an_answer_that_one_grey_level_moves_is_not_taken_where_there_is_a_steadier_one() -> None:
    shaky, steady = plain(200, 230, 101), plain(170, 20, 100)
    assert choose_golden(trembling(0.3), [shaky, steady, shaky]).picture is steady
    assert choose_golden(trembling(0.3), [steady, shaky]).tolerance == TOLERANCE


@pytest.mark.parametrize(("step", "tolerance"), [(0.0, 0.05), (0.12, 0.05), (0.2, 0.08), (0.25, 0.1), (0.6, 0.1)])
def test_where_every_answer_is_shaky_the_tolerance_is_what_rounding_may_do_and_no_more(
    step: float, tolerance: float
) -> None:
    assert choose_golden(trembling(step), [plain(220, 230, 101)]).tolerance == pytest.approx(tolerance, abs=0.003)


def test_a_detection_that_comes_and_goes_with_one_grey_level_is_not_taken_where_there_is_a_steadier_one() -> None:
    def infer(rgb: Rgb) -> RegionDetections:
        red = float(rgb[..., 0].mean()) / 255
        return NOTHING if rgb[0, 0, 2] in (100, 102) else seen(red)

    shaky, steady = plain(200, 0, 101), plain(170, 0, 50)
    assert choose_golden(infer, [shaky, steady]).picture is steady


@pytest.mark.parametrize(("highest", "tolerance"), [(0.9, 0.05), (0.5, 0.05), (0.1, 0.025), (0.012, 0.01)])
def test_a_thousand_small_shares_are_compared_more_closely(highest: float, tolerance: float) -> None:
    shares: NDArray[np.float32] = np.full(1001, 0.0001, np.float32)
    shares[7] = highest
    assert tolerance_for(shares) == pytest.approx(tolerance, abs=1e-6)


def test_a_detectors_tolerance_is_the_usual_one() -> None:
    assert tolerance_for(seen(0.3)) == TOLERANCE
