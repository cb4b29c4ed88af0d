"""Models in the format of ONNX find one red square, from the model's file to the score."""

import json
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.fakes import onnx_maker as maker
from tests.pipeline import square_visit
from tests.pipeline.square_visit import SquareVisit, check_score, made_bundle
from tools.bundle.command import main as bundle

pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")

VISIT = SquareVisit(left=160, colour=(20, 20, 255))
"""Of the square: letterboxed to the models' 64 pixels it has the size of a window, in the place of one."""
OPEN = ("batch", 3, "height", "width")
SIZE = ("--size", f"{maker.SIDE}x{maker.SIDE}")

NETWORKS: dict[str, tuple[str, bytes, tuple[str, ...]]] = {
    "YOLO v8": ("yolo", maker.yolo(), ()),
    "YOLO v8, boxes as shares": ("yolo", maker.yolo(shares=True), ()),
    "YOLO v8, float16": ("yolo", maker.yolo(kind="float16"), ()),
    "YOLO v8, one class": ("yolo", maker.yolo(labels=1), ()),
    "YOLO v8, colours last": ("yolo", maker.yolo(dims=("n", maker.SIDE, maker.SIDE, 3)), ()),
    "YOLO v8, any size": ("yolo", maker.yolo(dims=OPEN), SIZE),
    "YOLO v5": ("yolo", maker.yolo(objectness=True), ()),
    "YOLO v5, any size": ("yolo", maker.yolo(objectness=True, dims=OPEN), SIZE),
    "YOLO v7, its own selection, as many rows as it finds": ("yolo", maker.selecting_yolo(), ()),
    "YOLO, its own selection, as many rows as it finds": ("yolo", maker.selecting_yolo(batch=False), ()),
    "YOLOX": ("yolox", maker.yolox(), ()),
}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return VISIT.written(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ring")


@cache
def notice(ring: Path) -> str:
    return VISIT.notice(ring)


def make(folder: Path, model: bytes, *more: str, labels: int = 3) -> int:
    (folder / "net.onnx").write_bytes(model)
    return made_bundle(folder, folder / "net.onnx", maker.LABELS[:labels], *more)


def complaint(code: int, capsys: pytest.CaptureFixture[str], folder: Path) -> str:
    return square_visit.complaint(code, capsys, folder, "net.onnx")


@pytest.mark.parametrize(("head", "model", "more"), NETWORKS.values(), ids=NETWORKS.keys())
def test_an_onnx_detector_finds_the_square_with_the_right_label(
    head: str,
    model: bytes,
    more: tuple[str, ...],
    tmp_path: Path,
    clip: Path,
    ring: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert make(tmp_path, model, *more, labels=1 if model == maker.yolo(labels=1) else 3) == 0, capsys.readouterr().err
    assert f"answers as {head}, found by running it" in capsys.readouterr().out
    assert (tmp_path / "b" / "model.onnx").read_bytes() == model
    VISIT.check_seen_once(tmp_path / "b", ring, notice(ring))
    check_score(tmp_path, clip)


@pytest.mark.parametrize(("head", "model", "more"), NETWORKS.values(), ids=NETWORKS.keys())
def test_an_onnx_detector_that_is_cut_short_is_refused_in_one_line(
    head: str, model: bytes, more: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del head
    for length in (3, len(model) // 3, len(model) - 40):
        code = make(tmp_path, model[:length], *more)
        assert "cannot be read as an .onnx model" in complaint(code, capsys, tmp_path)


def test_an_onnx_model_of_any_size_says_how_to_give_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = complaint(make(tmp_path, maker.yolo(dims=OPEN)), capsys, tmp_path)
    assert said.endswith("export it with a fixed one, or give --size WxH")


@pytest.mark.parametrize("labels", [1, 2])
def test_an_onnx_detector_with_too_few_labels_is_refused_with_both_numbers(
    labels: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = complaint(make(tmp_path, maker.yolox(), labels=labels), capsys, tmp_path)
    assert "3" in said
    assert str(labels) in said


def test_a_detector_that_finds_nothing_in_our_pictures_is_made_with_one_that_is_brought(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    timid = maker.yolo(sure_from=0.9, shares=True)
    told = ("--head", "yolo", "--boxes", "shares")
    assert "--golden" in complaint(make(tmp_path, timid, *told), capsys, tmp_path)
    photograph = np.zeros((256, 256, 3), np.uint8)
    photograph[64:128, 96:160, 2] = 255
    (tmp_path / "yard.png").write_bytes(cv2.imencode(".png", photograph)[1].tobytes())
    assert make(tmp_path, timid, *told, "--golden", str(tmp_path / "yard.png")) == 0, capsys.readouterr().err
    (sighting, *_) = json.loads((tmp_path / "b/golden_output.json").read_text())["sightings"]
    assert (sighting["class"], sighting["score"] > 0.7) == (0, True)
    np.testing.assert_allclose(sighting["box"], (96 / 256, 64 / 256, 160 / 256, 128 / 256), atol=0.02)


def test_an_onnx_classifier_of_any_number_of_labels_is_made_and_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "net.onnx").write_bytes(maker.classifier(1001, logits=True, steep=9))
    (tmp_path / "labels.txt").write_text("intruder\n" + "".join(f"thing {number}\n" for number in range(1000)))
    paths = ("--model", f"{tmp_path / 'net.onnx'}", "--labels", f"{tmp_path / 'labels.txt'}")
    assert bundle([*paths, "--out", f"{tmp_path / 'b'}", "--kind", "classifier"]) == 0, capsys.readouterr().err
    assert "1001 labels" in capsys.readouterr().out


def test_labels_that_the_model_itself_contradicts_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {"names": "{0: 'dog', 1: 'car', 2: 'person'}"}
    assert make(tmp_path, maker.yolo(metadata=names)) == 0
    assert "the model itself names class 0 'dog', your labels 'person'; yours are taken" in capsys.readouterr().out
