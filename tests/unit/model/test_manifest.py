"""What goes into a manifest comes out of it; what is wrong in it is named."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import ContractError
from smartcam.contract.event import EventKind
from smartcam.model.manifest import (
    KINDS_OF_MODELS,
    Colours,
    Fit,
    Golden,
    InputSpec,
    ModelKind,
    ModelManifest,
    Provenance,
    TensorLayout,
    TensorType,
    Thresholds,
)
from smartcam.model.outputs import (
    Activation,
    Axes,
    BoxForm,
    BoxUnit,
    Candidates,
    ClassifierOutput,
    Output,
    RowOrder,
    SsdOutput,
    YoloOutput,
    YoloxOutput,
)
from tests.strategies import shares, words

DIGEST = "0" * 64
MANIFEST = ModelManifest(
    name="yard",
    version="1.0.0",
    kind=ModelKind.CLASSIFIER,
    files={"model.tflite": DIGEST, "in.bin": DIGEST, "out.json": DIGEST},
    input=InputSpec(96, 64, TensorType.INT8, 1 / 255, -128, (0.0, 0.0, 0.0), (255.0, 255.0, 255.0)),
    output=ClassifierOutput(Activation.PROBABILITY, 1 / 256, -128),
    labels=("normal", "intruder"),
    events={"intruder": EventKind.ANOMALY},
    thresholds=Thresholds(0.7, 0.4),
    min_frames=3,
    golden=Golden("in.bin", "out.json", 0.05),
    provenance=Provenance("generated", "make train", 1, "a yard"),
    licence="none",
)
numbers = st.floats(-1e9, 1e9)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)


@st.composite
def input_specs(draw: st.DrawFn) -> InputSpec:
    dtype = draw(st.sampled_from(TensorType))
    std = numbers.filter(lambda number: abs(number) >= 1e-12)
    return InputSpec(
        width=draw(st.integers(1, 4096)),
        height=draw(st.integers(1, 4096)),
        dtype=dtype,
        scale=0.0 if dtype is TensorType.FLOAT32 else draw(st.floats(1e-9, 1e9)),
        zero_point=draw(st.integers(-128, 255)),
        mean=draw(st.tuples(numbers, numbers, numbers)),
        std=draw(st.tuples(std, std, std)),
        colours=draw(st.sampled_from(Colours)),
        layout=draw(st.sampled_from(TensorLayout)),
        fit=draw(st.sampled_from(Fit)),
        pad=draw(st.integers(0, 255)),
    )


@st.composite
def detector_outputs(draw: st.DrawFn) -> Output:
    places = draw(st.permutations(range(4)))
    candidates, each = st.sampled_from(Candidates), st.sampled_from((Activation.PROBABILITY, Activation.SIGMOID))
    axes, unit = draw(st.sampled_from(Axes)), draw(st.sampled_from(BoxUnit))
    match draw(st.sampled_from((SsdOutput, YoloOutput, YoloxOutput))).__name__:
        case "SsdOutput":
            return SsdOutput(places[0], places[1], places[2], places[3], axes, unit)
        case "YoloOutput":
            more = draw(st.sampled_from(((None, None), (places[2], None), (None, places[3]))))
            form = draw(st.sampled_from(BoxForm))
            row = draw(st.none() | st.sampled_from(RowOrder))
            return YoloOutput(places[0], places[1], *more, draw(candidates), form, axes, unit, draw(each), row)
        case _:
            return YoloxOutput(tuple(draw(st.lists(st.integers(1, 128), min_size=1, max_size=6))), draw(candidates))


@st.composite
def manifests(draw: st.DrawFn) -> ModelManifest:
    kind = draw(st.sampled_from(ModelKind))
    labels = draw(st.lists(words, min_size=1, max_size=8))
    alarming = draw(st.sets(st.sampled_from(labels), min_size=1, max_size=1 if kind is ModelKind.CLASSIFIER else None))
    low, high = sorted(draw(st.tuples(shares, shares)))
    return ModelManifest(
        name=draw(names),
        version=draw(names),
        kind=kind,
        files=dict.fromkeys(
            ("model.tflite", "golden.bin", "golden.json"), draw(st.from_regex("[0-9a-f]{64}", fullmatch=True))
        ),
        input=draw(input_specs()),
        output=draw(detector_outputs())
        if kind is ModelKind.DETECTOR
        else ClassifierOutput(
            draw(st.sampled_from(Activation)), draw(st.just(0.0) | st.floats(1e-12, 1e9)), draw(st.integers(-128, 255))
        ),
        labels=tuple(labels),
        events={label: draw(st.sampled_from(KINDS_OF_MODELS)) for label in alarming},
        thresholds=Thresholds(high, low),
        min_frames=draw(st.integers(1, 1000)),
        golden=Golden("golden.bin", "golden.json", draw(st.floats(0, 0.25))),
        provenance=Provenance(draw(words), draw(st.just("") | words), draw(st.none() | st.integers(0, 2**31))),
        licence=draw(words),
    )


@given(manifests())
def test_what_goes_in_comes_out(manifest: ModelManifest) -> None:
    assert ModelManifest.from_json(manifest.to_json()) == manifest


@given(
    st.binary(max_size=64)
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(lambda x: json.dumps(x).encode())
)
def test_garbage_is_a_contract_error(payload: bytes) -> None:
    with pytest.raises(ContractError):
        ModelManifest.from_json(payload)


json_values: st.SearchStrategy[object] = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=4) | st.just([]) | st.just({})
)


@given(st.data())
def test_no_wrong_value_anywhere_gives_another_error_than_that_of_the_contract(data: st.DataObject) -> None:
    document = json.loads(MANIFEST.to_json())
    at = document
    key = data.draw(st.sampled_from(sorted(at)))
    while isinstance(at[key], dict) and at[key] and data.draw(st.booleans()):
        at = at[key]
        key = data.draw(st.sampled_from(sorted(at)))
    at[key] = data.draw(json_values)
    try:
        taken = ModelManifest.from_json(json.dumps(document, allow_nan=True).encode())
    except ContractError:
        return
    assert ModelManifest.from_json(taken.to_json()) == taken


def changed(change: Callable[[dict[str, Any]], None]) -> bytes:
    document = json.loads(MANIFEST.to_json())
    change(document)
    return json.dumps(document).encode()


WRONG: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "another schema": (lambda m: m.update(schema=3), "schema"),
    "a name with a slash": (lambda m: m.update(name="a/b"), "name"),
    "a hash in capitals": (lambda m: m["files"].update({"in.bin": "A" * 64}), "files.in.bin"),
    "a file outside the folder": (lambda m: m["files"].update({"../x": DIGEST}), "files.../x"),
    "a hidden file": (lambda m: m["files"].update({".x": DIGEST}), "files..x"),
    "an absolute file": (lambda m: m["files"].update({"/etc/passwd": DIGEST}), "files./etc/passwd"),
    "too many files": (lambda m: m.update(files={f"f{n}": DIGEST for n in range(17)}), "files"),
    "no model file": (lambda m: m["files"].pop("model.tflite"), "files.model.tflite"),
    "a golden answer for anything": (lambda m: m["golden"].update(tolerance=1), "golden.tolerance"),
    "a golden file without a hash": (lambda m: m["golden"].update(input="other.bin"), "files.other.bin"),
    "four channels": (lambda m: m["input"].update(channels=4), "input.channels"),
    "a float with a scale": (lambda m: m["input"].update(dtype="float32"), "input.scale"),
    "a quantised type without a scale": (lambda m: m["input"].update(scale=0), "input.scale"),
    "a scale that overflows": (lambda m: m["input"].update(scale=5e-324), "input.scale"),
    "a deviation that overflows": (lambda m: m["input"].update(std=[5e-324, 1.0, 1.0]), "input.std"),
    "a mean of two colours": (lambda m: m["input"].update(mean=[0, 0]), "input.mean"),
    "a mean in words": (lambda m: m["input"].update(mean=["a", 0, 0]), "input.mean.0"),
    "a standard deviation of nothing": (lambda m: m["input"].update(std=[1, 0, 1]), "input.std"),
    "no labels": (lambda m: m.update(labels=[]), "labels"),
    "a label that is a number": (lambda m: m.update(labels=["normal", 1]), "labels.1"),
    "an event of an unknown label": (lambda m: m.update(events={"cat": "animal"}), "events.cat"),
    "an event that no model sees": (lambda m: m.update(events={"intruder": "camera_lost"}), "events.intruder"),
    "two alarming labels of a classifier": (
        lambda m: m.update(events={"intruder": "anomaly", "normal": "anomaly"}),
        "events",
    ),
    "a classifier without an event": (lambda m: m.update(events={}), "events"),
    "clearing above raising": (lambda m: m["thresholds"].update(clear_at=0.8), "thresholds.clear_at"),
    "a threshold above one": (lambda m: m["thresholds"].update(raise_at=1.5), "thresholds.raise_at"),
    "no frames": (lambda m: m.update(min_frames=0), "min_frames"),
    "the output of another kind": (lambda m: m.update(kind="detector"), "output"),
    "the output of another head": (lambda m: m.update(head="ssd"), "output.boxes"),
    "a head of no model": (lambda m: m.update(head="oracle"), "head"),
    "colours of no camera": (lambda m: m["input"].update(colours="cmyk"), "input.colours"),
    "a layout of no tensor": (lambda m: m["input"].update(layout="hwc"), "input.layout"),
    "a fit of no picture": (lambda m: m["input"].update(fit="crop"), "input.fit"),
    "a pad that is no sample": (lambda m: m["input"].update(pad=256), "input.pad"),
    "a model in two formats": (lambda m: m["files"].update({"model.onnx": DIGEST}), "files.model.onnx"),
    "a grid without strides": (
        lambda m: m.update(
            kind="detector",
            head="yolox",
            output={"strides": [], "candidates": "rows", "activation": "probability"},
        ),
        "output.strides",
    ),
    "classes beside objectness": (
        lambda m: m.update(
            kind="detector", head="yolo", output={"boxes": 0, "scores": 0, "objectness": 0, "classes": 0}
        ),
        "output.classes",
    ),
    "no licence": (lambda m: m.pop("licence"), "licence"),
}


@pytest.mark.parametrize(("change", "field"), WRONG.values(), ids=WRONG.keys())
def test_the_wrong_field_is_named(change: Callable[[dict[str, Any]], None], field: str) -> None:
    with pytest.raises(ContractError) as caught:
        ModelManifest.from_json(changed(change))
    assert caught.value.field == field


def test_an_error_about_an_unknown_kind_lists_those_that_exist() -> None:
    with pytest.raises(ContractError, match="kind: must be one of detector, classifier"):
        ModelManifest.from_json(changed(lambda m: m.update(kind="oracle")))


def test_two_outputs_of_a_detector_are_not_one() -> None:
    def same(document: dict[str, Any]) -> None:
        document.update(kind="detector", head="ssd")
        document["output"] = {"boxes": 0, "classes": 1, "scores": 1, "count": 3}

    with pytest.raises(ContractError, match="output: must name four different outputs"):
        ModelManifest.from_json(changed(same))


FIRST_DETECTOR = {"boxes": 0, "classes": 1, "scores": 2, "count": 3}
NEW_IN_THE_INPUT = ("colours", "layout", "fit", "pad")


def as_first_schema(manifest: ModelManifest, **other: object) -> bytes:
    document = json.loads(manifest.to_json())
    document["schema"] = 1
    del document["head"]
    for key in NEW_IN_THE_INPUT:
        del document["input"][key]
    return json.dumps(document | other).encode()


def test_a_bundle_of_the_first_schema_stays_good() -> None:
    assert ModelManifest.from_json(as_first_schema(MANIFEST)) == MANIFEST
    detector = ModelManifest.from_json(as_first_schema(MANIFEST, kind="detector", output=FIRST_DETECTOR))
    assert detector.output == SsdOutput(0, 1, 2, 3, Axes.YX, BoxUnit.SHARES)
    assert (detector.input.colours, detector.input.fit) == (Colours.RGB, Fit.STRETCH)


def test_an_error_in_a_bundle_of_the_first_schema_names_its_own_field() -> None:
    with pytest.raises(ContractError, match=r"output\.boxes: is missing"):
        ModelManifest.from_json(as_first_schema(MANIFEST, kind="detector"))
    with pytest.raises(ContractError, match="output: "):
        ModelManifest.from_json(as_first_schema(MANIFEST, output=[]))


def test_the_model_file_is_the_one_that_is_named() -> None:
    files = {"model.onnx" if name == "model.tflite" else name: digest for name, digest in MANIFEST.files.items()}
    assert MANIFEST.model_file == "model.tflite"
    assert replace(MANIFEST, files=files).model_file == "model.onnx"
