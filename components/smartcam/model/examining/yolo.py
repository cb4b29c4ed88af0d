"""Whether a model is a YOLO or a YOLOX, and in which of their ways it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.examining.trial import FoundHead, MisfitError, Trial, Wishes, shares_only, whole
from smartcam.model.heads.yolo import BATCHED, BOX, YoloReader, is_matrix, matrix, sigmoid
from smartcam.model.heads.yolox import YoloxReader, cells
from smartcam.model.outputs import Activation, Axes, BoxForm, BoxUnit, Candidates, RowOrder, YoloOutput, YoloxOutput

PARTS: Final = ("boxes", "objectness", "scores", "classes")
_STRIDES: Final = ((8, 16, 32), (8, 16, 32, 64))
_ANCHORS: Final = 3
"""Boxes for each cell of a YOLO with objectness up to v7."""
_COCO: Final = 80
_FINAL: Final = BOX + 2
_LEAST: Final = BOX + 1
_BEYOND_SHARES: Final = 2.0
_BEYOND_PIXELS: Final = 1.5
_MOST_BOXES: Final = 0.95
_IN_ORDER: Final = 0.99
_TWO_OUTPUTS, _THREE_OUTPUTS = 2, 3
_LARGEST_OFFSET: Final = 3.0
"""In cells: how far from its cell the centre of a YOLOX's candidate lies at most, in the median."""
_LARGEST_SIZE: Final = 10.0
"""Logarithm of a box's size in strides."""
_NEAR: Final = 0.1
_SURE, _LIKELY, _UNSURE, _ANY, _MOST_OF_ALL = 0.5, 0.3, 0.1, 0.25, 0.5
_BOTH_FORMS: Final = "--outputs boxes=0,scores=0 or --outputs boxes=0,objectness=0,scores=0"
_ALL_ZERO: Final = (
    "gives {} times {} numbers, all 0: give --golden with a picture of what it knows, or --outputs "
    "boxes=0,scores=0,classes=0"
)

Floats = NDArray[np.float32]


def find_yolox(trial: Trial, wishes: Wishes) -> FoundHead:
    """The grid of a YOLOX. Raises MisfitError if it has none."""
    if wishes.outputs:
        raise MisfitError("it has one output, of which nothing is to say")
    if len(trial.outputs) != 1 or not _is_table(trial.outputs[0].shape):
        raise MisfitError(f"it gives one table of candidates, not {len(trial.outputs)} outputs")
    rows, columns = trial.outputs[0].shape[-2:]
    candidates = Candidates.ROWS if _grid(trial, rows) else Candidates.COLUMNS
    count, width = (rows, columns) if candidates is Candidates.ROWS else (columns, rows)
    strides = _grid(trial, count)
    if strides is None or width <= _LEAST:
        raise MisfitError(f"for {trial.spec.width}x{trial.spec.height} it gives {_cell_counts(trial)} candidates")
    tables = [matrix(run, candidates) for run in trial.runs(0)]
    if wishes.head is None and not _is_raw(tables, trial, strides):
        raise MisfitError("its boxes are offsets in a grid, and these are boxes already")
    output = YoloxOutput(strides, candidates, _activation([table[:, BOX:] for table in tables], wishes))
    said = f"boxes are offsets in grids with strides {', '.join(map(str, strides))}; colours are taken as BGR, 0 to 255"
    return FoundHead(output, YoloxReader(output, trial.outputs, trial.spec).classes, (said,))


def find_yolo(trial: Trial, wishes: Wishes) -> FoundHead:
    """In which way a YOLO answers.

    Raises:
        MisfitError: if it is none.
        ModelIntegrityError: if it is one, but its way of answering cannot be told, or is not as the user says.
    """
    if wishes.outputs:
        output, why = _as_wished(trial, wishes.outputs), "as you say"
    elif len(trial.outputs) == 1:
        output, why = _single(trial, wishes)
    else:
        output, why = _split(trial, wishes)
    reader = YoloReader(output, trial.outputs, trial.spec)
    boxes, sure = _tables(trial, output)
    output = replace(output, activation=_activation(sure, wishes), unit=wishes.unit or _unit(trial, boxes))
    output = _oriented(trial, output, wishes, boxes)
    said = [f"{_in_words(output, reader.classes)}, {why}", _boxes_in_words(output)]
    if output.activation is Activation.SIGMOID:
        said.append("scores are logits, each for itself")
    return FoundHead(output, reader.classes, tuple(said))


