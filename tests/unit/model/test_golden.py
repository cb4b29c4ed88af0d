"""The golden answer: rounding passes, another model does not."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import ContractError, ModelIntegrityError
from smartcam.model.golden import check_answer, dump_answer, parse_answer
from smartcam.model.heads.answer import RegionDetections

BOX, ELSEWHERE = (0.1, 0.1, 0.4, 0.4), (0.6, 0.6, 0.9, 0.9)


def sightings(*rows: tuple[int, float, tuple[float, ...]]) -> RegionDetections:
    return RegionDetections(
        np.array([row[2] for row in rows], np.float32).reshape(-1, 4),
        np.array([row[1] for row in rows], np.float32),
        np.array([row[0] for row in rows], np.int64),
    )


GOLDEN = sightings((0, 0.9, BOX), (1, 0.6, ELSEWHERE), (2, 0.1, BOX))


@given(st.lists(st.floats(0, 1, width=32), max_size=8))
def test_shares_come_back(shares: list[float]) -> None:
    answer = parse_answer(dump_answer(np.array(shares, np.float32)))
    assert not isinstance(answer, RegionDetections)
    np.testing.assert_allclose(answer, shares, atol=1e-6)


def test_sightings_come_back() -> None:
    answer = parse_answer(dump_answer(GOLDEN))
    assert isinstance(answer, RegionDetections)
    np.testing.assert_allclose(answer.boxes, GOLDEN.boxes, atol=1e-6)
    np.testing.assert_allclose(answer.scores, GOLDEN.scores, atol=1e-6)
    assert answer.classes.tolist() == [0, 1, 2]


@pytest.mark.parametrize("place", [0, 1])
def test_an_answer_that_is_no_number_is_another_answer(place: int) -> None:
    actual = np.array([0.5, 0.5], np.float32)
    actual[place] = np.nan
    with pytest.raises(ModelIntegrityError, match=f"share {place} is nan"):
        check_answer(np.array([0.5, 0.5], np.float32), actual, 1.0)


def test_no_sightings_come_back_as_none() -> None:
    answer = parse_answer(dump_answer(sightings()))
    assert isinstance(answer, RegionDetections)
    assert answer.boxes.shape == (0, 4)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({}, "sightings"),
        ({"shares": [2]}, "shares.0"),
        ({"sightings": [7]}, "sightings[0].box"),
        ({"sightings": [{"class": 0, "score": 0.5, "box": [0, 0, 1]}]}, "sightings[0].box"),
        ({"sightings": [{"class": -1, "score": 0.5, "box": [0, 0, 1, 1]}]}, "sightings[0].class"),
    ],
)
def test_a_wrong_answer_file_is_named_by_field(document: object, field: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse_answer(json.dumps(document).encode())
    assert caught.value.field == field


def test_rounding_and_another_order_pass() -> None:
    rounded = sightings((0, 0.88, BOX), (1, 0.63, ELSEWHERE), (5, 0.12, ELSEWHERE))
    check_answer(GOLDEN, rounded, 0.05)
    with pytest.raises(ModelIntegrityError, match=r"class 0 with score 0\.900 is not detected"):
        check_answer(GOLDEN, rounded, 0.01)
    near = sightings((0, 0.5, BOX), (1, 0.49, ELSEWHERE), (2, 0.1, BOX))
    check_answer(near, sightings((1, 0.5, ELSEWHERE), (0, 0.49, BOX), (2, 0.1, BOX)), 0.05)


@pytest.mark.parametrize(
    ("actual", "complaint"),
    [
        (sightings((0, 0.8, BOX), (1, 0.6, ELSEWHERE), (2, 0.1, BOX)), "class 0 with score 0.900 is not detected"),
        (sightings((3, 0.9, BOX), (1, 0.6, ELSEWHERE), (2, 0.1, BOX)), "class 0 with score 0.900 is not detected"),
        (
            sightings((0, 0.9, ELSEWHERE), (1, 0.6, ELSEWHERE), (2, 0.1, BOX)),
            "class 0 with score 0.900 is not detected",
        ),
        (sightings(), "class 0 with score 0.900 is not detected"),
        (
            sightings((0, 0.9, BOX), (7, 0.7, BOX), (1, 0.6, ELSEWHERE), (2, 0.1, BOX)),
            "class 7 with score 0.700 was not there",
        ),
    ],
    ids=["weaker", "another class", "another place", "blind", "something new"],
)
def test_another_model_does_not_pass(actual: RegionDetections, complaint: str) -> None:
    with pytest.raises(ModelIntegrityError, match=complaint):
        check_answer(GOLDEN, actual, 0.05)


def test_shares_differ_by_the_worst_one() -> None:
    golden = np.array([0.2, 0.8], np.float32)
    check_answer(golden, np.array([0.24, 0.76], np.float32), 0.05)
    with pytest.raises(ModelIntegrityError, match=r"share 0 is 0\.3000 and should be 0\.2000"):
        check_answer(golden, np.array([0.3, 0.75], np.float32), 0.05)
    with pytest.raises(ModelIntegrityError, match="has 2 shares, but the model gives 3"):
        check_answer(golden, np.zeros(3, np.float32), 0.05)


def test_an_answer_of_the_other_kind_does_not_pass() -> None:
    with pytest.raises(ModelIntegrityError, match="another kind"):
        check_answer(GOLDEN, np.zeros(2, np.float32), 0.05)
