"""Detectors of every head, order and quantisation find one bright square, from the model's file to the score."""

import json
import re
from functools import cache
from pathlib import Path

import pytest

from tests.fakes.models import Square, custom, square
from tests.pipeline import square_visit
from tests.pipeline.square_visit import SquareVisit, check_score, made_bundle
from tools.bundle.command import main as bundle

VISIT = SquareVisit(left=180, colour=(130, 255, 255))
"""More red than blue, so that a model that gets its colours in the wrong order says another label."""
NAMES = ("person", "car")
V5, V8, FINAL = ("boxes objectness scores",), ("boxes scores",), ("boxes scores classes",)

NETWORKS: dict[str, Square] = {
    "an SSD, uint8": Square("ssd", "uint8"),
    "an SSD, int8, four detections, another order": Square(
        "ssd", "int8", outputs=("scores", "boxes", "count", "classes"), count=4
    ),
    "an SSD, float32, one detection": Square(
        "ssd", outputs=("count", "scores", "classes", "boxes"), count=1, classes=1
    ),
    "an SSD with quantised outputs": Square("ssd", "uint8", "uint8"),
    "an SSD with exchanged axes": Square("ssd", "uint8", axes="xy"),
    "an SSD with boxes in pixels": Square("ssd", "uint8", pixels=True),
    "an SSD with a high threshold of its own": Square("ssd", "uint8", threshold=0.8),
    "an SSD with each box once for each class": Square("ssd", "uint8", several=True),
    "a YOLO v5, float32": Square("yolo", outputs=V5, count=252),
    "a YOLO v5, int8 throughout": Square("yolo", "int8", "int8", outputs=V5, count=252),
    "a YOLO v5, transposed": Square("yolo", outputs=V5, count=84, columns=True),
    "a YOLO v5 in pixels, uint8 input": Square("yolo", "uint8", outputs=V5, count=252, pixels=True),
    "a YOLO v8, float32, pixels": Square("yolo", outputs=V8, count=84, columns=True, pixels=True),
    "a YOLO v8, float16, one class": Square("yolo", outputs=V8, count=84, columns=True, classes=1, half=True),
    "a YOLO v8, int8 throughout": Square("yolo", "int8", "int8", outputs=V8, count=84, columns=True),
    "a YOLO v8, transposed": Square("yolo", outputs=V8, count=50),
    "a YOLO v8, split, corners": Square(
        "yolo", outputs=("scores", "boxes"), count=50, corners=True, axes="xy", pixels=True
    ),
    "a YOLO v5, split in three": Square("yolo", outputs=("objectness", "scores", "boxes"), count=50),
    "a YOLO, split, logits": Square("yolo", outputs=("boxes", "scores"), count=50, columns=True, logits=True),
    "a YOLO after its own selection": Square("yolo", outputs=FINAL, count=30, corners=True, axes="xy", pixels=True),
    "a YOLO after its own selection, split": Square(
        "yolo", outputs=("classes", "boxes", "scores"), count=30, corners=True
    ),
    "a YOLOX": Square("yolox", outputs=V5),
    "a YOLOX, int8 input": Square("yolox", "int8", outputs=V5),
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


def make(folder: Path, network: Square, *more: str, labels: tuple[str, ...] | None = None) -> int:
    (folder / "net.tflite").write_bytes(square(network))
    return made_bundle(folder, folder / "net.tflite", labels or NAMES[: network.classes], *more)


def complaint(code: int, capsys: pytest.CaptureFixture[str], folder: Path) -> str:
    return square_visit.complaint(code, capsys, folder, "net.tflite")


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_a_detector_of_any_kind_finds_the_square_with_nothing_said_but_its_labels(
    network: Square, tmp_path: Path, clip: Path, ring: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make(tmp_path, network) == 0, capsys.readouterr().err
    assert f"answers as {network.head}, found by running it" in capsys.readouterr().out
    VISIT.check_seen_once(tmp_path / "b", ring, notice(ring))
    check_score(tmp_path, clip)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_a_detector_that_is_cut_short_is_refused_in_one_line(
    network: Square, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = square(network)
    for length in (10, len(whole) // 3, len(whole) - 40):
        (tmp_path / "labels.txt").write_text("person\ncar\n")
        (tmp_path / "net.tflite").write_bytes(whole[:length])
        paths = ("--model", f"{tmp_path / 'net.tflite'}", "--labels", f"{tmp_path / 'labels.txt'}")
        code = bundle([*paths, "--out", f"{tmp_path / 'b'}"])
        assert ".tflite model" in complaint(code, capsys, tmp_path)


TWO_CLASSES = {name: network for name, network in NETWORKS.items() if network.classes == 2}


@pytest.mark.parametrize("network", TWO_CLASSES.values(), ids=TWO_CLASSES.keys())
def test_a_detector_with_too_few_labels_is_refused_with_both_numbers(
    network: Square, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = complaint(make(tmp_path, network, labels=("person",)), capsys, tmp_path)
    assert re.search(r"\b1 labels?\b", said)
    # Without the right labels nothing tells an objectness in a column from one class more.
    assert re.search("[23] classes|detects class 1", said)


@pytest.mark.parametrize("name", [name for name, network in NETWORKS.items() if network.outputs in (V5, V8)])
def test_a_detector_with_too_many_labels_is_refused_with_both_numbers(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tuple(f"thing {number}" for number in range(7))
    said = complaint(make(tmp_path, NETWORKS[name], "--events", "thing 1=person", labels=labels), capsys, tmp_path)
    assert "7 labels" in said
    classes = NETWORKS[name].classes
    assert re.search(rf"\b({classes}|{classes + 1}) class(es)?\b", said)


PERMUTED = {
    "scores as classes": ("an SSD, uint8", "boxes=0,classes=2,scores=1,count=3", "is no number of a class"),
    "scores as boxes": ("an SSD, uint8", "boxes=2,classes=1,scores=0,count=3", "four times as many"),
    "the count as scores": ("an SSD, float32, one detection", "boxes=3,classes=2,scores=0,count=1", "is no count"),
    "one output twice": ("an SSD with quantised outputs", "boxes=0,classes=1,scores=1,count=3", "must name four of"),
    "an output that is not there": ("an SSD, uint8", "boxes=0,classes=1,scores=2,count=4", "must name four of its 4"),
    "a YOLO's parts for an SSD": ("an SSD, uint8", "boxes=0,scores=2", "has (1 classes|2 labels), but "),
    "an SSD's parts for a YOLO": ("a YOLO v8, transposed", "boxes=0,classes=0,scores=0,count=0", "must name four of"),
    "scores as boxes of a YOLO": ("a YOLO v8, split, corners", "boxes=0,scores=1", "are not boxes=0,scores=1"),
    "a second output of one": ("a YOLO v8, transposed", "boxes=0,scores=1", "only the outputs 0 to 0"),
    "an objectness that is not there": ("a YOLO v8, float16, one class", "boxes=0,objectness=0,scores=0", "are not"),
}


@pytest.mark.parametrize(("name", "outputs", "expected"), PERMUTED.values(), ids=PERMUTED.keys())
def test_outputs_in_an_order_that_cannot_be_are_refused_in_one_line(
    name: str, outputs: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert re.search(expected, complaint(make(tmp_path, NETWORKS[name], "--outputs", outputs), capsys, tmp_path))


def test_boxes_in_pixels_that_are_read_as_shares_find_nothing_and_make_no_bundle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = ("--head", "ssd", "--outputs", "boxes=0,classes=1,scores=2,count=3", "--boxes", "shares")
    said = complaint(make(tmp_path, NETWORKS["an SSD with boxes in pixels"], *outputs), capsys, tmp_path)
    assert said.startswith("finds nothing in the ")
    assert said.rstrip().endswith("--golden PICTURE.jpg")


@pytest.mark.parametrize("more", [("--boxes", "xy"), ("--boxes", "pixels,yx"), ("--fit", "letterbox", "--pad", "0")])
def test_what_the_user_says_stands_above_what_was_found(
    more: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = ("--head", "ssd", "--outputs", "boxes=0,classes=1,scores=2,count=3")
    assert make(tmp_path, NETWORKS["an SSD with boxes in pixels"], *outputs, *more) == 0
    manifest = json.loads((tmp_path / "b/manifest.json").read_text())
    assert "answers as ssd, as you say" in capsys.readouterr().out
    assert (manifest["output"]["unit"], manifest["output"]["axes"]) == ("pixels", "xy" if "xy" in more else "yx")
    assert (manifest["input"]["fit"], manifest["input"]["pad"]) == ("letterbox" if "--fit" in more else "stretch", 0)


@pytest.mark.parametrize("as_name", [True, False])
def test_a_file_for_an_edge_tpu_names_the_one_for_the_cpu(
    *, as_name: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = square(NETWORKS["an SSD, uint8"]) if as_name else custom("edgetpu-custom-op")
    path = tmp_path / ("yard_quant_edgetpu.tflite" if as_name else "yard.tflite")
    path.write_bytes(model)
    (tmp_path / "labels.txt").write_text("person\ncar\n")
    code = bundle(["--model", str(path), "--labels", str(tmp_path / "labels.txt"), "--out", str(tmp_path / "b")])
    said = capsys.readouterr().err
    assert code == 1
    assert "is compiled for the Edge TPU and runs on nothing else" in said
    assert ("take yard_quant.tflite, for the CPU" if as_name else "take the file that it was compiled from") in said


def test_an_ssd_that_sees_nothing_asks_which_output_is_which_unless_their_names_say_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blind = Square("ssd", "uint8", threshold=2.0)
    said = complaint(make(tmp_path, blind), capsys, tmp_path)
    assert "which output is which cannot be told" in said
    assert "--outputs boxes=0,classes=1,scores=2,count=3" in said


def test_a_file_that_is_no_known_head_is_described_with_why_each_did_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = complaint(make(tmp_path, Square("yolo", outputs=("boxes", "boxes"), count=7)), capsys, tmp_path)
    assert "several outputs that may be boxes" in said
    said = complaint(make(tmp_path, Square("ssd", outputs=("count", "scores"), count=7)), capsys, tmp_path)
    assert "takes float32 (1, 64, 64, 3) and gives float32 (1,), float32 (1, 7)" in said
    for head in ("as ssd, it gives four outputs, not 2", "as yolox, ", "as yolo, ", "as classifier, "):
        assert head in said