def _is_table(shape: Sequence[int]) -> bool:
    return is_matrix(shape) and min(shape[-2:]) >= _LEAST


def _grid(trial: Trial, count: int) -> tuple[int, ...] | None:
    """The strides whose grids have so many cells altogether."""
    for strides in _STRIDES:
        if len(cells(trial.spec.width, trial.spec.height, strides)[1]) == count:
            return strides
    return None


def _cell_counts(trial: Trial) -> int:
    return len(cells(trial.spec.width, trial.spec.height, _STRIDES[0])[1])


def _is_raw(tables: Sequence[Floats], trial: Trial, strides: tuple[int, ...]) -> bool:
    """Whether boxes are offsets and logarithms: not shares, not spread over the picture, and near their cells."""
    boxes = np.stack([table[:, :BOX] for table in tables])
    centres, sizes = boxes[..., :2], boxes[..., 2:]
    if not np.isfinite(boxes).all() or np.median(np.abs(centres)) > _LARGEST_OFFSET:
        return False
    if np.quantile(np.abs(sizes), _MOST_BOXES) > _LARGEST_SIZE:
        return False
    places, stride = cells(trial.spec.width, trial.spec.height, strides)
    expected = (places + 0.5) * stride[:, None] / (trial.spec.width, trial.spec.height)
    are_shares = shares_only(boxes, _NEAR) and float(np.median(np.abs(centres - expected))) < _NEAR
    return not are_shares and not (shares_only(boxes, 0.0) and float(centres.std()) > _NEAR)


def _as_wished(trial: Trial, wished: Mapping[str, int]) -> YoloOutput:
    if not {"boxes", "scores"} <= set(wished) <= set(PARTS) or {"objectness", "classes"} <= set(wished):
        raise MisfitError("it has the outputs boxes and scores, with objectness or with classes")
    if max(wished.values()) >= len(trial.outputs):
        raise ModelIntegrityError(f"--outputs: there are only the outputs 0 to {len(trial.outputs) - 1}")
    shape = trial.outputs[wished["boxes"]].shape
    if not is_matrix(shape):
        raise MisfitError(f"its boxes are a table, not {shape}")
    alone = list(wished.values()).count(wished["boxes"]) == 1
    columns = shape[-2] == BOX != shape[-1] if alone else shape[-2] < shape[-1]
    is_final = "classes" in wished
    width = shape[-2] if columns else shape[-1]
    is_batched = is_final and width == BATCHED and len(set(wished.values())) == 1
    return YoloOutput(
        boxes=wished["boxes"],
        scores=wished["scores"],
        objectness=wished.get("objectness"),
        classes=wished.get("classes"),
        candidates=Candidates.COLUMNS if columns else Candidates.ROWS,
        form=BoxForm.CORNERS if is_final else BoxForm.CENTRES,
        row=RowOrder.BATCH_BOX_CLASS_SCORE if is_batched else None,
    )


def _single(trial: Trial, wishes: Wishes) -> tuple[YoloOutput, str]:
    shape = trial.outputs[0].shape
    if not _is_table(shape):
        raise MisfitError(f"it gives a table of candidates, (1, n, 5 or more) or its transpose, not {shape}")
    candidates = _direction(shape, wishes.labels)
    tables = [matrix(run, candidates) for run in trial.runs(0)]
    count, width = tables[0].shape
    plain = YoloOutput(0, 0, candidates=candidates)
    if width == BATCHED and (is_batched := _is_batched(tables)) is not False:
        if is_batched or not wishes.labels & {2, 3}:
            row = RowOrder.BATCH_BOX_CLASS_SCORE
            return replace(plain, classes=0, form=BoxForm.CORNERS, row=row), "by their seven numbers"
        raise ModelIntegrityError(_ALL_ZERO.format(count, "seven"))
    if width == _FINAL and (is_final := _is_final(tables)) is not False:
        if is_final or not wishes.labels & {1, 2}:
            return replace(plain, classes=0, form=BoxForm.CORNERS), "by their six numbers"
        raise ModelIntegrityError(_ALL_ZERO.format(count, "six"))
    return _with_or_without(trial, plain, tables, wishes.labels)


