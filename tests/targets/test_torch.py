"""A network of PyTorch from its training to a device's answers, and out again: the same numbers everywhere."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from measure.export.command import LEAST_PICTURES, PARITY
from measure.export.command import main as export_main
from smartcam.contract.notice import PixelBox
from smartcam.model.bundle import ModelBundle
from smartcam.model.interpreter import open_interpreter
from smartcam.model.preprocess import crop_rgb
from smartcam.vision.picture import Picture
from tools.bundle.command import main as bundle_main
from tools.command_line import ROOT
from tools.setup import setup_torch
from training.bundle import TORCH_SOURCE, source_beside
from training.classifier.networks import rgb_spec
from training.drawn_films import YardSlides
from training.evaluate import scores_of
from training.footage.film import Box

pytestmark = [pytest.mark.targets, pytest.mark.usefixtures("drawn_once")]

LEARNED_FROM = range(800_000, 800_024)
HELD_OUT = range(800_500, 800_508)
"""No yard is in both."""
SIDE = 48
SPEC = replace(rgb_spec(), width=SIDE, height=SIDE)
ROOM = 1.4
LEAST_RIGHT = 0.85
UNTRAINED = 0.6
"""Half of the pictures show something: who knows nothing is right half of the time."""
JUDGED = re.compile(r"right of (?P<pictures>\d+) held out: (?P<learned>[\d.]+), untrained (?P<untrained>[\d.]+)")
Pictures = Mapping[str, NDArray[Any]]


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    """What is learned from, and what is held out, by the names that `learn.py` knows."""
    rgb, shows = drawn(LEARNED_FROM)
    held_out_rgb, held_out_shows = drawn(HELD_OUT)
    return {"rgb": rgb, "shows": shows, "held_out_rgb": held_out_rgb, "held_out_shows": held_out_shows}


def drawn(yards: range) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The part of each picture in which somebody is, or where the last one was and now nobody is; and which of both."""
    rgb, shows, box = [], [], (0.4, 0.4, 0.6, 0.6)
    for shot in (shot for seed in yards for shot in YardSlides(seed, 3).shots()):
        box = shot.box or box
        rgb.append(crop_rgb(shot.picture, around(box, shot.picture), SPEC))
        shows.append(shot.shows)
    return np.stack(rgb), np.array(shows)


def around(box: Box, picture: Picture) -> PixelBox:
    """A square with some room around a box, as far as the picture goes."""
    wide, high = picture.width, picture.height
    side = min(round(ROOM * max((box[2] - box[0]) * wide, (box[3] - box[1]) * high)), wide, high)
    left = min(max(round((box[0] + box[2]) * wide - side) // 2, 0), wide - side)
    top = min(max(round((box[1] + box[3]) * high - side) // 2, 0), high - side)
    return PixelBox(left, top, left + side, top + side)


@pytest.fixture(scope="module")
def learned(pictures: Pictures, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The program that PyTorch has learned, and what was said meanwhile."""
    folder = tmp_path_factory.mktemp("torch")
    np.savez(folder / "pictures.npz", **pictures)
    learn = [setup_torch(), ROOT / "targets/pytorch/learn.py", folder / "pictures.npz", folder / "learned.pt2"]
    # As one thread: two that wait for each other's share of a busy machine take many times as long.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([str(each) for each in learn], check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return folder / "learned.pt2", done.stdout


@pytest.fixture(scope="module")
def bundle(learned: tuple[Path, str]) -> Path:
    """The program as a bundle, as a user makes it."""
    program, _ = learned
    labels, made = program.with_name("labels.txt"), program.with_name("yard")
    labels.write_text("normal\nintruder\n")
    assert bundle_main(["--model", str(program), "--labels", str(labels), "--out", str(made)]) == 0
    return made


@pytest.fixture(scope="module")
def rows(bundle: Path) -> dict[str, Any]:
    out = bundle.with_name("out")
    code = export_main([str(bundle), "--to", "onnx,executorch,coreml", "--out", str(out)])
    rows = {row["target"]: row for row in json.loads((out / PARITY).read_text())["targets"]}
    assert code == 0, f"{rows}"
    return rows


def test_it_has_learned_what_it_says_and_a_device_sees_that_too(
    learned: tuple[Path, str], bundle: Path, pictures: Pictures
) -> None:
    said = JUDGED.search(learned[1])
    assert said is not None, learned[1]
    assert int(said["pictures"]) == len(pictures["held_out_shows"])
    assert float(said["untrained"]) <= UNTRAINED
    assert float(said["learned"]) >= LEAST_RIGHT
    scores = scores_of((bundle / "model.tflite").read_bytes(), pictures["held_out_rgb"])
    assert np.mean((scores > 0.5) == pictures["held_out_shows"]) == pytest.approx(float(said["learned"]), abs=0.005)


def test_the_program_becomes_a_bundle_that_a_device_opens_and_lies_beside_it(bundle: Path) -> None:
    opened = ModelBundle.open(bundle)
    assert opened.manifest.labels == ("normal", "intruder")
    assert open_interpreter((bundle / "model.tflite").read_bytes()).input.shape == (1, 3, SIDE, SIDE)
    assert source_beside(bundle, TORCH_SOURCE).read_bytes() == bundle.with_name("learned.pt2").read_bytes()


@pytest.mark.parametrize("target", ["onnx float", "executorch", "coreml"])
def test_it_gives_the_same_numbers_on_each_target(rows: dict[str, Any], target: str) -> None:
    row = rows[target]
    assert row["pictures"] == LEAST_PICTURES + 1
    assert row["limit"] == 1e-3
    assert row["largest"] <= 1e-3
