"""How a model answers is found by running it, said in sentences, and asked for where it cannot be found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.examine import Examined, examine, input_spec
from smartcam.model.examining.trial import Wishes, known_picture, structured_picture
from smartcam.model.interpreter import Tensor, TensorSpec, open_interpreter
from smartcam.model.manifest import Colours, Fit, ModelKind, TensorLayout, TensorType
from smartcam.model.outputs import (
    Activation,
    Axes,
    BoxForm,
    BoxUnit,
    Candidates,
    HeadName,
    RowOrder,
    SsdOutput,
    YoloOutput,
)
from tests.fakes import models

SIDE = 64
Floats = NDArray[np.float32]
ORDERED = SsdOutput(0, 1, 2, 3)


@dataclass
class FakeInterpreter:
    """Answers each picture as a function of its brightness (height, width) of 0 to 1 says."""

    answer: Callable[[Floats], Sequence[Any]]
    names: Sequence[str] = ()
    shape: tuple[int, ...] = (1, SIDE, SIDE, 3)
    dtype: type[np.generic] = np.float32
    shown: list[Tensor] = field(default_factory=list)

    @property
    def input(self) -> TensorSpec:
        return TensorSpec(self.shape, np.dtype(self.dtype), 0.0, 0, "")

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        given = self._given(np.zeros((SIDE, SIDE), np.float32))
        names = self.names or [""] * len(given)
        return tuple(TensorSpec(each.shape, each.dtype, 0.0, 0, name) for each, name in zip(given, names, strict=True))

    def invoke(self, tensor: Tensor) -> tuple[Tensor, ...]:
        self.shown.append(tensor.copy())
        colours = 1 if self.shape[1] == 3 else 3
        grey = tensor[0].astype(np.float32).mean(axis=colours - 1)
        return self._given(grey if self.dtype is np.float32 else grey / 255)

    def _given(self, grey: Floats) -> tuple[Tensor, ...]:
        return tuple(np.asarray(each, np.float32) for each in self.answer(grey))


def found(
    answer: Callable[[Floats], Sequence[Any]],
    wishes: Wishes | None = None,
    names: Sequence[str] = (),
    shape: tuple[int, ...] = (1, SIDE, SIDE, 3),
) -> Examined:
    return examine(FakeInterpreter(answer, names, shape), (), wishes)


def labels(*counts: int) -> Wishes:
    return Wishes(labels=frozenset(counts))


def bright(grey: Floats) -> tuple[float, float, float, float]:
    """Corners of what is bright, as shares; a box in the corner if nothing is."""
    rows, columns = np.flatnonzero((grey > 0.7).any(axis=1)), np.flatnonzero((grey > 0.7).any(axis=0))
    if not len(rows):
        return 0.0, 0.0, 0.1, 0.1
    return columns[0] / SIDE, rows[0] / SIDE, (columns[-1] + 1) / SIDE, (rows[-1] + 1) / SIDE


def sure(grey: Floats) -> float:
    return 0.9 if (grey > 0.7).any() else 0.05


def ssd(grey: Floats, count: int = 1) -> list[Any]:
    x1, y1, x2, y2 = bright(grey)
    return [[[[y1, x1, y2, x2]] * count], [[0.0] * count], [[sure(grey)] * count], [float(count)]]


def test_one_detection_at_most_is_told_apart_by_shapes_and_values() -> None:
    assert found(ssd).output == ORDERED
    assert found(lambda grey: ssd(grey)[::-1]).output == SsdOutput(3, 2, 1, 0)


def test_four_detections_at_most_are_told_apart_by_their_sizes() -> None:
    assert found(lambda grey: ssd(grey, 4)[::-1]).output == SsdOutput(3, 2, 1, 0)


def blind(_: Floats) -> list[Any]:
    return [np.zeros((1, 10)), np.zeros((1, 10, 4)), np.zeros(1), np.zeros((1, 10))]


def test_names_tell_the_outputs_of_a_model_that_sees_nothing() -> None:
    numbered = [f"TFLite_Detection_PostProcess{end}" for end in (":1", "", ":3", ":2")]
    assert found(blind, names=numbered).output == SsdOutput(1, 0, 3, 2)
    assert "by their names" in " ".join(found(blind, names=numbered).said)
    words = ["detection_classes", "detection_boxes", "num_detections", "detection_scores"]
    assert found(blind, names=words).output == SsdOutput(1, 0, 3, 2)


def test_the_operator_tells_the_outputs_of_a_model_that_sees_nothing() -> None:
    made = {"boxes": 1, "classes": 3, "scores": 0, "count": 2}
    examined = found(blind, Wishes(post_processing=made))
    assert examined.output == SsdOutput(1, 3, 0, 2)
    assert "by the operator that makes them" in " ".join(examined.said)


def counting(first: int) -> Callable[[Floats], list[Any]]:
    """An SSD that names one class."""
    return lambda grey: [[[bright(grey)]], [[first]], [[sure(grey)]], [1]]


@pytest.mark.parametrize(
    ("named", "background", "classes"),
    [(0, False, 5), (4, False, 5), (5, False, 6), (1, True, 6), (0, True, 6), (7, False, None), (7, True, None)],
)
def test_an_ssd_has_as_many_classes_as_its_operator_counts_and_one_for_the_background(
    named: int, *, background: bool, classes: int | None
) -> None:
    order = {"boxes": 0, "classes": 1, "scores": 2, "count": 3}
    wishes = Wishes(post_processing=order, counted_classes=5, background=background)
    assert found(counting(named), wishes).classes == classes
    assert found(counting(named), wishes).seen == {named}


def test_scores_that_are_hardly_more_than_nothing_are_still_no_classes() -> None:
    def hardly(_: Floats) -> list[Any]:
        return [[[1e-9, 2e-5]], [[0.0, 1.0]], [[[0.1, 0.2, 0.3, 0.4]] * 2], [2.0]]

    assert found(hardly).output == SsdOutput(2, 1, 0, 3)


def test_names_that_the_values_contradict_are_not_believed() -> None:
    def seen(grey: Floats) -> list[Any]:
        boxes, _, scores, count = ssd(grey, 5)
        return [boxes, [[7.0] * 5], scores, count]

    assert found(seen, names=["boxes", "scores", "classes", "count"]).output == ORDERED


def test_what_cannot_be_told_is_asked_for() -> None:
    with pytest.raises(
        ModelIntegrityError, match="give --golden with a picture of what it knows, or --outputs boxes=0"
    ):
        found(blind)


def test_a_picture_of_the_users_shows_what_ours_do_not() -> None:
    def only_white(grey: Floats) -> list[Any]:
        return ssd(grey, 5) if grey.mean() > 0.9 else blind(grey)[1:2] + [np.zeros((1, 10))] * 2 + [np.zeros(1)]

    def padded(grey: Floats) -> list[Any]:
        boxes, classes, scores, count = (np.asarray(each, np.float32) for each in only_white(grey))
        return [
            np.pad(boxes, ((0, 0), (0, 10 - boxes.shape[1]), (0, 0))),
            *(np.pad(each, ((0, 0), (0, 10 - each.shape[1]))) for each in (classes, scores)),
            count,
        ]

    with pytest.raises(ModelIntegrityError, match="cannot be told"):
        found(padded)
    white = np.full((30, 40, 3), 255, np.uint8)
    assert examine(FakeInterpreter(padded), [white]).output == ORDERED


def test_axes_that_are_exchanged_are_found_by_the_known_rectangles() -> None:
    def exchanged(grey: Floats) -> list[Any]:
        boxes, *rest = ssd(grey, 3)
        return [np.asarray(boxes)[..., (1, 0, 3, 2)], *rest]

    assert found(exchanged).output == SsdOutput(0, 1, 2, 3, Axes.XY)
    assert "boxes begin with x" in " ".join(found(exchanged).said)
    assert found(exchanged, Wishes(axes=Axes.YX)).output == ORDERED, "what the user says stands above"


def test_one_rectangle_found_by_chance_does_not_exchange_the_axes() -> None:
    # Always the same place: with x first it overlaps one of the known rectangles, with y first none.
    assert found(lambda grey: [[[[0.45, 0.0, 0.75, 0.27]]], *ssd(grey)[1:]]).output == ORDERED


def test_an_operator_that_the_values_contradict_is_not_believed() -> None:
    def seen(grey: Floats) -> list[Any]:
        boxes, _, scores, count = ssd(grey, 5)
        return [boxes, [[7.0] * 5], scores, count]

    swapped = Wishes(post_processing={"boxes": 0, "classes": 2, "scores": 1, "count": 3})
    assert found(seen, swapped).output == ORDERED


def test_a_model_that_does_not_see_the_rectangles_keeps_the_usual_axes() -> None:
    assert found(lambda grey: [[[[0.5, 0.1, 0.9, 0.3]]], *ssd(grey)[1:]]).output == ORDERED


@pytest.mark.parametrize(("reach", "unit"), [(1.0, BoxUnit.SHARES), (1.4, BoxUnit.SHARES), (64.0, BoxUnit.PIXELS)])
def test_boxes_beyond_shares_are_pixels(reach: float, unit: BoxUnit) -> None:
    def reaching(grey: Floats) -> list[Any]:
        boxes, *rest = ssd(grey, 3)
        return [np.asarray(boxes) * reach, *rest]

    output = found(reaching).output
    assert isinstance(output, SsdOutput)
    assert output.unit is unit


def test_boxes_that_are_neither_shares_nor_pixels_are_an_error() -> None:
    def absurd(grey: Floats) -> list[Any]:
        boxes, *rest = ssd(grey, 3)
        return [np.asarray(boxes) * 3000, *rest]

    with pytest.raises(ModelIntegrityError, match="neither shares nor pixels of its 64x64; give --boxes"):
        found(absurd)


def yolo(grey: Floats, classes: int = 2, count: int = 30, *, objectness: bool = False) -> Floats:
    """(count, 4 or 5 + classes): centres in shares; the even candidates tell what is bright, the others nothing."""
    x1, y1, x2, y2 = bright(grey)
    table = np.full((count, 4 + objectness + classes), 0.01, np.float32)
    table[:, 0], table[:, 1], table[:, 2:4] = np.linspace(0, 1, count), 0.5, 0.1
    table[::2, :4] = ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1)
    table[::2, 4 : 5 + objectness] = sure(grey)
    return table


def output_of(answer: Callable[[Floats], Sequence[Any]], wishes: Wishes) -> YoloOutput:
    output = found(answer, wishes).output
    assert isinstance(output, YoloOutput)
    return output


def test_a_yolo_with_and_without_objectness_is_told_by_the_labels() -> None:
    assert output_of(lambda grey: [yolo(grey)[None]], labels(2)) == YoloOutput(0, 0)
    with_it = lambda grey: [yolo(grey, objectness=True)[None]]  # noqa: E731
    assert output_of(with_it, labels(2)) == YoloOutput(0, 0, objectness=0)


def test_an_objectness_that_is_always_sure_does_not_speak_against_the_labels() -> None:
    def always(grey: Floats) -> list[Any]:
        table = yolo(grey, objectness=True)
        table[:, 5] = table[:, 4]
        table[:, 4] = 1
        return [table[None]]

    assert output_of(always, labels(2)).objectness == 0


def test_labels_that_the_values_contradict_are_refused_with_both_numbers() -> None:
    with pytest.raises(ModelIntegrityError, match=r"has 2 classes without an objectness by the values .* 1 labels"):
        found(lambda grey: [yolo(grey)[None]], labels(1))

    def likely(grey: Floats) -> list[Any]:
        table = yolo(grey, objectness=True)
        table[:, 5:] = 0.9
        return [table[None]]

    with pytest.raises(ModelIntegrityError, match=r"has 2 classes with an objectness by the values .* 3 labels"):
        found(likely, labels(3))


@pytest.mark.parametrize(("anchors", "objectness"), [(1, None), (3, 0)])
def test_a_yolo_is_told_by_how_many_candidates_its_family_has(anchors: int, objectness: int | None) -> None:
    def answer(grey: Floats) -> list[Any]:
        table = yolo(grey, 7, 84 * anchors, objectness=objectness is not None)
        return [table[None] if objectness == 0 else table.T[None]]

    examined = found(answer, labels(3))
    assert isinstance(examined.output, YoloOutput)
    assert examined.output.objectness == objectness
    assert examined.classes == 7


def test_a_yolo_of_which_nothing_tells_the_classes_is_asked_about_with_all_numbers() -> None:
    said = r"gives 11 numbers for each of 30 candidates: 7 classes, or 6 and an objectness, but there are 3 labels"
    with pytest.raises(ModelIntegrityError, match=said):
        found(lambda grey: [yolo(grey, 7)[None]], labels(3))
    assert output_of(lambda grey: [yolo(grey, 7)[None]], Wishes(outputs={"boxes": 0, "scores": 0})).objectness is None
    wished = Wishes(outputs={"boxes": 0, "scores": 0, "objectness": 0})
    assert output_of(lambda grey: [yolo(grey, 7)[None]], wished).objectness == 0


def test_more_candidates_than_classes_lie_along_the_longer_side_unless_the_labels_say_otherwise() -> None:
    assert output_of(lambda grey: [yolo(grey, 40, 20)[None]], labels(40)).candidates is Candidates.ROWS
    assert output_of(lambda grey: [yolo(grey, 40, 20).T[None]], labels(40)).candidates is Candidates.COLUMNS
    assert output_of(lambda grey: [yolo(grey, 80, 200).T[None]], labels()).candidates is Candidates.COLUMNS


@pytest.mark.parametrize("unit", BoxUnit)
@pytest.mark.parametrize("form", BoxForm)
@pytest.mark.parametrize("axes", Axes)
def test_unit_form_and_axes_of_a_yolos_boxes_are_found(unit: BoxUnit, form: BoxForm, axes: Axes) -> None:
    def answer(grey: Floats) -> list[Any]:
        table = yolo(grey)
        if form is BoxForm.CORNERS:
            half = table[:, 2:4] / 2
            table[:, :4] = np.concatenate((table[:, :2] - half, table[:, :2] + half), axis=1)
        if axes is Axes.YX:
            table[:, :4] = table[:, (1, 0, 3, 2)]
        return [table[None, :, :4] * (SIDE if unit is BoxUnit.PIXELS else 1), table[None, :, 4:]]

    output = output_of(answer, labels(2))
    assert (output.unit, output.form, output.axes) == (unit, form, axes)


def test_a_yolos_boxes_that_are_neither_shares_nor_pixels_are_an_error() -> None:
    def absurd(grey: Floats) -> list[Any]:
        table = yolo(grey)
        return [table[None, :, :4] * 3000, table[None, :, 4:]]

    with pytest.raises(ModelIntegrityError, match="neither shares nor pixels of its 64x64; give --boxes"):
        found(absurd, labels(2))


def test_scores_beyond_shares_are_logits() -> None:
    def answer(grey: Floats) -> list[Any]:
        table = yolo(grey)
        return [table[None, :, :4], np.log(table[None, :, 4:] / (1 - table[None, :, 4:]))]

    assert output_of(answer, labels(2)).activation is Activation.SIGMOID


def rows_of_a_batch(grey: Floats) -> list[Any]:
    """As a YOLO v7 with its own suppression of doubles: the place in the batch, corners, class, score."""
    rows = np.zeros((20, 7), np.float32)
    y1, x1, y2, x2 = np.array(bright(grey)) * SIDE
    rows[0] = (0, x1, y1, x2, y2, 1, sure(grey))
    return [rows]


@pytest.mark.parametrize("classes", [2, 3, 80])
def test_rows_that_begin_with_the_place_in_a_batch_are_told_from_candidates_with_two_or_three_classes(
    classes: int,
) -> None:
    """Once they were taken for candidates, in silence, with two labels or three."""
    output = found(rows_of_a_batch, labels(classes)).output
    assert isinstance(output, YoloOutput)
    assert (output.row, output.form, output.unit) == (RowOrder.BATCH_BOX_CLASS_SCORE, BoxForm.CORNERS, BoxUnit.PIXELS)
    said = found(rows_of_a_batch, Wishes(outputs={"boxes": 0, "scores": 0, "classes": 0}, head=HeadName.YOLO)).output
    assert said == output


def test_rows_of_seven_that_are_all_0_are_asked_about_if_they_may_be_candidates() -> None:
    with pytest.raises(ModelIntegrityError, match="20 times seven numbers, all 0: give --golden"):
        found(lambda _: [np.zeros((20, 7), np.float32)], labels(3))


def test_a_models_own_selection_without_any_box_is_asked_for_its_unit() -> None:
    def nothing(_: Floats) -> list[Any]:
        return [np.zeros((1, 300, 6))]

    with pytest.raises(ModelIntegrityError, match="nobody knows whether boxes are shares or pixels"):
        found(nothing, labels(80))
    output = output_of(nothing, Wishes(labels=frozenset({80}), unit=BoxUnit.PIXELS))
    assert (output.classes, output.unit) == (0, BoxUnit.PIXELS)
    with pytest.raises(ModelIntegrityError, match="gives 300 times six numbers, all 0"):
        found(nothing, labels(2))


def test_numbers_that_are_not_finite_are_no_detector() -> None:
    with pytest.raises(ModelIntegrityError, match="as yolo, it gives numbers that are finite"):
        found(lambda grey: [yolo(grey)[None] * np.nan], labels(2))


def test_decoded_boxes_of_as_many_cells_as_a_yolox_has_are_not_decoded_again() -> None:
    def decoded(unit: int) -> Callable[[Floats], Sequence[Any]]:
        def answer(grey: Floats) -> list[Any]:
            table = yolo(grey, 2, 84, objectness=True)
            table[:, :4] *= unit
            return [table[None]]

        return answer

    for unit in (1, SIDE):
        assert found(decoded(unit), labels(2)).head is HeadName.YOLO


def test_a_table_as_high_as_wide_is_turned_so_that_the_known_rectangles_are_found() -> None:
    for columns in (False, True):

        def answer(grey: Floats, *, turned: bool = columns) -> list[Any]:
            table = yolo(grey, 80, 84)
            return [table.T[None] if turned else table[None]]

        turn = Candidates.COLUMNS if columns else Candidates.ROWS
        assert output_of(answer, labels(80)).candidates is turn


@pytest.mark.parametrize("side", [32, 64])
@pytest.mark.parametrize("columns", [False, True])
def test_a_yolox_may_have_more_classes_than_cells(side: int, *, columns: bool) -> None:
    count = sum((side // stride) ** 2 for stride in (8, 16, 32))

    def answer(_: Floats) -> list[Any]:
        table = np.full((count, 100), 0.02, np.float32)
        table[:, :4] = np.random.default_rng(1).normal(0.4, 0.5, (count, 4))
        return [table.T[None] if columns else table[None]]

    examined = found(answer, labels(95), shape=(1, side, side, 3))
    assert (examined.head, examined.classes) == (HeadName.YOLOX, 95)


def grid(_: Floats) -> list[Any]:
    table = np.full((1, 84, 7), 0.02, np.float32)
    table[..., :4] = np.random.default_rng(1).normal(0.4, 0.5, (84, 4))
    return [table]


def test_a_yolox_takes_colours_and_grey_as_it_was_trained() -> None:
    examined = found(grid, labels(2))
    assert (examined.head, examined.classes) == (HeadName.YOLOX, 2)
    spec = examined.input
    assert (spec.colours, spec.fit, spec.pad, spec.mean[0], spec.std[0]) == (Colours.BGR, Fit.LETTERBOX, 114, 0, 1)
    said = Wishes(labels=frozenset({2}), colours=Colours.RGB, fit=Fit.STRETCH, pad=0, std=(255.0,) * 3)
    other = found(grid, said).input
    assert (other.colours, other.fit, other.pad, other.std[0]) == (Colours.RGB, Fit.STRETCH, 0, 255)


def test_a_yolo_is_letterboxed_and_an_ssd_is_not() -> None:
    assert found(lambda grey: [yolo(grey)[None]], labels(2)).input.fit is Fit.LETTERBOX
    assert found(ssd).input.fit is Fit.STRETCH


def test_planes_of_colours_are_seen_in_the_shape_of_the_input() -> None:
    examined = found(lambda grey: [yolo(grey)[None]], labels(2), shape=(1, 3, SIDE, SIDE))
    assert (examined.input.layout, examined.input.width, examined.input.height) == (TensorLayout.NCHW, SIDE, SIDE)


@pytest.mark.parametrize("shape", [(1, SIDE, SIDE, 1), (1, SIDE, 3, SIDE), (2, SIDE, SIDE, 3), (1, SIDE), ()])
def test_an_input_that_is_no_picture_is_described(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelIntegrityError, match="takes"):
        found(ssd, shape=shape)


def test_an_input_of_a_type_that_is_no_pictures_is_named_with_those_that_are() -> None:
    with pytest.raises(ModelIntegrityError, match=r"takes int32 .*; a picture model takes uint8, int8, float32"):
        examine(FakeInterpreter(ssd, dtype=np.int32))


def test_heads_whose_outputs_do_not_fit_are_tried_without_running_the_model() -> None:
    interpreter = FakeInterpreter(lambda grey: [yolo(grey)[None]])
    assert examine(interpreter, (), labels(2)).head is HeadName.YOLO
    assert len(interpreter.shown) == 21


def test_a_head_that_the_user_names_is_the_only_one_that_is_tried() -> None:
    with pytest.raises(ModelIntegrityError, match=r"no head that was tried: as ssd, it gives four outputs, not 1$"):
        found(lambda grey: [yolo(grey)[None]], Wishes(head=HeadName.SSD))
    with pytest.raises(ModelIntegrityError, match=r"no head that was tried: as classifier, a classifier gives"):
        found(lambda grey: [yolo(grey)[None]], Wishes(kind=ModelKind.CLASSIFIER))


def test_an_int8_model_is_shown_samples_less_128() -> None:
    spec = input_spec(open_interpreter(models.classifier("int8")))
    assert (spec.dtype, spec.zero_point, spec.mean[0]) == (TensorType.INT8, -128, 0)
    assert spec.scale == pytest.approx(1 / 255)


def test_known_rectangles_do_not_overlap_themselves_with_exchanged_axes() -> None:
    for place in range(5):
        picture, (x1, y1, x2, y2) = known_picture(place, 80, 40)
        rows, columns = np.nonzero(picture[..., 1] > 200)
        assert (columns.min() / 80, (columns.max() + 1) / 80) == (x1, x2)
        assert (rows.min() / 40, (rows.max() + 1) / 40) == (y1, y2)
        assert min(x2, y2) <= max(x1, y1)


def test_a_structured_picture_is_the_same_for_the_same_seed() -> None:
    assert (structured_picture(1, 30, 20) == structured_picture(1, 30, 20)).all()
    assert (structured_picture(1, 30, 20) != structured_picture(2, 30, 20)).any()
    assert structured_picture(1, 30, 20).shape == (20, 30, 3)