def _with_or_without(
    trial: Trial, plain: YoloOutput, tables: Sequence[Floats], labels: frozenset[int]
) -> tuple[YoloOutput, str]:
    """Whether there is an objectness: by how many candidates the family has, by the labels, else nobody knows."""
    count, width = tables[0].shape
    objectness = replace(plain, objectness=0)
    if _has_anchors(trial, count):
        return objectness, "three candidates a cell as up to v7"
    values = [table[:, BOX:] for table in tables]
    fitting = {width - BOX, width - _LEAST} & (labels or {_COCO})
    is_fuller = fitting == {width - _LEAST}
    if plain.candidates is Candidates.COLUMNS and _grid(trial, count):
        if labels and is_fuller and _is_borne_out(values):
            return objectness, f"by the {width - _LEAST} labels and the values"
        return plain, "one candidate a cell as from v8 on"
    if len(fitting) == 1:
        output = objectness if is_fuller else plain
        _check_values(values, output, labels)
        return output, _by_number(labels, fitting.pop())
    if width == _LEAST:
        return plain, "one class"
    raise ModelIntegrityError(
        f"gives {width} numbers for each of {count} candidates: {width - BOX} classes, or {width - _LEAST} and an "
        f"objectness, but there are {_counts(labels)} labels; give the right labels, or {_BOTH_FORMS}"
    )


def _by_number(labels: frozenset[int], classes: int) -> str:
    return f"by the {classes} labels" if labels else f"for {_COCO} classes"


