"""A bright square comes into an empty picture and stays: what the networks that tests make are asked to find."""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from tools.bundle.command import main as bundle
from tools.score.command import main as score

WIDTH, HEIGHT, FPS = 320, 240, 10
SIDE, TOP = 80, 40
EMPTY, STAYS = 20, 25
GREY = (122, 122, 122)


@dataclass(frozen=True, slots=True)
class SquareVisit:
    """The square of this colour (blue, green, red), which comes to stay `left` pixels from the picture's left."""

    left: int
    colour: tuple[int, int, int]

    def scene(self, left: int | None) -> Picture:
        """The picture with the square at this place, or without it."""
        bgr = np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)
        if left is not None:
            bgr[TOP : TOP + SIDE, max(left, 0) : max(left + SIDE, 0)] = self.colour
        return Picture.from_bgr(bgr)

    def pictures(self) -> Iterator[Picture]:
        """Nobody; then the square comes from the left and stays."""
        for _ in range(EMPTY):
            yield self.scene(None)
        for left in range(-SIDE, self.left, 20):
            yield self.scene(left)
        for _ in range(STAYS):
            yield self.scene(self.left)

    def written(self, folder: Path) -> Path:
        """The visit as a clip, with its labels beside it."""
        pictures = list(self.pictures())
        labels = {"visit.mp4": {"fps": FPS, "person": [[EMPTY, len(pictures) - 1]]}}
        (folder / "labels.json").write_text(json.dumps(labels))
        return write_clip(folder / "visit.mp4", pictures, fps=FPS)

    def notice(self, ring: Path) -> str:
        """The notice of a picture with the square, which lies in the ring."""
        writer = RingWriter(ring, CameraId("yard"))
        frame = Frame(CameraId("yard"), 1, UtcNs(1), MonotonicNs(1), 0, self.scene(self.left), ())
        return json.dumps(json.loads(encode_notice(writer.write(frame)))) + "\n"

    def check_seen_once(self, folder: Path, ring: Path, notice: str) -> None:
        """`smartcam-inference --once` finds the square alone, to within 2 % and with the right label."""
        answers, errors = io.StringIO(), io.StringIO()
        assert score_once(folder, ring, io.StringIO(notice), answers, errors) == 0, errors.getvalue()
        first, *others = json.loads(answers.getvalue())["detections"]
        off = np.array(first["box"]) - (self.left, TOP, self.left + SIDE, TOP + SIDE)
        assert (np.abs(off) <= 0.02 * np.array((WIDTH, HEIGHT, WIDTH, HEIGHT))).all(), off
        assert (first["label"], others) == ("person", [])


def made_bundle(folder: Path, model: Path, labels: tuple[str, ...], *more: str) -> int:
    """What `smartcam bundle` ends with for a model's file and labels; the bundle is the folder's `b`."""
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in labels))
    return bundle(["--model", f"{model}", "--labels", f"{folder / 'labels.txt'}", "--out", f"{folder / 'b'}", *more])


def check_score(folder: Path, clip: Path) -> None:
    """`smartcam score` finds the visit with the folder's bundle, and nothing else."""
    out = folder / "score.json"
    told = {"video": clip, "labels": clip.parent / "labels.json", "bundle": folder / "b", "json": out}
    assert score([part for name, value in told.items() for part in (f"--{name}", str(value))]) == 0
    result: dict[str, Any] = json.loads(out.read_text())
    events = result["clips"][0]["events"]
    assert (result["recall"], result["precision"]) == (1.0, 1.0), events
    assert [event["kind"] for event in events] == ["person"]


def complaint(code: int, capsys: pytest.CaptureFixture[str], folder: Path, model: str) -> str:
    """The one line of a bundle that was refused, and of which nothing is left; `model` is its file's name."""
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if not line.startswith("INFO: ")]
    assert (code, captured.out, len(lines)) == (1, "", 1), captured
    assert sorted(path.name for path in folder.iterdir()) == ["labels.txt", model]
    found = re.match(rf"smartcam bundle: {folder}/(?:{re.escape(model)}|labels\.txt): (.+)", lines[0])
    assert found, lines
    return found[1]
