"""The encoder of the scene learner: what it is taught with, and what the stored one has learnt."""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from smartcam.model.encoder import open_place_encoder
from smartcam.vision.picture import Picture
from training.normal.pictures import HEIGHT, WIDTH, draw
from training.normal.views import pairs

ROOT = Path(__file__).resolve().parents[2]
STORED = ROOT / "components/smartcam/model/place_encoder.tflite"
REPORT = ROOT / "training/bundles/encoder/encoder.json"
LARGEST = 1 << 20


@pytest.fixture(scope="module")
def pictures() -> NDArray[np.uint8]:
    return draw(7_000_000, 1, 1, 2)


def test_pictures_are_windows_of_every_hour_of_a_yard(pictures: NDArray[np.uint8]) -> None:
    assert pictures.shape == (10, HEIGHT, WIDTH, 3)
    assert pictures.dtype == np.uint8
    assert len({picture.tobytes() for picture in pictures}) == 10
    assert np.array_equal(draw(7_000_000, 1, 1, 2), pictures), "the same seed draws the same"


def test_two_views_show_the_same_things_under_other_light(pictures: NDArray[np.uint8]) -> None:
    one, other = pairs(pictures, np.random.default_rng(0))
    assert one.shape == other.shape == (10, HEIGHT, WIDTH, 3)
    assert one.dtype == np.float32
    assert 0 <= min(one.min(), other.min()) <= max(one.max(), other.max()) <= 1
    for mine, yours in zip(one, other, strict=True):
        assert not np.array_equal(mine, yours)
        soft = [cv2.GaussianBlur(each.mean(2), (0, 0), 1.5) for each in (mine, yours)]
        edges = [np.abs(cv2.Sobel(each, -1, 1, 0)).reshape(-1) for each in soft]
        assert np.corrcoef(*edges)[0, 1] > 0.3


def test_the_stored_encoder_is_small_and_the_one_that_its_report_names() -> None:
    model = STORED.read_bytes()
    report = json.loads(REPORT.read_text(encoding="utf-8"))
    assert len(model) <= LARGEST
    assert hashlib.sha256(model).hexdigest() == report["sha256"]
    assert report["command"].startswith("python -m training.normal --seed")


def test_the_stored_encoder_tells_things_apart_better_than_lights(pictures: NDArray[np.uint8]) -> None:
    encoder = open_place_encoder()
    same, others = [], []
    for place, picture in enumerate(pictures):
        usual = encoder.encode(Picture.from_bgr(picture[..., ::-1].copy()))
        darker = encoder.encode(Picture.from_bgr((picture[..., ::-1] * 0.7).astype(np.uint8)))
        other = encoder.encode(Picture.from_bgr(pictures[place - 1][..., ::-1].copy()))
        same.append(np.linalg.norm(usual - darker, axis=1).mean())
        others.append(np.linalg.norm(usual - other, axis=1).mean())
    assert np.median(others) > 2 * np.median(same)