def _has_anchors(trial: Trial, count: int) -> bool:
    return count % _ANCHORS == 0 and bool(_grid(trial, count // _ANCHORS))


def _is_borne_out(tables: Sequence[Floats]) -> bool:
    """Whether one of the classes is likely where the first number, as an objectness, is sure."""
    values = np.concatenate(tables)
    values = values if shares_only(values) else sigmoid(values)
    return bool((values[values[:, 0] >= _SURE, 1:] >= _SURE).any())


def _check_values(tables: Sequence[Floats], output: YoloOutput, labels: frozenset[int]) -> None:
    """Raises ModelIntegrityError if the values speak against what the number of labels says about an objectness.

    Where an objectness is sure, one of the classes is likely at least once, unless it is sure nearly everywhere and
    says nothing (as of YOLO v6). Where it is not, classes may have any score.
    """
    values = np.concatenate(tables)
    if values.shape[1] == 1:
        return
    if not shares_only(values):
        values = sigmoid(values)
    first, others = values[:, 0], values[:, 1:].max(axis=1)
    classes = values.shape[1] if output.objectness is not None else values.shape[1] - 1
    if output.objectness is not None:
        sure = first >= _SURE
        is_wrong = 0 < float(sure.mean()) < _MOST_OF_ALL and float(others[sure].max()) < _LIKELY
    else:
        is_wrong = float(((first < _UNSURE) & (others > _ANY)).mean()) > _MOST_OF_ALL
    if is_wrong:
        with_or_without = "without" if output.objectness is not None else "with"
        raise ModelIntegrityError(
            f"has {classes} classes {with_or_without} an objectness by the values that it gives, but there are "
            f"{_counts(labels)} labels; give the right labels, or {_BOTH_FORMS}"
        )


def _counts(labels: frozenset[int]) -> str:
    return " or ".join(map(str, sorted(labels))) or "no"


def _direction(shape: Sequence[int], labels: frozenset[int]) -> Candidates:
    """Rows or columns: where the other side fits the labels, else the longer side counts the candidates."""
    rows, columns = (bool(labels & {side - BOX, side - _LEAST}) for side in (shape[-1], shape[-2]))
    if rows != columns:
        return Candidates.ROWS if rows else Candidates.COLUMNS
    return Candidates.ROWS if shape[-2] > shape[-1] else Candidates.COLUMNS


def _is_final(tables: Sequence[Floats]) -> bool | None:
    """Whether rows are corners, score and class, the model's own selection; None if all of them are empty."""
    rows = np.concatenate(tables)
    rows = rows[rows.any(axis=1)]
    if not len(rows):
        return None
    ordered = (rows[:, 2] >= rows[:, 0]) & (rows[:, 3] >= rows[:, 1])
    return whole(rows[:, BOX + 1]) and shares_only(rows[:, BOX]) and bool(ordered.all())


def _is_batched(tables: Sequence[Floats]) -> bool | None:
    """Whether rows are the place in the batch, corners, class and score; None if all of them are empty."""
    if any(table[:, 0].any() for table in tables):
        return False
    return _is_final([table[:, [1, 2, 3, 4, 6, 5]] for table in tables])


def _split(trial: Trial, wishes: Wishes) -> tuple[YoloOutput, str]:
    """Boxes and scores in outputs of their own, perhaps with objectness or classes."""
    if len(trial.outputs) not in (_TWO_OUTPUTS, _THREE_OUTPUTS):
        raise MisfitError(f"it gives one to three outputs, not {len(trial.outputs)}")
    boxes = _home_of_boxes(trial)
    shape = trial.outputs[boxes].shape
    is_column = shape[-2] == BOX and shape[-1] != BOX
    base = YoloOutput(boxes, boxes, candidates=Candidates.COLUMNS if is_column else Candidates.ROWS)
    widths = _widths(trial, boxes, count=shape[-1] if is_column else shape[-2])
    return _rest(trial, base, widths, wishes.labels)


def _home_of_boxes(trial: Trial) -> int:
    """The output that is boxes, by its shape, and by its name where several may be."""
    homes = [place for place, output in enumerate(trial.outputs) if _may_be_boxes(output.shape)]
    homes = [place for place in homes if "box" in trial.outputs[place].name.lower()] or homes
    if not homes:
        raise MisfitError("it gives boxes (1, n, 4) or their transpose")
    if len(homes) > 1:
        raise ModelIntegrityError("gives several outputs that may be boxes; give --outputs boxes=0,scores=1")
    return homes[0]


def _may_be_boxes(shape: Sequence[int]) -> bool:
    return is_matrix(shape) and len(shape) > 2 and BOX in shape[-2:]  # noqa: PLR2004  a batch of rows


def _widths(trial: Trial, boxes: int, count: int) -> dict[int, int]:
    """How many numbers the other outputs give for each of so many boxes."""
    sizes = {place: int(np.prod(output.shape)) for place, output in enumerate(trial.outputs) if place != boxes}
    if any(size < count or size % count for size in sizes.values()):
        raise MisfitError(f"it gives as many scores as boxes, {count} for each class")
    return {place: size // count for place, size in sizes.items()}


def _rest(trial: Trial, base: YoloOutput, widths: dict[int, int], labels: frozenset[int]) -> tuple[YoloOutput, str]:
    why = "by their shapes"
    if len(widths) == 1:
        ((scores, width),) = widths.items()
        if width - 1 in labels and width not in labels:
            output = replace(base, scores=scores, objectness=scores)
            _check_values([matrix(run, base.candidates) for run in trial.runs(scores)], output, labels)
            return output, f"by the {width - 1} labels"
        return replace(base, scores=scores), why
    (one, first), (two, second) = sorted(widths.items(), key=lambda item: item[1])
    if first != 1:
        raise MisfitError("beside boxes and scores it gives one number for each candidate")
    classes = _home_of_classes(trial, (one, two)) if second == 1 else None
    if classes is None:
        return replace(base, objectness=one, scores=two), why
    scores = two if classes == one else one
    return replace(base, scores=scores, classes=classes, form=BoxForm.CORNERS), "by their values"


def _home_of_classes(trial: Trial, places: Sequence[int]) -> int | None:
    """Which of these outputs gives whole numbers, by its name where several do; None if none does."""
    numbers = [place for place in places if all(map(whole, trial.runs(place)))]
    if len(numbers) > 1:
        numbers = [place for place in numbers if "class" in trial.outputs[place].name.lower()]
        if len(numbers) != 1:
            raise ModelIntegrityError(
                "gives boxes with scores and classes, but which is which cannot be told: the pictures it was tried "
                "on show it nothing; give --golden with a picture of what it knows, or --outputs "
                "boxes=0,scores=1,classes=2"
            )
    return numbers[0] if numbers else None


def _tables(trial: Trial, output: YoloOutput) -> tuple[list[Floats], list[Floats]]:
    """Boxes that are not empty, and objectness with scores, for each picture."""
    parts = YoloReader(output, trial.outputs, trial.spec).parts

    def table(name: str) -> list[Floats]:
        part = parts[name]
        return [matrix(run, output.candidates)[:, part.columns] for run in trial.runs(part.place)]

    boxes = [rows[rows.any(axis=1)] for rows in table("boxes")]
    scores = [values for name in ("objectness", "scores") if name in parts for values in table(name)]
    if not all(np.isfinite(values).all() for values in boxes + scores):
        raise MisfitError("it gives numbers that are finite")
    return boxes, scores


def _activation(scores: Sequence[Floats], wishes: Wishes) -> Activation:
    if wishes.activation is not None:
        return wishes.activation
    return Activation.PROBABILITY if all(map(shares_only, scores)) else Activation.SIGMOID


def _unit(trial: Trial, boxes: Sequence[Floats]) -> BoxUnit:
    numbers = np.abs(np.concatenate(boxes))
    if not numbers.size:
        raise ModelIntegrityError(
            "gives no box for the pictures it was tried on, so that nobody knows whether boxes are shares or pixels; "
            "give --golden with a picture of what it knows, or --boxes pixels or --boxes shares"
        )
    reach = float(np.quantile(numbers, _MOST_BOXES))
    if reach <= _BEYOND_SHARES:
        return BoxUnit.SHARES
    longest = max(trial.spec.width, trial.spec.height)
    if float(np.median(numbers)) > _BEYOND_PIXELS * longest:
        raise ModelIntegrityError(
            f"gives boxes that reach to {reach:g}, which are neither shares nor pixels of its {trial.spec.width}x"
            f"{trial.spec.height}; give --boxes shares or --boxes pixels if they are"
        )
    return BoxUnit.PIXELS


def _oriented(trial: Trial, output: YoloOutput, wishes: Wishes, boxes: Sequence[Floats]) -> YoloOutput:
    """Corners or centres, x or y first: as the user says, else as the known rectangles are found."""
    usual = BoxForm.CORNERS if _are_in_order(np.concatenate(boxes)) else output.form
    forms = [wishes.form] if wishes.form else [usual] + [form for form in BoxForm if form is not usual]
    axes = [wishes.axes] if wishes.axes else [Axes.XY, Axes.YX]
    shape = trial.outputs[output.boxes].shape
    turns = [*Candidates] if shape[-1] == shape[-2] else [output.candidates]
    turns.sort(key=lambda turn: turn is not output.candidates)
    best = trial.best(
        [replace(output, candidates=turn, form=form, axes=order) for turn in turns for form in forms for order in axes]
    )
    assert isinstance(best, YoloOutput)  # noqa: S101  what was given is what comes back
    return best


def _are_in_order(rows: Floats) -> bool:
    """Whether nearly all boxes end behind where they begin, as corners do."""
    return len(rows) > 0 and float(((rows[:, 2] >= rows[:, 0]) & (rows[:, 3] >= rows[:, 1])).mean()) >= _IN_ORDER


def _in_words(output: YoloOutput, classes: int | None) -> str:
    what = "boxes, scores and classes after the model's own selection"
    if output.classes is None:
        how = "with an objectness" if output.objectness is not None else "without an objectness"
        what = f"candidates {how}, {classes} classes"
    return f"{what}, one in each {'row' if output.candidates is Candidates.ROWS else 'column'}"


def _boxes_in_words(output: YoloOutput) -> str:
    unit = "pixels of the model's input" if output.unit is BoxUnit.PIXELS else "shares"
    order = "x first" if output.axes is Axes.XY else "y first"
    return f"boxes are {'corners' if output.form is BoxForm.CORNERS else 'centres and sizes'} in {unit}, {order}"
