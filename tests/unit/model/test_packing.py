"""A bundle from a model file: examined by running it, and whole or not there at all."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smartcam.contract.errors import ContractError, ModelIntegrityError
from smartcam.contract.event import EventKind
from smartcam.model.bundle import ModelBundle
from smartcam.model.examine import examine
from smartcam.model.examining.trial import Wishes
from smartcam.model.interpreter import open_interpreter
from smartcam.model.manifest import TensorType, Thresholds
from smartcam.model.outputs import Activation, ClassifierOutput, SsdOutput
from smartcam.model.packing import write_bundle
from tests.fakes import models, onnx_maker
from tests.unit.model.conftest import CLASSIFIER, DETECTOR


def test_the_same_model_gives_the_same_bundle_byte_for_byte(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_bundle(tmp_path / name, models.detector(), DETECTOR)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["golden_input.bin", "golden_output.json", "manifest.json", "model.tflite"]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize(
    "order", ["boxes classes scores count", "scores boxes count classes", "count scores classes boxes"]
)
def test_the_order_of_a_detectors_outputs_is_found(order: str) -> None:
    places = order.split()
    boxes, classes, scores, count = (places.index(name) for name in ("boxes", "classes", "scores", "count"))
    assert examine(open_interpreter(models.detector(order=order))).output == SsdOutput(boxes, classes, scores, count)


def test_a_bundle_with_outputs_in_another_order_works(tmp_path: Path) -> None:
    write_bundle(tmp_path / "b", models.detector(kind="int8", order="scores boxes count classes"), DETECTOR)
    assert ModelBundle.open(tmp_path / "b").manifest.input.dtype is TensorType.INT8


def test_logits_are_told_from_probabilities(tmp_path: Path) -> None:
    sure = write_bundle(tmp_path / "p", models.classifier("int8"), CLASSIFIER).output
    raw = write_bundle(tmp_path / "l", models.classifier("float32", logits=True), CLASSIFIER).output
    assert sure == ClassifierOutput(Activation.PROBABILITY, 1 / 256, -128)
    assert raw == ClassifierOutput(Activation.LOGITS, 0.0, 0)


def test_a_float_models_scaling_is_what_the_maker_says(tmp_path: Path) -> None:
    model, grey = models.classifier("float32"), (127.5, 127.5, 127.5)
    examined = examine(open_interpreter(model), wishes=Wishes(mean=grey, std=grey))
    manifest = write_bundle(tmp_path / "b", model, replace(CLASSIFIER, examined=examined))
    assert (manifest.input.mean, manifest.input.std) == (grey, grey)


def test_the_wrong_kind_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(
        ModelIntegrityError,
        match=r"takes uint8 \(1, 8, 8, 3\) and gives uint8 \(1, 2\), which is no head that was tried: as ssd, ",
    ):
        write_bundle(tmp_path / "b", models.classifier(), DETECTOR)
    with pytest.raises(ModelIntegrityError, match="a classifier gives"):
        write_bundle(tmp_path / "b", models.detector(), CLASSIFIER)
    assert list(tmp_path.iterdir()) == []


def test_too_few_labels_are_reported(tmp_path: Path) -> None:
    with pytest.raises(ModelIntegrityError, match="detects class 1, but there are only 1 labels"):
        write_bundle(tmp_path / "b", models.detector(), replace(DETECTOR, labels=("person",)))
    with pytest.raises(ModelIntegrityError, match="has 2 classes, but there are 3 labels"):
        write_bundle(tmp_path / "b", models.classifier(), replace(CLASSIFIER, labels=("normal", "intruder", "cat")))


@pytest.mark.parametrize("labels", [1001, 2000])
def test_a_classifier_with_as_many_labels_as_a_manifest_takes_makes_a_bundle(labels: int, tmp_path: Path) -> None:
    draft = replace(CLASSIFIER, labels=("intruder", *(f"other {number}" for number in range(labels - 1))))
    write_bundle(tmp_path / "b", models.classifier("float32", labels), draft)
    assert len(ModelBundle.open(tmp_path / "b").manifest.labels) == labels


def test_an_error_about_the_new_bundle_names_its_file_and_no_folder_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")

    def refuse(path: Path) -> None:
        raise ModelIntegrityError(f"{path.resolve() / 'golden_output.json'}: is odd; {path}: so it is")

    monkeypatch.setattr(ModelBundle, "open", refuse)
    with pytest.raises(ModelIntegrityError, match=r"^golden_output\.json: is odd; the new bundle: so it is$"):
        write_bundle(tmp_path / "link" / "b", models.classifier(), CLASSIFIER)
    assert list((tmp_path / "elsewhere").iterdir()) == []


PURE_RED = models.Sight((0.1, 0.3, 0.4, 0.9), 0, (40, -40, -40, -25))
"""Nothing that is made up to examine a model is as red."""
NEVER = models.Sight((0.0, 0.5, 0.5, 1.0), 1, (0, 0, 0, -9))


def test_a_detector_without_an_answer_to_show_is_refused_until_its_maker_brings_a_picture(tmp_path: Path) -> None:
    model = models.detector((PURE_RED, NEVER))
    with pytest.raises(ModelIntegrityError, match="--golden"):
        write_bundle(tmp_path / "b", model, DETECTOR)
    assert list(tmp_path.iterdir()) == []
    brought = np.zeros((61, 83, 3), np.uint8)
    brought[..., 0] = 172
    heard: list[str] = []
    write_bundle(tmp_path / "b", model, replace(DETECTOR, golden=brought), say=heard.append)
    answer = json.loads((tmp_path / "b" / "golden_output.json").read_text())["sightings"]
    assert [(each["class"], each["score"] > 0.8) for each in answer] == [(0, True), (1, False)]
    assert heard == []


def test_a_picture_in_which_little_is_found_is_no_golden_picture(tmp_path: Path) -> None:
    brownish = np.zeros((40, 40, 3), np.uint8)
    brownish[..., 0] = 150
    with pytest.raises(ModelIntegrityError, match=r"finds nothing surer than 0\.19 in the picture of --golden"):
        write_bundle(tmp_path / "b", models.detector((PURE_RED, NEVER)), replace(DETECTOR, golden=brownish))


def test_what_the_golden_picture_does_not_prove_is_said(tmp_path: Path) -> None:
    colourless = models.Sight((0.25, 0.25, 0.75, 0.75), 0, (2, 2, 2, -2))
    heard: list[str] = []
    write_bundle(tmp_path / "b", models.detector((colourless, NEVER)), DETECTOR, say=heard.append)
    assert [sentence.partition(";")[0] for sentence in heard] == [
        "the golden picture would not show exchanged colours",
        "the golden picture would not show exchanged axes of the boxes",
    ]


def test_an_onnx_model_lies_in_a_file_of_that_name(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    model = onnx_maker.classifier(2, nhwc=True, steep=8)
    manifest = write_bundle(tmp_path / "b", model, CLASSIFIER)
    assert manifest.model_file == "model.onnx"
    assert (tmp_path / "b" / "model.onnx").read_bytes() == model
    assert not (tmp_path / "b" / "model.tflite").exists()
    assert ModelBundle.open(tmp_path / "b").manifest == manifest


def test_a_bundle_whose_labels_are_not_as_many_as_its_detectors_classes_is_refused_on_opening(tmp_path: Path) -> None:
    model = models.square(models.Square("yolo", outputs=("boxes scores",), count=84, columns=True))
    manifest = write_bundle(tmp_path / "b", model, DETECTOR)
    fewer = replace(manifest, labels=("person",), events={"person": EventKind.PERSON})
    (tmp_path / "b/manifest.json").write_bytes(fewer.to_json())
    with pytest.raises(ModelIntegrityError, match="has 2 classes, but the manifest has 1 labels"):
        ModelBundle.open(tmp_path / "b")


def test_a_draft_that_contradicts_itself_is_named_by_field(tmp_path: Path) -> None:
    wrong = {
        "name": replace(CLASSIFIER, name="a b"),
        "thresholds.clear_at": replace(CLASSIFIER, thresholds=Thresholds(0.3, 0.6)),
        "events.cat": replace(CLASSIFIER, events={"cat": EventKind.ANIMAL}),
    }
    for field, draft in wrong.items():
        with pytest.raises(ContractError) as caught:
            write_bundle(tmp_path / "b", models.classifier(), draft)
        assert caught.value.field == field
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(FileExistsError, match="written into a new folder"):
        write_bundle(tmp_path / "b", models.classifier(), CLASSIFIER)
    assert list((tmp_path / "b").iterdir()) == []
