"""Of the many boxes of one object one is left, as plain suppression in a loop would leave it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from smartcam.model.heads.answer import FloatArray, IntArray, in_region, keep_best

corners = arrays.arrays(np.float32, st.tuples(st.integers(0, 30), st.just(4)), elements=st.integers(0, 20))


def in_a_loop(boxes: FloatArray, scores: FloatArray, classes: IntArray) -> list[int]:
    """Plain greedy suppression for each class, box by box."""
    left = sorted(range(len(scores)), key=lambda place: -scores[place])
    kept = []
    while left:
        best, *left = left
        kept.append(best)
        left = [each for each in left if classes[each] != classes[best] or iou(boxes[each], boxes[best]) <= 0.5]
    return kept


def iou(a: FloatArray, b: FloatArray) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(float(width), 0.0) * max(float(height), 0.0)
    area_a, area_b = (float((box[2] - box[0]) * (box[3] - box[1])) for box in (a, b))
    return shared / (area_a + area_b - shared)


@given(corners, st.integers(0, 2**32 - 1))
def test_suppression_in_arrays_equals_a_plain_loop(sides: FloatArray, seed: int) -> None:
    boxes = np.concatenate((np.minimum(sides[:, :2], sides[:, 2:]), np.maximum(sides[:, :2], sides[:, 2:]) + 1), axis=1)
    random = np.random.default_rng(seed)
    # Few different scores, so that equal ones are among them.
    scores = random.integers(1, 6, len(boxes)).astype(np.float32) / 6
    classes = random.integers(0, 3, len(boxes))
    assert keep_best(boxes, scores, classes).tolist() == in_a_loop(boxes, scores, classes)


def test_objects_of_other_classes_do_not_suppress_each_other() -> None:
    boxes = np.array([[0, 0, 1, 1]] * 3, np.float32)
    kept = keep_best(boxes, np.array([0.5, 0.9, 0.7], np.float32), np.array([0, 1, 0]))
    assert kept.tolist() == [1, 2]


def test_a_score_a_hair_above_one_is_one_and_more_is_none() -> None:
    boxes = np.array([[0, 0, 1, 1], [0, 0, 0.5, 1], [0, 0, 0.2, 1]], np.float32)
    scores = np.array([255 * np.float32(1 / 255) + np.float32(1e-6), 0.5, 1.5], np.float32)
    seen = in_region(boxes, scores, np.zeros(3, np.float32))
    assert seen.scores.tolist() == [1.0, 0.5]


@given(arrays.arrays(np.float32, (6, 6), elements=st.floats(-3, 3, width=32)))
def test_detections_are_sorted_within_the_region_and_no_box_is_there_twice(table: FloatArray) -> None:
    table[3:5, :4] = table[2, :4]
    seen = in_region(table[:, :4], table[:, 4], table[:, 5])
    assert ((seen.boxes >= 0) & (seen.boxes <= 1)).all()
    assert (np.diff(seen.scores) <= 0).all()
    twins = [row for row in (2, 3, 4) if 0 <= table[row, 4] <= 1 and table[row, 5] >= 0]
    x1, y1, x2, y2 = table[2, :4].clip(0, 1)
    if twins and x1 < x2 and y1 < y2:
        assert float(table[twins, 4].max()) in seen.scores.tolist()
    assert len(seen.scores) <= 4
