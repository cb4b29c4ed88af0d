"""How far a target's answers are from the original's."""

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measure.export.parity import Difference, TargetRow, apart, as_document, beside, compare, table
from smartcam.model.interpreter import Tensor


def answer(*numbers: int) -> tuple[Tensor, ...]:
    return (np.array([numbers], np.uint8),)


def top(outputs: Sequence[Tensor]) -> int:
    return int(outputs[0].argmax())


def never(place: int) -> tuple[Tensor, ...]:
    raise AssertionError(place)


@given(st.lists(st.integers(0, 255), min_size=1, max_size=9), st.data())
def test_answers_in_bytes_are_apart_by_their_largest_step_in_either_direction(
    one: list[int], data: st.DataObject
) -> None:
    other = data.draw(st.lists(st.integers(0, 255), min_size=len(one), max_size=len(one)))
    expected = max(abs(a - b) for a, b in zip(one, other, strict=True))
    assert apart(answer(*one), answer(*other)) == apart(answer(*other), answer(*one)) == expected


@pytest.mark.parametrize(
    "other",
    [
        (np.array([1.0, np.nan], np.float32),),
        (np.array([1.0, np.inf], np.float32),),
        (np.array([1.0], np.float32),),
        (),
        (np.array([1.0, 2.0], np.float32),) * 2,
    ],
)
def test_what_is_no_number_or_has_another_form_is_infinitely_far_away(other: tuple[Tensor, ...]) -> None:
    assert apart((np.array([1.0, 2.0], np.float32),), other) == float("inf")


def test_the_mean_is_over_pictures_and_the_top_label_is_counted() -> None:
    found = compare([answer(9, 1), answer(5, 4)], [answer(9, 1), answer(4, 5)], 2, top, never)
    assert found == Difference(1.0, 0.5, 0.5, 0, 1.0)


def test_a_picture_beyond_the_limit_is_right_between_the_originals_two_sets_of_kernels() -> None:
    originals = [answer(66, 0), answer(10, 0)]
    asked: list[int] = []

    def reference(place: int) -> tuple[Tensor, ...]:
        asked.append(place)
        return answer(58, 0)

    assert compare(originals, [answer(58, 0), answer(11, 0)], 2, top, reference) == Difference(1.0, 0.5, 1.0, 1, 8.0)
    assert asked == [0]


def test_the_reference_kernels_do_not_excuse_what_is_far_from_both() -> None:
    found = compare([answer(66, 0)], [answer(40, 0)], 2, top, lambda _: answer(58, 0))
    assert found.largest == 18


@given(st.integers(40, 60), st.integers(40, 60), st.integers(0, 255))
def test_what_lies_between_two_sets_of_kernels_is_right_and_the_rest_counts_from_the_nearer(
    one: int, other: int, number: int
) -> None:
    low, high = sorted((one, other))
    assert beside(answer(one), answer(other), answer(number)) == max(low - number, number - high, 0)


def test_two_classes_are_no_rounding() -> None:
    def detected(label: float, score: float) -> tuple[Tensor, ...]:
        return np.array([label], np.float32), np.array([score], np.float32)

    assert beside(detected(4, 0.33), detected(27, 0.36), detected(10, 0.34)) == 6
    assert beside(detected(4, 0.33), detected(4, 0.36), detected(4, 0.34)) == 0
    assert beside(detected(4, 0.33), detected(4, 0.36), detected(4, float("nan"))) == float("inf")


def test_an_answer_too_few_is_infinitely_far_away() -> None:
    assert compare([answer(1)] * 3, [answer(1)] * 2, 2, top, never).largest == float("inf")


def row(largest: float, limit: float | None = 2.0) -> TargetRow:
    return TargetRow(
        "onnx int8", "model.onnx", 1234, 0.5, 201, "steps", limit, Difference(largest, 0.1, 1.0, 0, largest)
    )


@pytest.mark.parametrize(
    ("made", "is_good"),
    [
        (row(2.0), True),
        (row(3.0), False),
        (row(float("inf")), False),
        (row(99.0, None), True),
        (TargetRow("tflm", fault="lacks FFT2D"), False),
        (TargetRow("tflm"), False),
        (TargetRow("tflm", absent="no package for aarch64"), True),
    ],
)
def test_a_target_is_good_when_it_is_near_enough_or_cannot_be_had_here(made: TargetRow, *, is_good: bool) -> None:
    assert made.is_good is is_good
    assert as_document([made], {})["passed"] is is_good


def test_the_table_says_what_fails_and_what_is_not_here_and_why() -> None:
    lines = table(
        [row(3.0), TargetRow("tflm", fault="lacks X"), TargetRow("litert-js", absent="no wheel")]
    ).splitlines()
    assert "FAILS: more than 2" in lines[1]
    assert "FAILS: lacks X" in lines[2]
    assert "not here: no wheel" in lines[3]


def test_the_table_says_how_many_pass_by_the_reference_kernels_only_and_how_far_they_are_from_a_device() -> None:
    made = replace(row(2.0), difference=Difference(2.0, 0.1, 1.0, 12, 8.0))
    assert table([made]).endswith("(12 by LiteRT's reference kernels; up to 8 from its fast ones)")
    [document] = json.loads(json.dumps(as_document([made], {})))["targets"]
    assert (document["judged_by_reference_kernels"], document["largest_from_fast_kernels"]) == (12, 8)


def test_the_document_is_json_whatever_came_out() -> None:
    text = json.dumps(as_document([row(float("inf"))], {"bundle": "x"}), allow_nan=False)
    assert json.loads(text)["targets"][0]["largest"] is None
