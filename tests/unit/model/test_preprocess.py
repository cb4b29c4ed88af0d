"""From samples to a model's numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from smartcam.contract.notice import PixelBox
from smartcam.model.manifest import Colours, Fit, InputSpec, TensorLayout, TensorType
from smartcam.model.preprocess import Preprocessor, crop_rgb, fit_rgb, placement, whole
from smartcam.vision.picture import Picture

GREY = (128.0, 128.0, 128.0)
ZERO = (0.0, 0.0, 0.0)
WHITE = (255.0, 255.0, 255.0)


def samples(height: int = 4, width: int = 6) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_uint8_model_takes_samples_as_they_are_without_a_copy() -> None:
    rgb = samples()
    tensor = Preprocessor(InputSpec(6, 4, TensorType.UINT8, 1 / 128, 128, GREY, GREY)).tensor(rgb)
    assert tensor.shape == (1, 4, 6, 3)
    assert np.shares_memory(tensor, rgb)


def test_an_int8_model_takes_samples_less_128() -> None:
    rgb = samples()
    tensor = Preprocessor(InputSpec(6, 4, TensorType.INT8, 1 / 255, -128, ZERO, WHITE)).tensor(rgb)
    assert tensor.dtype == np.int8
    np.testing.assert_array_equal(tensor[0].astype(int), rgb.astype(int) - 128)


def test_a_float_model_takes_each_colour_on_its_own_scale() -> None:
    rgb = samples()
    mean, std = (10.0, 20.0, 30.0), (50.0, 60.0, 70.0)
    tensor = Preprocessor(InputSpec(6, 4, TensorType.FLOAT32, 0.0, 0, mean, std)).tensor(rgb)
    assert tensor.dtype == np.float32
    np.testing.assert_allclose(tensor[0], (rgb - np.array(mean)) / np.array(std), rtol=1e-6)


@given(
    st.sampled_from((TensorType.UINT8, TensorType.INT8)),
    st.floats(1e-3, 10),
    st.integers(-128, 127),
    st.floats(-300, 300),
    st.floats(0.1, 300),
)
def test_a_quantised_number_is_the_nearest_within_its_type(
    dtype: TensorType, scale: float, zero_point: int, mean: float, std: float
) -> None:
    rgb = samples()
    tensor = Preprocessor(InputSpec(6, 4, dtype, scale, zero_point, (mean,) * 3, (std,) * 3)).tensor(rgb)
    limits = np.iinfo(dtype.value)
    exact = np.clip((rgb - mean) / std / scale + zero_point, limits.min, limits.max)
    assert np.abs(tensor[0] - exact).max() <= 0.5 + 1e-6


def test_a_picture_of_another_size_or_type_is_refused() -> None:
    preprocessor = Preprocessor(InputSpec(6, 4, TensorType.UINT8, 1 / 128, 128, GREY, GREY))
    with pytest.raises(ValueError, match="takes uint8 4x6x3"):
        preprocessor.tensor(samples(6, 4))
    with pytest.raises(ValueError, match="not float32"):
        preprocessor.tensor(samples().astype(np.float32))


def test_a_region_is_cropped_to_the_models_size() -> None:
    bgr = np.zeros((64, 64, 3), np.uint8)
    bgr[:, 32:] = (0, 0, 255)
    picture = Picture.from_bgr(bgr)
    spec = InputSpec(8, 8, TensorType.UINT8, 1 / 128, 128, GREY, GREY)
    assert whole(picture) == PixelBox(0, 0, 64, 64)
    red = crop_rgb(picture, PixelBox(32, 0, 64, 64), spec)
    assert red.shape == (8, 8, 3)
    assert red[..., 0].min() > 230
    assert red[..., 1:].max() < 30


def as_numbers(rgb: NDArray[np.uint8], mean: tuple[float, ...], std: tuple[float, ...]) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = (rgb - np.array(mean)) / np.array(std)
    return numbers


@pytest.mark.parametrize("dtype", TensorType)
@pytest.mark.parametrize("layout", TensorLayout)
@pytest.mark.parametrize("colours", Colours)
def test_colours_come_in_the_models_order_and_layout(dtype: TensorType, layout: TensorLayout, colours: Colours) -> None:
    rgb, mean, std = samples(), (10.0, 20.0, 30.0), (5.0, 6.0, 7.0)
    scale, zero_point = (0.0, 0) if dtype is TensorType.FLOAT32 else (1.0, 3)
    tensor = Preprocessor(InputSpec(6, 4, dtype, scale, zero_point, mean, std, colours, layout)).tensor(rgb)
    expected = as_numbers(rgb, mean, std)
    if dtype is not TensorType.FLOAT32:
        limits = np.iinfo(dtype.value)
        expected = np.clip(np.round(expected) + zero_point, limits.min, limits.max)
    expected = expected[..., ::-1] if colours is Colours.BGR else expected
    expected = expected.transpose(2, 0, 1) if layout is TensorLayout.NCHW else expected
    assert tensor.dtype == dtype.value
    np.testing.assert_allclose(tensor[0], expected, atol=1e-5)


@pytest.mark.parametrize("colours", Colours)
def test_samples_as_they_are_come_in_the_models_order_of_colours(colours: Colours) -> None:
    rgb = samples()
    spec = InputSpec(6, 4, TensorType.UINT8, 1.0, 0, ZERO, (1.0,) * 3, colours, TensorLayout.NCHW)
    order = slice(None, None, -1) if colours is Colours.BGR else slice(None)
    np.testing.assert_array_equal(Preprocessor(spec).tensor(rgb)[0], rgb[..., order].transpose(2, 0, 1))


@given(st.integers(1, 300), st.integers(1, 300), st.integers(2, 100), st.integers(2, 100))
def test_a_letterboxed_region_keeps_its_proportions_in_the_middle(
    wide: int, high: int, width: int, height: int
) -> None:
    spec = InputSpec(width, height, TensorType.UINT8, 1.0, 0, ZERO, (1.0,) * 3, fit=Fit.LETTERBOX, pad=114)
    placed = placement(PixelBox(10, 20, 10 + wide, 20 + high), spec)
    assert (placed.width, placed.height) <= (width, height)
    assert placed.width == width or placed.height == height
    scale = min(width / wide, height / high)
    assert abs(placed.width - wide * scale) <= max(0.5, 1 - wide * scale) + 1e-9
    assert abs(placed.height - high * scale) <= max(0.5, 1 - high * scale) + 1e-9
    assert abs(2 * placed.left + placed.width - width) <= 1
    assert abs(2 * placed.top + placed.height - height) <= 1


def test_grey_surrounds_a_letterboxed_picture_and_nothing_is_added_to_one_of_the_models_proportions() -> None:
    picture = Picture.from_bgr(np.full((32, 64, 3), 250, np.uint8))
    spec = InputSpec(16, 16, TensorType.UINT8, 1.0, 0, ZERO, (1.0,) * 3, fit=Fit.LETTERBOX, pad=114)
    for rgb in (crop_rgb(picture, whole(picture), spec), fit_rgb(np.full((32, 64, 3), 250, np.uint8), spec)):
        assert rgb.shape == (16, 16, 3)
        assert (rgb[:4] == 114).all()
        assert (rgb[12:] == 114).all()
        assert (rgb[4:12] > 245).all()
    assert (crop_rgb(picture, PixelBox(0, 0, 32, 32), spec) > 245).all()
