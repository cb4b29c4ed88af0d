"""The golden answer: rounding passes, another model does not."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import ContractError, ModelIntegrityError
from smartcam.model.golden import check_answer, dump_answer, parse_answer
from smartcam.model.heads.answer import RegionDetections
from smartcam.model.manifest import MOST_LABELS

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


def test_an_empty_answer_proves_nothing_and_passes_nowhere() -> None:
    for actual in (sightings(), GOLDEN):
        with pytest.raises(ModelIntegrityError, match=r"has no detections.*--golden PICTURE"):
            check_answer(sightings(), actual, 0.05)


def test_a_list_of_one_is_compared() -> None:
    one = sightings((0, 0.5, BOX))
    check_answer(one, sightings((0, 0.52, BOX)), 0.05)
    for other in (sightings(), sightings((1, 0.5, BOX)), sightings((0, 0.5, ELSEWHERE)), sightings((0, 0.6, BOX))):
        with pytest.raises(ModelIntegrityError, match=r"class 0 with score 0\.500 is not detected"):
            check_answer(one, other, 0.05)


def test_one_detection_answers_for_one_and_not_for_two_of_the_same_place() -> None:
    two = sightings((0, 0.9, BOX), (0, 0.88, (0.1, 0.1, 0.4, 0.38)), (1, 0.2, ELSEWHERE))
    check_answer(two, two, 0.05)
    with pytest.raises(ModelIntegrityError, match=r"class 0 with score 0\.880 is not detected"):
        check_answer(two, sightings((0, 0.9, BOX), (1, 0.2, ELSEWHERE)), 0.05)


def test_the_most_labels_that_a_model_may_have_fit_into_an_answer() -> None:
    shares = np.full(MOST_LABELS, 1 / MOST_LABELS, np.float32)
    check_answer(parse_answer(dump_answer(shares)), shares, 0.01)


@st.composite
def answers(draw: st.DrawFn) -> RegionDetections:
    """One to eight objects apart from each other, none the same when its axes are exchanged, at any scores."""
    places = draw(st.lists(st.integers(0, 15), min_size=1, max_size=8, unique=True))
    scores = sorted(draw(st.lists(st.floats(0.3, 0.94), min_size=len(places), max_size=len(places))), reverse=True)
    labels = draw(st.lists(st.integers(0, 89), min_size=len(places), max_size=len(places)))
    corners = [(place % 4 / 4 + 0.02, place // 4 / 4 + 0.02) for place in places]
    rows = [
        (label, score, (x, y, x + 0.05, y + 0.2)) for label, score, (x, y) in zip(labels, scores, corners, strict=True)
    ]
    return sightings(*rows)


def changed(answer: RegionDetections, **parts: object) -> RegionDetections:
    return replace(answer, **parts)  # type: ignore[arg-type]


FAULTS: dict[str, Callable[[RegionDetections], RegionDetections]] = {
    "shifted labels": lambda answer: changed(answer, classes=answer.classes + 1),
    "exchanged axes": lambda answer: changed(answer, boxes=answer.boxes[:, [1, 0, 3, 2]]),
    "boxes of half the size": lambda answer: changed(answer, boxes=answer.boxes / 2),
    "mirrored": lambda answer: changed(answer, boxes=1 - answer.boxes[:, [2, 3, 0, 1]]),
    "another scale": lambda answer: changed(answer, scores=answer.scores * np.float32(0.7)),
    "blind": lambda _: sightings(),
    "half the boxes lost": lambda answer: part(answer, (len(answer.scores)) // 2),
    "scores for classes": lambda answer: changed(
        answer, scores=answer.classes / np.float32(90), classes=answer.classes * 0
    ),
    "twice the boxes": lambda answer: joined(answer, changed(answer, boxes=answer.boxes * np.float32(0.2))),
}


def part(answer: RegionDetections, count: int) -> RegionDetections:
    return changed(answer, boxes=answer.boxes[:count], scores=answer.scores[:count], classes=answer.classes[:count])


def joined(one: RegionDetections, other: RegionDetections) -> RegionDetections:
    order = np.argsort(-np.concatenate((one.scores, other.scores)), kind="stable")
    pairs = ((one.boxes, other.boxes), (one.scores, other.scores), (one.classes, other.classes))
    boxes, scores, classes = (np.concatenate(pair)[order] for pair in pairs)
    return changed(one, boxes=boxes, scores=scores, classes=classes)


@pytest.mark.parametrize("fault", FAULTS)
@given(answer=answers())
def test_what_a_wrong_reading_makes_of_any_answer_is_noticed(fault: str, answer: RegionDetections) -> None:
    with pytest.raises(ModelIntegrityError, match="golden output differs"):
        check_answer(answer, FAULTS[fault](answer), 0.05)


@given(answer=answers(), noise=st.lists(st.floats(-0.02, 0.02), min_size=8, max_size=8))
def test_rounding_is_never_taken_for_another_model(answer: RegionDetections, noise: list[float]) -> None:
    count = len(answer.scores)
    shaken = answer.scores + np.array(noise[:count], np.float32)
    order = np.argsort(-shaken, kind="stable")
    moved = answer.boxes + np.float32(noise[0] / 10)
    check_answer(answer, RegionDetections(moved[order], shaken[order], answer.classes[order]), 0.05)


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
