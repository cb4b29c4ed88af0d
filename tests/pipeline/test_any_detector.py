"""Detectors of every head, order and quantisation find one bright square, from the model's file to the score."""

import io
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from smartcam.contract.ids import CameraId
from smartcam.contract.notice import encode_notice
from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.edge.ring.frame_ring import RingWriter
from smartcam.inference.commands.once import score_once
from smartcam.vision.frame import Frame
from smartcam.vision.picture import Picture
from tests.clips import write_clip
from tests.fakes.models import Square, square
from tools.bundle.command import main as bundle
from tools.score.command import main as score

WIDTH, HEIGHT, FPS = 320, 240, 10
SIDE, LEFT, TOP = 80, 180, 40
EMPTY, STAYS = 20, 25
BACKGROUND = (122, 122, 122)
ORANGE = (130, 255, 255)
"""Blue, green, red: more red than blue, so that a model that gets its colours in the wrong order says another label."""
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


def scene(left: int | None) -> Picture:
    bgr = np.full((HEIGHT, WIDTH, 3), BACKGROUND, np.uint8)
    if left is not None:
        bgr[TOP : TOP + SIDE, max(left, 0) : max(left + SIDE, 0)] = ORANGE
    return Picture.from_bgr(bgr)


def visit() -> Iterator[Picture]:
    """Nobody; then the square comes from the left and stays."""
    for _ in range(EMPTY):
        yield scene(None)
    for left in range(-SIDE, LEFT, 20):
        yield scene(left)
    for _ in range(STAYS):
        yield scene(LEFT)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    pictures = list(visit())
    labels = {"visit.mp4": {"fps": FPS, "person": [[EMPTY, len(pictures) - 1]]}}
    (folder / "labels.json").write_text(json.dumps(labels))
    return write_clip(folder / "visit.mp4", pictures, fps=FPS)


def make(folder: Path, network: Square, *more: str, labels: tuple[str, ...] | None = None) -> int:
    (folder / "net.tflite").write_bytes(square(network))
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in labels or NAMES[: network.classes]))
    paths = ("--model", f"{folder / 'net.tflite'}", "--labels", f"{folder / 'labels.txt'}", "--out", f"{folder / 'b'}")
    return bundle([*paths, *more])


@cache
def notice(ring: Path) -> str:
    writer = RingWriter(ring, CameraId("yard"))
    frame = Frame(CameraId("yard"), 1, UtcNs(1), MonotonicNs(1), 0, scene(LEFT), ())
    return json.dumps(json.loads(encode_notice(writer.write(frame)))) + "\n"


def seen_once(folder: Path, ring: Path) -> list[dict[str, object]]:
    answers, errors = io.StringIO(), io.StringIO()
    assert score_once(folder, ring, io.StringIO(notice(ring)), answers, errors) == 0, errors.getvalue()
    detections: list[dict[str, object]] = json.loads(answers.getvalue())["detections"]
    return detections


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ring")


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_a_detector_of_any_kind_finds_the_square_with_nothing_said_but_its_labels(
    network: Square, tmp_path: Path, clip: Path, ring: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make(tmp_path, network) == 0, capsys.readouterr().err
    assert f"answers as {network.head}, found by running it" in capsys.readouterr().out
    first, *others = seen_once(tmp_path / "b", ring)
    assert first["label"] == "person"
    off = np.array(first["box"]) - (LEFT, TOP, LEFT + SIDE, TOP + SIDE)
    assert (np.abs(off) <= 0.02 * np.array((WIDTH, HEIGHT, WIDTH, HEIGHT))).all(), off
    assert others == []
    out = tmp_path / "score.json"
    told = {"video": clip, "labels": clip.parent / "labels.json", "bundle": tmp_path / "b", "json": out}
    assert score([part for name, value in told.items() for part in (f"--{name}", str(value))]) == 0
    result = json.loads(out.read_text())
    assert (result["recall"], result["precision"]) == (1.0, 1.0)
    assert [event["kind"] for event in result["clips"][0]["events"]] == ["person"]
