"""The encoder of places behind its interpreter."""

from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.encoder import PlaceEncoder, open_place_encoder
from smartcam.model.runtimes.port import Tensor, TensorSpec
from smartcam.vision.picture import Picture

TAKEN = TensorSpec((1, 64, 128, 3), np.dtype(np.uint8), 1 / 255, 0)
GIVEN = (TensorSpec((1, 8, 16, 3), np.dtype(np.int8), 0.5, -10),)


@dataclass
class FakeInterpreter:
    """Gives the mean of each place's colours, quantised."""

    input: TensorSpec = field(default=TAKEN)
    outputs: tuple[TensorSpec, ...] = field(default=GIVEN)

    def invoke(self, tensor: Tensor) -> tuple[Tensor, ...]:
        means = tensor.reshape(1, 8, 8, 16, 8, 3).mean((2, 4))
        return ((means / 4).astype(np.int8),)


def test_places_come_row_by_row_in_the_models_own_scale() -> None:
    bgr = np.zeros((128, 256, 3), np.uint8)
    bgr[16:32, 48:64] = 200
    encoded = PlaceEncoder(FakeInterpreter()).encode(Picture.from_bgr(bgr))
    assert encoded.shape == (128, 3)
    assert encoded.dtype == np.float32
    bright = np.flatnonzero(encoded[:, 0] > encoded[:, 0].min() + 5)
    assert bright.tolist() == [16 + 3]
    assert encoded[19, 0] == pytest.approx((50 + 10) * 0.5, abs=1.5)


@pytest.mark.parametrize(
    "wrong",
    [
        FakeInterpreter(outputs=(TensorSpec((1, 1001), np.dtype(np.int8), 0.5, 0),)),
        FakeInterpreter(outputs=(TensorSpec((1, 4, 8, 16), np.dtype(np.int8), 0.5, 0),)),
        FakeInterpreter(outputs=(TensorSpec((1, 8, 16, 500), np.dtype(np.int8), 0.5, 0),)),
        FakeInterpreter(input=TensorSpec((1, 64, 128, 1), np.dtype(np.uint8), 0, 0)),
        FakeInterpreter(input=TensorSpec((1, 64, 128, 3), np.dtype(np.float32), 0, 0)),
    ],
)
def test_another_kind_of_model_is_refused_with_what_an_encoder_must_be(wrong: FakeInterpreter) -> None:
    with pytest.raises(ModelIntegrityError, match="is no encoder: it must take uint8"):
        PlaceEncoder(wrong)


def test_the_encoder_that_comes_with_the_code_opens_and_says_something_of_each_place() -> None:
    encoder = open_place_encoder()
    assert encoder.width == 16
    assert encoder.encode(Picture.from_bgr(np.zeros((64, 128, 3), np.uint8))).shape == (128, 16)


@pytest.mark.parametrize("damage", ["missing", "cut off", "one bit"])
def test_an_encoder_that_is_missing_or_damaged_never_reaches_the_runtime(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = resources.files("smartcam.model").joinpath("place_encoder.tflite").read_bytes()
    damaged = {"cut off": whole[:-1], "one bit": whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:]}
    if damage in damaged:
        (tmp_path / "place_encoder.tflite").write_bytes(damaged[damage])
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)
    with pytest.raises(ModelIntegrityError, match=r"place_encoder\.tflite: .*install"):
        open_place_encoder()
